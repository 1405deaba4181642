package opensearch

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"gantry/internal/databasetest"
	"gantry/sink"
)

func writer(t *testing.T, url string, more sink.Settings, d sink.Deps) sink.Sink {
	t.Helper()
	all := sink.Settings{"url": url}
	for name, value := range more {
		all[name] = value
	}
	full, err := Spec().Prepare(all)
	require.NoError(t, err)
	w, err := Spec().New(full, d)
	require.NoError(t, err)
	t.Cleanup(func() { w.Close() })
	return w
}

func records(from int64, pairs ...string) []sink.Record {
	var list []sink.Record
	for i := 0; i < len(pairs); i += 2 {
		r := sink.Record{Topic: "orders", Offset: from + int64(i/2), Key: []byte(pairs[i])}
		if pairs[i+1] != "" {
			r.Value = []byte(pairs[i+1])
		}
		list = append(list, r)
	}
	return list
}

// write gives what failed, by index.
func write(t *testing.T, w sink.Sink, list []sink.Record) map[int]string {
	t.Helper()
	r, err := w.Write(t.Context(), list)
	require.NoError(t, err)
	failed := map[int]string{}
	for _, f := range r.Failed {
		failed[f.Index] = fmt.Sprintf("%v: %v", sink.CauseOf(f.Err), f.Err)
	}
	return failed
}

// server is the fake, or the real one.
type server interface {
	Docs(index string) map[string]databasetest.Doc
}

func TestIndexesByKeyAndVersion(t *testing.T) {
	t.Parallel()
	s := databasetest.NewOpenSearch(t)
	s.Limit(400)
	indexesByKeyAndVersion(t, s, writer(t, s.URL, nil, sink.Deps{}))
}

// The server itself does what the fake does.
func TestOpenSearch(t *testing.T) {
	t.Parallel()
	s := databasetest.StartSearch(t)
	w := writer(t, s.URL, nil, sink.Deps{})
	t.Run("by key and version", func(t *testing.T) { indexesByKeyAndVersion(t, s, w) })
	t.Run("what became of each", func(t *testing.T) {
		s.Do(http.MethodPut, "/bills", `{"mappings":{"dynamic":"strict","properties":{"n":{"type":"long"}}}}`)
		w := writer(t, s.URL, sink.Settings{"index": "bills"}, sink.Deps{})
		failed := write(t, w, records(0, `1`, `{"n":1}`, `2`, `{"n":"x"}`, `3`, `{"m":3}`, `4`, `{"n":4}`))
		require.Len(t, failed, 2)
		require.Contains(t, failed[1], "refused: the service refused the document: mapper_parsing_exception: failed to parse field [n]")
		require.Contains(t, failed[2], "refused: the service refused the document: strict_dynamic_mapping_exception")
		require.Len(t, s.Docs("bills"), 2)
	})
	t.Run("an index that takes nothing now", func(t *testing.T) {
		s.Do(http.MethodPut, "/bills/_settings", `{"index.blocks.read_only_allow_delete":true}`) // as when the disk is full
		w := writer(t, s.URL, sink.Settings{"index": "bills"}, sink.Deps{})
		require.Contains(t, write(t, w, records(4, `5`, `{"n":5}`))[0], "busy: ")
	})
}

func indexesByKeyAndVersion(t *testing.T, s server, w sink.Sink) {
	list := records(5, `{"id":1}`, "{\n\"a\":1}", `2`, `{"a":2,"b":{"c":[1, 2]}}`, `{"id":1}`, `{"a":7}`, `2`, ``, `3`, ``, `4`, `{"op":"c","after":{"x":null}}`)
	require.Empty(t, write(t, w, list))
	want := map[string]databasetest.Doc{"1": {Version: 8, Source: `{"a":7}`}, "4": {Version: 11, Source: `{"x":null}`}}
	require.Equal(t, want, s.Docs("orders"))
	require.Empty(t, write(t, w, list[:2]), "older versions are conflicts, which are no fault")
	require.Equal(t, want, s.Docs("orders"))
}

func TestTellsWhatBecameOfEachDocument(t *testing.T) {
	t.Parallel()
	s := databasetest.NewOpenSearch(t)
	s.Refuse(func(_ string, source map[string]any) string {
		if _, text := source["n"].(string); text {
			return "failed to parse field [n] of type [long]"
		}
		return ""
	})
	w := writer(t, s.URL, nil, sink.Deps{})
	failed := write(t, w, records(0, `1`, `{"n":1}`, `2`, `{"n":"x"}`, `3`, `7`, `4`, `{"n":4}`))
	require.Len(t, failed, 2)
	require.Contains(t, failed[1], "refused: the service refused the document: mapper_parsing_exception: failed to parse field [n]")
	require.Contains(t, failed[2], "refused: its value is not a JSON object")
	s.Throttle(1, 0)
	require.Contains(t, write(t, w, records(4, `5`, `{"n":5}`))[0], "busy: ")
	s.Throttle(0, 2)
	failed = write(t, w, records(4, `5`, `{"n":5}`, `6`, `{"n":6}`))
	require.Len(t, failed, 1)
	for _, why := range failed {
		require.Contains(t, why, "busy: the service refused the document: es_rejected_execution_exception")
	}
}

func TestSignsForAmazon(t *testing.T) {
	t.Parallel()
	var authorization string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		http.Error(w, "no", http.StatusForbidden)
	}))
	defer s.Close()
	w := writer(t, s.URL, sink.Settings{"aws": "true"}, sink.Deps{AWS: func(context.Context) (aws.Config, error) {
		return aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", "")}, nil
	}})
	require.Contains(t, write(t, w, records(0, `1`, `{}`))[0], "misconfigured: ")
	require.Contains(t, authorization, "/eu-west-1/es/aws4_request")
}
