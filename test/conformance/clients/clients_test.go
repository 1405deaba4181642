package clients

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestGoSDK(t *testing.T) { t.Parallel(); run(t, newGoSDK) }

func TestBoto3(t *testing.T) { t.Parallel(); run(t, newBoto3) }

func TestCLI(t *testing.T) { t.Parallel(); run(t, newCLI) }

// run plays the script. A step that goes wrong ends it: those after it build on it.
func run(t *testing.T, open func(*testing.T, *server) client) {
	s := newServer(t)
	p := &play{server: s, client: open(t, s), kept: map[string]string{
		"zip1": base64.StdEncoding.EncodeToString(archive("app.py")),
		"zip2": base64.StdEncoding.EncodeToString(archive("app.py", "lib.py")),
		"evil": base64.StdEncoding.EncodeToString(archive("../app.py")),
	}}
	_, typed := p.client.(*cli)
	for _, st := range slices.Concat(functionSteps, mappingSteps) {
		if typed && st.untyped {
			continue
		}
		if !t.Run(st.operation+"/"+st.name, func(t *testing.T) { p.step(t, st) }) {
			return
		}
	}
	for _, c := range s.audit.all() {
		require.Equal(t, keyID, c.By.Actor, c.Action)
		require.Len(t, c.RequestID, 36, c.Action)
	}
	require.Len(t, s.audit.all(), changes())
}

// changes counts the steps that must have changed something.
func changes() int {
	n := 0
	for _, st := range slices.Concat(functionSteps, mappingSteps) {
		reads := strings.HasPrefix(st.operation, "Get") || strings.HasPrefix(st.operation, "List") || st.operation == "Invoke"
		if st.fails == "" && !reads {
			n++
		}
	}
	return n
}

type play struct {
	server *server
	client client
	kept   map[string]string
}

func (p *play) step(t *testing.T, st step) {
	input, _ := p.fill(st.input).(map[string]any)
	out, failed := p.client.call(t, st.operation, input)
	if st.fails != "" {
		p.mustFail(t, st, failed)
		return
	}
	require.Nil(t, failed)
	for path, want := range st.want {
		require.Equal(t, p.fill(want), at(out, path), "%s of %v", path, out)
	}
	for path, name := range st.keep {
		text, ok := at(out, path).(string)
		require.True(t, ok, "%s of %v", path, out)
		p.kept[name] = text
	}
	if st.recent != "" {
		require.WithinDuration(t, time.Now(), timeOf(t, at(out, st.recent)), time.Minute)
	}
	if st.fetch != "" {
		p.mustFetch(t, at(out, st.fetch))
	}
}

func (p *play) mustFail(t *testing.T, st step, failed *failure) {
	require.NotNil(t, failed, "the call succeeded")
	require.Equal(t, st.fails, failed.Code, failed.Message)
	require.Contains(t, failed.Message, p.fill(st.says))
	if st.status != 0 && failed.Status != 0 {
		require.Equal(t, st.status, failed.Status)
		require.Len(t, failed.RequestID, 36)
	}
}

// mustFetch takes the function's zip from its location, with no credentials.
func (p *play) mustFetch(t *testing.T, location any) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprint(location), nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, string(body))
	require.Equal(t, p.kept["zip1"], base64.StdEncoding.EncodeToString(body))
}

// fill replaces ${name} in every text of a value.
func (p *play) fill(value any) any {
	switch v := value.(type) {
	case string:
		for name, kept := range p.kept {
			v = strings.ReplaceAll(v, "${"+name+"}", kept)
		}
		return v
	case map[string]any:
		filled := map[string]any{}
		for name, inner := range v {
			filled[name] = p.fill(inner)
		}
		return filled
	case []any:
		var filled []any
		for _, inner := range v {
			filled = append(filled, p.fill(inner))
		}
		return filled
	}
	return value
}

// at finds a member by a dotted path with indexes; nil where there is none.
func at(value any, path string) any {
	for part := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

// timeOf reads a time as one of the clients shows it.
func timeOf(t *testing.T, value any) time.Time {
	switch v := value.(type) {
	case float64:
		return time.UnixMilli(int64(v * 1000))
	case string:
		at, err := time.Parse(time.RFC3339Nano, v)
		require.NoError(t, err)
		return at
	}
	t.Fatalf("%v is no time", value)
	return time.Time{}
}

func archive(names ...string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		entry, _ := w.Create(name)
		_, _ = io.WriteString(entry, "# "+name)
	}
	_ = w.Close()
	return b.Bytes()
}
