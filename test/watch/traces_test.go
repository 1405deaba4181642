package watch_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// receiver takes OTLP over HTTP, as a collector does.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*tracepb.Span
	token string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, in *http.Request) {
		body, err := io.ReadAll(in.Body)
		var data tracepb.TracesData
		if err == nil {
			err = proto.Unmarshal(body, &data)
		}
		if err != nil || in.URL.Path != "/v1/traces" || in.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("no OTLP: %s %s %v", in.URL, in.Header, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.token = in.Header.Get("Authorization")
		for _, rs := range data.GetResourceSpans() {
			for _, ss := range rs.GetScopeSpans() {
				r.spans = append(r.spans, ss.GetSpans()...)
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// named gives the spans of a name.
func (r *receiver) named(name string) []*tracepb.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []*tracepb.Span
	for _, s := range r.spans {
		if s.GetName() == name {
			found = append(found, s)
		}
	}
	return found
}

const tracing = `import os

def handler(event, context):
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(os.environ.get("_X_AMZN_TRACE_ID", "") + "\n")
`

// TestATraceGoesFromTheRecordToTheFunction, a process and a service behind HTTP, with real
// Kafka between.
func TestATraceGoesFromTheRecordToTheFunction(t *testing.T) {
	t.Parallel()
	c, topic := kafkatest.Shared(t), kafkatest.Topic(t)
	c.CreateTopic(t, topic, 1, nil)
	r := newReceiver(t)
	headers := make(chan http.Header, 10)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		headers <- in.Header
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(web.Close)
	notes := filepath.Join(t.TempDir(), "notes")
	carrying := func(id string) *kgo.Record {
		return &kgo.Record{Topic: topic, Value: []byte("geheim"), Headers: []kgo.RecordHeader{{Key: "traceparent", Value: []byte("00-" + id + "-b7ad6b7169203331-01")}}}
	}
	const first, second = "0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736"
	kafkatest.Produce(t, c, carrying(first), carrying(second))
	g := gantrytest.Start(t, gantrytest.Options{
		Env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + r.URL, "OTEL_BSP_SCHEDULE_DELAY=100", "TOKEN=Bearer geheim"},
		Config: fmt.Sprintf(`
clusters: { k: { brokers: [%q] } }
functions:
  process: { runtime: python3.12, handler: app.handler, code: %q, environment: { NOTES: %q } }
  web: { http: %q }
mappings:
  to-process: { function: process, cluster: k, topic: %[5]s, startingPosition: TRIM_HORIZON }
  to-web: { function: web, cluster: k, topic: %[5]s, startingPosition: TRIM_HORIZON, batchSize: 1 }
telemetry: { traces: { headers: { authorization: "env:TOKEN" } } }
`, c.Brokers()[0], gantrytest.PythonFunction(t, tracing), notes, web.URL, topic)})
	require.Eventually(t, func() bool {
		return len(r.named("invoke process")) == 1 && len(r.named("invoke web")) == 2
	}, patience, 100*time.Millisecond)
	require.Equal(t, "Bearer geheim", r.token)

	var linked *tracepb.Span
	parts := map[string]*tracepb.Span{} // the batches of one record, by their trace
	for _, s := range r.named("process " + topic) {
		if len(s.GetLinks()) == 2 {
			linked = s
			continue
		}
		parts[hex.EncodeToString(s.GetTraceId())] = s
	}
	require.NotNil(t, linked, "a batch of both records")
	require.Equal(t, first, hex.EncodeToString(linked.GetLinks()[0].GetTraceId()))
	require.Equal(t, second, hex.EncodeToString(linked.GetLinks()[1].GetTraceId()))
	require.Contains(t, parts, first, "a batch of one record is part of its trace")
	require.Contains(t, parts, second)

	call := r.named("invoke process")[0]
	require.Equal(t, linked.GetSpanId(), call.GetParentSpanId())
	trace, span := hex.EncodeToString(call.GetTraceId()), hex.EncodeToString(call.GetSpanId())
	seen, err := os.ReadFile(notes)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("Root=1-%s-%s;Parent=%s;Sampled=1", trace[:8], trace[8:], span), strings.TrimSpace(string(seen)))
	for range 2 {
		h := <-headers
		words := strings.Split(h.Get("Traceparent"), "-")
		require.Len(t, words, 4)
		require.Contains(t, parts, words[1])
		require.Equal(t, fmt.Sprintf("Root=1-%s-%s;Parent=%s;Sampled=1", words[1][:8], words[1][8:], words[2]), h.Get("X-Amzn-Trace-Id"))
	}
	require.NotContains(t, g.Log(), "geheim")
	require.NoError(t, g.Stop())
}
