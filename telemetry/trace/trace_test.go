package trace_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"

	"gantry/function"
	"gantry/record"
	"gantry/telemetry/trace"
)

// env looks variables up in a table.
func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

var about = trace.About{UUID: "u", Name: "orders-to-f", Group: "g", Function: "f"}

func open(t *testing.T, c trace.Config) *trace.Tracing {
	t.Helper()
	if c.LookupEnv == nil {
		c.LookupEnv = env()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	c.Version, c.Process = "1.2.3", "p1"
	tracing, err := trace.Open(t.Context(), c)
	require.NoError(t, err)
	require.NotNil(t, tracing)
	t.Cleanup(func() { _ = tracing.Shutdown(t.Context()) })
	return tracing
}

func carrying(offset int64, traceparent string, more ...record.Header) record.Record {
	r := record.Record{Offset: offset, Value: []byte("geheim"), Headers: more}
	if traceparent != "" {
		r.Headers = append(r.Headers, record.Header{Key: "traceparent", Value: []byte(traceparent)})
	}
	return r
}

func batchOf(records ...record.Record) *record.Batch {
	return &record.Batch{Parts: []record.Part{{Lane: record.Lane{Topic: "orders", Partition: 3}, Records: records}}}
}

const (
	first  = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	second = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	// unsampled is a context whose trace nobody keeps.
	unsampled = "00-1111111111111111111111111111aaaa-2222222222222222-00"
)

func hexed(b []byte) string { return hex.EncodeToString(b) }

func TestABatchOfSeveralTracesIsLinkedToEach(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	tracing := open(t, trace.Config{Endpoint: c.URL})
	var in function.Invocation
	end := tracing.Follow(about).Begin(t.Context(), batchOf(
		carrying(17, first), carrying(18, second, record.Header{Key: "tracestate", Value: []byte("a=b")}), carrying(19, first),
		carrying(20, ""), carrying(21, "not a context"),
	), &in)
	end(function.Outcome{Class: function.Succeeded, RequestID: "r-1", StatusCode: 200})
	require.NoError(t, tracing.Flush(t.Context()))

	batch, call := c.span("process orders"), c.span("invoke f")
	require.Equal(t, tracepb.Span_SPAN_KIND_CONSUMER, batch.GetKind())
	require.Empty(t, batch.GetParentSpanId(), "nobody is the parent of a batch of two traces")
	require.Len(t, batch.GetLinks(), 2)
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", hexed(batch.GetLinks()[0].GetTraceId()))
	require.Equal(t, "b7ad6b7169203331", hexed(batch.GetLinks()[0].GetSpanId()))
	require.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", hexed(batch.GetLinks()[1].GetTraceId()))
	require.Equal(t, map[string]any{
		"messaging.system": "kafka", "messaging.operation.type": "process", "messaging.operation.name": "process",
		"messaging.destination.name": "orders", "messaging.consumer.group.name": "g", "messaging.batch.message_count": int64(5),
		"gantry.mapping.uuid": "u", "gantry.mapping.name": "orders-to-f", "gantry.partitions": []string{"orders-3:17-21"},
	}, attributes(batch.GetAttributes()))

	require.Equal(t, tracepb.Span_SPAN_KIND_CLIENT, call.GetKind())
	require.Equal(t, batch.GetSpanId(), call.GetParentSpanId())
	require.Equal(t, map[string]any{
		"faas.invoked_name": "f", "faas.invocation_id": "r-1", "gantry.outcome": "succeeded", "http.response.status_code": int64(200),
	}, attributes(call.GetAttributes()))
	id, span := hexed(call.GetTraceId()), hexed(call.GetSpanId())
	require.Equal(t, fmt.Sprintf("Root=1-%s-%s;Parent=%s;Sampled=1", id[:8], id[8:], span), in.TraceID)
	require.Equal(t, fmt.Sprintf("00-%s-%s-01", id, span), in.TraceParent)
	require.Equal(t, map[string]string{"service.name": "gantry", "service.version": "1.2.3", "service.instance.id": "p1"}, own(c.resource))
	require.Equal(t, "/v1/traces", c.paths[0])
	require.Equal(t, "application/x-protobuf", c.headers[0].Get("Content-Type"))
}

func own(resource map[string]string) map[string]string {
	out := map[string]string{}
	for _, name := range []string{"service.name", "service.version", "service.instance.id"} {
		out[name] = resource[name]
	}
	return out
}

func TestABatchOfOneTraceIsPartOfIt(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	tracing := open(t, trace.Config{Endpoint: c.URL})
	var in function.Invocation
	end := tracing.Follow(about).Begin(t.Context(), batchOf(carrying(1, second, record.Header{Key: "tracestate", Value: []byte("a=b")}), carrying(2, "")), &in)
	end(function.Outcome{Class: function.Failed, Message: "told to fail"})
	require.NoError(t, tracing.Flush(t.Context()))
	batch, call := c.span("process orders"), c.span("invoke f")
	require.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", hexed(batch.GetTraceId()))
	require.Equal(t, "00f067aa0ba902b7", hexed(batch.GetParentSpanId()))
	require.Len(t, batch.GetLinks(), 1)
	require.Equal(t, "a=b", in.TraceState)
	require.Equal(t, tracepb.Status_STATUS_CODE_ERROR, batch.GetStatus().GetCode())
	require.Equal(t, "told to fail", call.GetStatus().GetMessage())
	require.Equal(t, "failed", attributes(call.GetAttributes())["error.type"])
}

// TestWhatNobodyKeepsIsNotSent: the producer's decision counts, and the function hears it.
func TestWhatNobodyKeepsIsNotSent(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	none := 0.0
	tracing := open(t, trace.Config{Endpoint: c.URL, Sample: &none})
	follow := tracing.Follow(about)
	for _, carried := range []string{unsampled, ""} {
		var in function.Invocation
		follow.Begin(t.Context(), batchOf(carrying(1, carried)), &in)(function.Outcome{})
		require.Contains(t, in.TraceID, ";Sampled=0")
	}
	var in function.Invocation
	follow.Begin(t.Context(), batchOf(carrying(1, first)), &in)(function.Outcome{})
	require.Contains(t, in.TraceID, ";Sampled=1", "its producer keeps it")
	require.NoError(t, tracing.Flush(t.Context()))
	require.Len(t, c.spans, 2)
}

func TestManyContextsAreBounded(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	tracing := open(t, trace.Config{Endpoint: c.URL})
	var records []record.Record
	for i := range 1000 {
		records = append(records, carrying(int64(i), fmt.Sprintf("00-0af7651916cd43dd8448eb21%08x-b7ad6b7169203331-01", i)))
	}
	var in function.Invocation
	tracing.Follow(about).Begin(t.Context(), batchOf(records...), &in)(function.Outcome{})
	require.NoError(t, tracing.Flush(t.Context()))
	require.Len(t, c.span("process orders").GetLinks(), 128)
}

func TestVariablesWinOverTheFile(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	tracing := open(t, trace.Config{
		Endpoint: "http://127.0.0.1:1", Headers: map[string]string{"X-From": "file", "X-Both": "file"},
		LookupEnv: env("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL+"/base/", "OTEL_EXPORTER_OTLP_HEADERS", "x-both=the%20variable,authorization=Bearer t",
			"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "OTEL_EXPORTER_OTLP_TIMEOUT", "5000", "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
	})
	require.Equal(t, c.URL+"/base/v1/traces", tracing.Endpoint)
	var in function.Invocation
	tracing.Follow(about).Begin(t.Context(), batchOf(carrying(1, first)), &in)(function.Outcome{})
	require.NoError(t, tracing.Flush(t.Context()))
	c.span("invoke f")
	require.Equal(t, "/base/v1/traces", c.paths[0])
	h := c.headers[0]
	require.Equal(t, []string{"file", "the variable", "Bearer t", "gzip"},
		[]string{h.Get("X-From"), h.Get("X-Both"), h.Get("Authorization"), h.Get("Content-Encoding")})
}

func TestWhenTracesAreOff(t *testing.T) {
	t.Parallel()
	for _, c := range []trace.Config{
		{LookupEnv: env()},
		{LookupEnv: env("OTEL_SDK_DISABLED", "true", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")},
		{LookupEnv: env("OTEL_TRACES_EXPORTER", "none"), Endpoint: "http://127.0.0.1:1"},
	} {
		tracing, err := trace.Open(t.Context(), c)
		require.NoError(t, err)
		require.Nil(t, tracing)
		require.NoError(t, tracing.Shutdown(t.Context()))
	}
	tracing := open(t, trace.Config{LookupEnv: env("OTEL_TRACES_EXPORTER", "otlp")})
	require.Equal(t, "http://localhost:4318/v1/traces", tracing.Endpoint)
	tracing = open(t, trace.Config{LookupEnv: env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/as/it/is")})
	require.Equal(t, "http://127.0.0.1:1/as/it/is", tracing.Endpoint)
}

func TestEveryFaultOfTheSettingsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := trace.Open(t.Context(), trace.Config{LookupEnv: env(
		"OTEL_TRACES_EXPORTER", "zipkin", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT", "geheim@host",
		"OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "OTEL_EXPORTER_OTLP_TIMEOUT", "5s", "OTEL_EXPORTER_OTLP_HEADERS", "geheim",
		"OTEL_EXPORTER_OTLP_CLIENT_KEY", "k.pem")})
	require.Error(t, err)
	for _, want := range []string{"OTEL_TRACES_EXPORTER", "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT", "zstd", "5s", "OTEL_EXPORTER_OTLP_HEADERS", "CLIENT_KEY"} {
		require.ErrorContains(t, err, want)
	}
}

// TestAReceiverThatFails holds nobody up: what is retryable is tried again, a failure is
// said once, and so is its end.
func TestAReceiverThatFails(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	var said bytes.Buffer
	tracing := open(t, trace.Config{Endpoint: c.URL, Log: slog.New(slog.NewTextHandler(&said, nil))})
	send := func() {
		var in function.Invocation
		tracing.Follow(about).Begin(t.Context(), batchOf(carrying(1, first)), &in)(function.Outcome{})
		require.NoError(t, tracing.Flush(t.Context()))
	}
	status := func(code int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(code) }
	}
	c.answers = []func(http.ResponseWriter){status(503)}
	send()
	require.Len(t, c.headers, 2, "503 is tried again")
	require.Len(t, c.spans, 2)
	require.Empty(t, said.String())

	c.answers = []func(http.ResponseWriter){status(400), status(400), func(w http.ResponseWriter) {
		partial := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 2)
		partial = protowire.AppendString(protowire.AppendTag(partial, 2, protowire.BytesType), "too old")
		_, _ = w.Write(protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), partial))
	}}
	send()
	send()
	require.Equal(t, 1, bytes.Count(said.Bytes(), []byte("can't be sent")), said.String())
	require.Contains(t, said.String(), "400")
	send()
	send()
	require.Contains(t, said.String(), "sent again")
	require.NotContains(t, said.String(), "geheim")
}
