//go:build linux

package process_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/process"
)

// writes gives a function the right to write, to a handler that says what it was asked.
func writes(f *function.Function, c *process.Config) {
	f.Produce = &function.Produce{Cluster: "c", Topics: []string{"valid"}}
	c.Produce = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("asked " + r.URL.Path)) })
}

func (r *rig) text(event string) string {
	r.t.Helper()
	o := r.invoke(event)
	require.Equal(r.t, function.Succeeded, o.Class, o.Message)
	var text string
	require.NoError(r.t, json.Unmarshal(o.Answer, &text))
	return text
}

// A process writes with its own token. It does not with another one, with that of a
// process that has ended, or where somebody else has its token.
func TestProduceTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t, writes)
	require.Equal(t, "200 asked /gantry/v1/topics/valid/records", r.text(`{"do":"send"}`))
	_, logged := r.logs.find("the token is [secret]")
	require.True(t, logged, "the token stands in the function's log")
	require.Contains(t, r.text(`{"do":"send","path":"guessed"}`), "403 ")

	first, url := r.text(`{"do":"env","path":"GANTRY_PRODUCE_TOKEN"}`), r.text(`{"do":"env","path":"GANTRY_PRODUCE_URL"}`)
	require.Len(t, first, 43)
	stranger, err := http.NewRequest(http.MethodPost, url+"valid/records", strings.NewReader("{}"))
	require.NoError(t, err)
	stranger.Header.Set("Authorization", "Bearer "+first)
	answer, err := http.DefaultClient.Do(stranger)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, 403, answer.StatusCode, "the socket is not the function's")

	require.Equal(t, function.Failed, r.invoke(`{"do":"exit"}`).Class) // a new process, a new token
	require.NotEqual(t, first, r.text(`{"do":"env","path":"GANTRY_PRODUCE_TOKEN"}`))
	require.Contains(t, r.text(`{"do":"send","path":"`+first+`"}`), "another process has another one")

	other := newRig(t, writes)
	require.Contains(t, other.text(`{"do":"send","path":"`+r.text(`{"do":"env","path":"GANTRY_PRODUCE_TOKEN"}`)+`"}`), "403 ")
}

func TestNoRightNoToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(f *function.Function, c *process.Config) { writes(f, c); f.Produce = nil })
	require.Empty(t, r.text(`{"do":"env","path":"GANTRY_PRODUCE_TOKEN"}`))
	require.Empty(t, r.text(`{"do":"env","path":"GANTRY_PRODUCE_URL"}`))
}
