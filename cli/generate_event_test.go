package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/function"
	"gantry/internal/rig"
	"gantry/mapping"
)

// The event is, to the byte, the one that the encoder of mappings is held to.
func TestAGeneratedEventIsTheOneAWSSends(t *testing.T) {
	t.Parallel()
	s := gantry(t, "", "generate-event", "--topic", "orders", "--offset", "15", "--timestamp", "1767225600123",
		"--key", "order-42", "--value", `{"id":42}`, "--header", "trace=hi\xff")
	require.Equal(t, 0, s.code, s.err)
	sample, err := os.ReadFile("../pipeline/encode/testdata/documented-sample.json")
	require.NoError(t, err)
	var want bytes.Buffer
	require.NoError(t, json.Compact(&want, sample))
	require.Equal(t, want.String()+"\n", s.out)
	require.Empty(t, s.err)
}

// A mapping that reads the same records from a cluster sends the same event.
func TestAGeneratedEventIsTheOneAMappingSends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := rig.New(t, 2)
		at := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
		for _, value := range []string{"a,b", ""} {
			r.Produce(&kgo.Record{
				Partition: 1, Timestamp: at, Key: []byte("k"), Value: []byte(value),
				Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("x=1,2")}, {Key: "h", Value: []byte("é")}, {Key: "e", Value: []byte{}}},
			})
		}
		sent := make(chan events.KafkaEvent, 1)
		window := time.Minute
		p := r.Start(rig.Spec{
			Mapping: mapping.Mapping{UUID: "1", GroupID: rig.Group, BatchSize: 2, Window: &window, RetryAttempts: mapping.Endless, RecordAge: mapping.Endless,
				Functions: []mapping.Consumer{{Function: "f"}}},
			Answer: func(_ context.Context, c rig.Call) function.Outcome {
				sent <- c.Event
				return rig.OK()
			},
		})
		want := <-sent
		require.NoError(t, p.Stop())

		s := gantry(t, "", "generate-event", "--partition", "1", "--timestamp", "2026-11-23T04:00:00+01:00", "--key", "k",
			"--value", "a,b", "--value", "", "--header", "h=x=1,2", "--header", "h=é", "--header", "e=")
		require.Equal(t, 0, s.code, s.err)
		var got events.KafkaEvent
		require.NoError(t, json.Unmarshal([]byte(s.out), &got))
		require.Len(t, got.Records["orders-1"], 2)
		require.NotEmpty(t, got.BootstrapServers)
		got.BootstrapServers = want.BootstrapServers
		require.Equal(t, want, got)
	})
}

// What is not said of a record is not in it; what lines say is, and -o json is the same.
func TestGenerateEventReadsValues(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "values")
	require.NoError(t, os.WriteFile(file, []byte("one\n\nthree\n"), 0o600))
	line := []string{"generate-event", "--source", "msk", "--topic", "t.x", "--partition", "3", "--offset", "7", "--timestamp", "5", "--key", "", "--values"}
	s := gantry(t, "", append(line, file)...)
	require.Equal(t, 0, s.code, s.err)
	require.JSONEq(t, `{"eventSource": "aws:kafka", "eventSourceArn": "arn:aws:kafka:eu-west-1:123456789012:cluster/example/11111111-2222-3333-4444-555555555555-1",
		"bootstrapServers": "broker1.example:9092,broker2.example:9092", "records": {"t.x-3": [
		{"topic": "t.x", "partition": 3, "offset": 7, "timestamp": 5, "timestampType": "CREATE_TIME", "key": "", "value": "b25l", "headers": []},
		{"topic": "t.x", "partition": 3, "offset": 8, "timestamp": 5, "timestampType": "CREATE_TIME", "key": "", "value": "", "headers": []},
		{"topic": "t.x", "partition": 3, "offset": 9, "timestamp": 5, "timestampType": "CREATE_TIME", "key": "", "value": "dGhyZWU=", "headers": []}]}}`, s.out)
	require.Equal(t, s, gantry(t, "one\n\nthree\n", append(line, "-")...), "standard input")
	indented := gantry(t, "", append(line, file, "-o", "json")...)
	require.JSONEq(t, s.out, indented.out)
	require.Greater(t, strings.Count(indented.out, "\n"), 20)

	before := time.Now().UnixMilli()
	var example events.KafkaEvent
	require.NoError(t, json.Unmarshal([]byte(gantry(t, "", "generate-event").out), &example))
	require.Equal(t, "SelfManagedKafka", example.EventSource)
	require.Len(t, example.Records["orders-0"], 1)
	require.Equal(t, "eyJpZCI6MSwidG90YWwiOjEwMX0=", example.Records["orders-0"][0].Value)
	require.GreaterOrEqual(t, example.Records["orders-0"][0].Timestamp.UnixMilli(), before)
	require.NotContains(t, gantry(t, "", "generate-event").out, `"key"`, "no key is Kafka's null")
}

// The bytes that generate-event prints are those invoke sends a function.
func TestAGeneratedEventGoesThroughAPipeToInvoke(t *testing.T) {
	t.Parallel()
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		_, _ = w.Write([]byte(`"` + r.URL.Path + `"`))
	}))
	t.Cleanup(s.Close)
	event := gantry(t, "", "generate-event", "--value", `{"id":1}`).out
	invoked := gantry(t, event, "invoke", "order-validate", "--event", "-", "--endpoint", s.URL)
	require.Equal(t, said{0, "\"/2015-03-31/functions/order-validate/invocations\"\n", ""}, invoked)
	require.Equal(t, event, string(body))
}

func TestGenerateEventNamesEveryFault(t *testing.T) {
	t.Parallel()
	s := gantry(t, "", "generate-event", "--source", "kinesis", "--topic", "a b", "--partition", "-1", "--offset", "-2",
		"--header", "novalue", "--header", "=x", "--timestamp", "noon", "--value", "v", "--values", "f")
	require.Equal(t, 2, s.code)
	require.Empty(t, s.out)
	for _, want := range []string{
		`--source "kinesis": want self-managed or msk`, `--topic "a b"`, "--partition -1", "--offset -2", `--header "novalue": want name=value`,
		`--header "=x"`, `--timestamp "noon"`, "--values: is given beside --value", "see: gantry generate-event --help",
	} {
		require.Contains(t, s.err, want)
	}
	s = gantry(t, "", "generate-event", "--offset", "9223372036854775807")
	require.Equal(t, 2, s.code)
	require.Contains(t, s.err, "leaves no offsets for 1 record")
	s = gantry(t, "", "generate-event", "--values", "-")
	require.Equal(t, 1, s.code)
	require.Contains(t, s.err, "there is no line in it")
	s = gantry(t, "", "generate-event", "--values", filepath.Join(t.TempDir(), "missing"))
	require.Equal(t, 1, s.code)
	require.Contains(t, s.err, "read the values: ")
	s = gantry(t, strings.Repeat("x", 5_000_000), "generate-event", "--values", "-")
	require.Equal(t, 0, s.code)
	require.Contains(t, s.err, "over the limit of 6291456")
}
