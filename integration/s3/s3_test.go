package s3_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"gantry/integration/s3"
	"gantry/internal/gantrytest"
	"gantry/record"
	"gantry/sink"
)

// store is a place that takes PutObject; answer may say no.
type store struct {
	mu      sync.Mutex
	objects map[string][]byte
	headers map[string]http.Header
	puts    int
	answer  func(key string, n int) (status int, code string)
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	sum := sha256.Sum256(body)
	switch key := strings.TrimPrefix(r.URL.Path, "/"); {
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKID/"), r.Header.Get("X-Amz-Content-Sha256") != hex.EncodeToString(sum[:]):
		w.WriteHeader(http.StatusForbidden)
	case r.Header.Get("If-None-Match") == "*" && s.objects[key] != nil:
		w.WriteHeader(http.StatusPreconditionFailed)
	default:
		if s.answer != nil {
			if status, code := s.answer(key, s.puts); status != 0 {
				w.WriteHeader(status)
				fmt.Fprintf(w, "<Error><Code>%s</Code><Message>said the server</Message></Error>", code)
				return
			}
		}
		s.objects[key], s.headers[key] = body, r.Header
	}
}

func open(t *testing.T, st *store, settings sink.Settings) *sink.LambdaHandler {
	t.Helper()
	st.objects, st.headers = map[string][]byte{}, map[string]http.Header{}
	server := httptest.NewServer(st)
	t.Cleanup(server.Close)
	settings["bucket"] = "archive"
	full, err := s3.Spec().Prepare(settings)
	require.NoError(t, err)
	d := sink.Deps{AWS: func(context.Context) (aws.Config, error) {
		return aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")}, nil
	}}.WithDefaults()
	made, err := s3.Spec().New(full, d)
	require.NoError(t, err)
	return sink.Handler(made, d)
}

var day = time.Date(2026, 11, 24, 23, 59, 59, 0, time.UTC)

func records() []sink.Record {
	return []sink.Record{
		{Topic: "orders", Partition: 0, Offset: 10, Time: day, Key: []byte("a"), Value: []byte(`{"id":"o1","total":12.5,"n":3,"paid":true,"at":"2026-01-02T03:04:05Z","deep":{"x":[1]}}`), Headers: []record.Header{{Key: "h", Value: []byte("v")}, {Key: "h", Value: []byte{0xff}}}},
		{Topic: "orders", Partition: 0, Offset: 13, Time: day.Add(time.Second), Value: []byte("plain text")},
		{Topic: "orders", Partition: 0, Offset: 14, Time: day.Add(2 * time.Second), Key: []byte{0xfe, 0xff}},
		{Topic: "orders", Partition: 1, Offset: 0, Time: day, Key: []byte("b"), Value: []byte{0xff, 0x00}},
	}
}

// event is AWS's event of records.
func event(t *testing.T, records []sink.Record) []byte {
	t.Helper()
	parts := map[string][]map[string]any{}
	for _, r := range records {
		m := map[string]any{"topic": r.Topic, "partition": r.Partition, "offset": r.Offset, "timestamp": r.Time.UnixMilli(), "headers": []any{}}
		if r.Key != nil {
			m["key"] = r.Key
		}
		if r.Value != nil {
			m["value"] = r.Value
		}
		var headers []any
		for _, h := range r.Headers {
			var numbers []int
			for _, b := range h.Value {
				numbers = append(numbers, int(b))
			}
			headers = append(headers, map[string]any{h.Key: numbers})
		}
		m["headers"] = headers
		parts[r.Of().String()] = append(parts[r.Of().String()], m)
	}
	body, err := json.Marshal(map[string]any{"eventSource": "SelfManagedKafka", "records": parts})
	require.NoError(t, err)
	return body
}

// A batch that is cut otherwise when it comes again, as several lanes may cut it, never
// takes the place of one with other records between the same ends, nor counts as it.
func TestAnObjectNeverHidesOthers(t *testing.T) {
	t.Parallel()
	for _, exists := range []string{"overwrite", "keep"} {
		st := &store{}
		h := open(t, st, sink.Settings{"exists": exists, "columns": "offset long"})
		all := []sink.Record{{Topic: "orders", Offset: 1, Value: []byte("1")}, {Topic: "orders", Offset: 2, Value: []byte("2")}, {Topic: "orders", Offset: 9, Value: []byte("9")}}
		for _, batch := range [][]sink.Record{{all[0], all[2]}, all, {all[0], all[2]}} {
			answer, err := h.Invoke(t.Context(), event(t, batch))
			require.NoError(t, err)
			require.JSONEq(t, `{"batchItemFailures":[]}`, string(answer))
		}
		var rows string
		for _, body := range st.objects {
			rows += string(body)
		}
		require.Contains(t, rows, `{"offset":2}`, exists)
	}
}

func TestObjectsOfABatch(t *testing.T) {
	t.Parallel()
	st := &store{}
	h := open(t, st, sink.Settings{"format": "jsonl.gz", "prefix": `{{ .topic }}/{{ .time.Format "2006-01-02" }}/`, "encryption": "AES256"})
	for range 2 { // the second time overwrites with the same
		answer, err := h.Invoke(t.Context(), event(t, records()))
		require.NoError(t, err)
		require.JSONEq(t, `{"batchItemFailures":[]}`, string(answer))
		require.Len(t, st.objects, 3)
	}
	key := "archive/orders/2026-11-25/orders-0-00000000000000000013-00000000000000000014.jsonl.gz"
	require.Contains(t, st.objects, key)
	unpack, err := gzip.NewReader(bytes.NewReader(st.objects[key]))
	require.NoError(t, err)
	lines, err := io.ReadAll(unpack)
	require.NoError(t, err)
	require.Equal(t, `{"topic":"orders","partition":0,"offset":13,"timestamp":1795564800000,"key":null,"value":"plain text","headers":[]}
{"topic":"orders","partition":0,"offset":14,"timestamp":1795564801000,"key":{"base64":"/v8="},"value":null,"headers":[]}
`, string(lines))
	require.Equal(t, "AES256", st.headers[key].Get("X-Amz-Server-Side-Encryption"))
	require.Equal(t, "2", st.headers[key].Get("X-Amz-Meta-Count"))
}

func TestWhatS3Refuses(t *testing.T) {
	t.Parallel()
	busy := func(string, int) (int, string) { return 503, "SlowDown" }
	for name, c := range map[string]struct {
		answer func(string, int) (int, string)
		cause  sink.Cause
	}{
		"slow down":   {busy, sink.Busy},
		"no bucket":   {func(string, int) (int, string) { return 404, "NoSuchBucket" }, sink.Misconfigured},
		"not allowed": {func(string, int) (int, string) { return 403, "AccessDenied" }, sink.Misconfigured},
		"broken":      {func(string, int) (int, string) { return 500, "InternalError" }, sink.Failed},
	} {
		st := &store{answer: c.answer}
		_, err := open(t, st, sink.Settings{}).Invoke(t.Context(), event(t, records()))
		require.Error(t, err, name)
		require.Equal(t, c.cause, sink.CauseOf(err), name)
		require.ErrorContains(t, err, "s3://archive/orders/partition=0/orders-0-")
	}
	st := &store{answer: func(key string, n int) (int, string) { // every second put: the batch gets through in one invocation
		if n%2 == 1 {
			return 503, "SlowDown"
		}
		return 0, ""
	}}
	answer, err := open(t, st, sink.Settings{"parallel": "1"}).Invoke(t.Context(), event(t, records()))
	require.NoError(t, err)
	require.JSONEq(t, `{"batchItemFailures":[]}`, string(answer))
	require.Len(t, st.objects, 2)
}

func TestARecordThatDoesNotFitIsRefusedAlone(t *testing.T) {
	t.Parallel()
	st := &store{}
	h := open(t, st, sink.Settings{"format": "parquet", "columns": "offset long, text string value"})
	answer, err := h.Invoke(t.Context(), event(t, records()))
	require.NoError(t, err)
	require.JSONEq(t, `{"batchItemFailures":[{"itemIdentifier":{"partition":"orders-1","offset":0}}]}`, string(answer))
	require.Len(t, st.objects, 1)
}

func TestFaultsOfSettings(t *testing.T) {
	t.Parallel()
	err := s3.Spec().Check(sink.Settings{"format": "xml", "columns": "a b c d", "prefix": "{{ .x"})
	for _, want := range []string{"bucket: is missing", "format: ", "columns: ", "prefix: "} {
		require.ErrorContains(t, err, want)
	}
	require.ErrorContains(t, s3.Spec().Check(sink.Settings{"bucket": "archive", "kmsKey": "k"}), "kmsKey: ")
}

// TestIndependentReaders reads the files back with Apache's own reader and fastavro.
func TestIndependentReaders(t *testing.T) {
	t.Parallel()
	python := gantrytest.Kit(t, "venv-tables", "python")
	columns := "topic string, partition int, offset long, timestamp timestamp, key bytes, value bytes, headers json, id string value.id, total double value.total, n int value.n, paid bool value.paid, at timestamp value.at, deep json value.deep"
	dir := t.TempDir()
	for _, format := range []string{"avro", "parquet"} {
		for _, compression := range []string{"none", "snappy", "gzip", "zstd"} {
			st := &store{}
			h := open(t, st, sink.Settings{"format": format, "compression": compression, "columns": columns})
			_, err := h.Invoke(t.Context(), event(t, records()))
			require.NoError(t, err)
			for key, body := range st.objects {
				if strings.Contains(key, "orders-0-") {
					require.NoError(t, os.WriteFile(filepath.Join(dir, compression+"."+format), body, 0o600))
				}
			}
		}
	}
	out, err := exec.CommandContext(t.Context(), python, "-c", readBack, dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	want := `[{"at": "2026-01-02T03:04:05+00:00", "deep": "{\"x\":[1]}", "headers": "[{\"key\":\"h\",\"value\":\"v\"},{\"key\":\"h\",\"base64\":\"/w==\"}]", "id": "o1", "key": "a", "n": 3, "offset": 10, "paid": true, "partition": 0, "timestamp": "2026-11-24T23:59:59+00:00", "topic": "orders", "total": 12.5, "value": 87}, {"at": null, "deep": null, "headers": "[]", "id": null, "key": null, "n": null, "offset": 13, "paid": null, "partition": 0, "timestamp": "2026-11-25T00:00:00+00:00", "topic": "orders", "total": null, "value": 10}, {"at": null, "deep": null, "headers": "[]", "id": null, "key": "b'\\xfe\\xff'", "n": null, "offset": 14, "paid": null, "partition": 0, "timestamp": "2026-11-25T00:00:01+00:00", "topic": "orders", "total": null, "value": null}]`
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	require.Len(t, lines, 8)
	for _, line := range lines {
		name, got, _ := strings.Cut(line, " ")
		require.Equal(t, want, got, name)
	}
}

const readBack = `
import datetime, json, os, sys
import fastavro, pyarrow.parquet as pq

def plain(name, v):
    if isinstance(v, datetime.datetime):
        return v.replace(tzinfo=datetime.timezone.utc).isoformat()
    if name == "value" and v is not None:
        return len(v)
    if isinstance(v, bytes):
        try:
            return v.decode()
        except UnicodeDecodeError:
            return repr(v)
    return v

for name in sorted(os.listdir(sys.argv[1])):
    path = os.path.join(sys.argv[1], name)
    if name.endswith("avro"):
        with open(path, "rb") as f:
            rows = list(fastavro.reader(f))
    else:
        table = pq.ParquetFile(path).read()
        table.validate(full=True)
        rows = table.to_pylist()
    print(name, json.dumps([{k: plain(k, v) for k, v in sorted(r.items())} for r in rows]))
`
