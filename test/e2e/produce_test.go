package e2e_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// A function behind HTTP writes to a real broker in the middle of its work: each record is
// where the answer says, and one that the topic does not take fails alone.
func TestAFunctionWritesToARealBroker(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	topic := kafkatest.Topic(t)
	c.CreateTopic(t, topic, 2, map[string]string{"max.message.bytes": "2000"})
	g := gantrytest.Start(t, gantrytest.Options{Env: []string{"WRITER=the-writers-secret"}, Config: fmt.Sprintf(`
keys: [{id: WRITER, secret: "env:WRITER", function: writer}]
clusters: {main: {brokers: [%q]}}
functions: {writer: {http: "http://127.0.0.1:1/", produce: {cluster: main, topics: [%s, %s-gone]}}}
`, c.Brokers()[0], topic, topic)})
	type answer struct {
		Message string
		Records []struct {
			Partition, Offset *int64
			Error             *struct{ Type string }
		}
	}
	send := func(topic, body string) (status int, out answer) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.URL+"/gantry/v1/topics/"+topic+"/records", strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Amz-Sdk-Invocation-Id", fmt.Sprint(time.Now().UnixNano())) // no two requests are one
		digest := sha256.Sum256([]byte(body))
		who := aws.Credentials{AccessKeyID: "WRITER", SecretAccessKey: "the-writers-secret"}
		require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), who, r, hex.EncodeToString(digest[:]), "lambda", "us-east-1", time.Now()))
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		_ = json.NewDecoder(res.Body).Decode(&out)
		return res.StatusCode, out
	}
	require.Eventually(t, func() bool { // its file is applied
		status, _ := send(topic+"-gone", `{"records":[{}]}`)
		return status == http.StatusNotFound
	}, time.Minute, 50*time.Millisecond)
	status, out := send(topic, `{"records":[{"keyText":"k","valueJson":{"n":1},"headers":[{"h":"text"}],"partition":1},{"keyText":"k","partition":1},{"value":"/w==","partition":0}]}`)
	require.Equal(t, http.StatusOK, status, out.Message)
	require.EqualValues(t, []int64{1, 0, 1, 1, 0, 0}, []int64{
		*out.Records[0].Partition, *out.Records[0].Offset, *out.Records[1].Partition, *out.Records[1].Offset, *out.Records[2].Partition, *out.Records[2].Offset,
	})
	status, out = send(topic, `{"records":[{"valueText":"fits","partition":0},{"valueText":"`+strings.Repeat("x", 4000)+`","partition":0}]}`)
	require.Equal(t, http.StatusRequestEntityTooLarge, status, out.Message)
	require.Nil(t, out.Records[0].Error)
	require.Equal(t, "RecordTooLargeException", out.Records[1].Error.Type)
	var got []string
	for _, r := range readAll(t, c, topic, 4) {
		got = append(got, fmt.Sprint(r.Partition, "@", r.Offset, " ", asText(r)))
	}
	slices.Sort(got)
	require.Equal(t, []string{`0@0 null "\xff"`, `0@1 null "fits"`, `1@0 "k" "{\"n\":1}" h="text"`, `1@1 "k" null`}, got)
}
