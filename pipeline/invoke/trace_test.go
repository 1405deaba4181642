package invoke_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/pipeline/invoke"
	"gantry/record"
	"gantry/telemetry/trace"
)

type encoder struct{}

// Append implements invoke.Encoder.
func (encoder) Append(dst []byte, _ *record.Batch) []byte { return append(dst, "{}"...) }

type answers struct{}

// Invoke implements function.Invoker.
func (answers) Invoke(context.Context, function.Invocation) function.Outcome {
	return function.Outcome{Class: function.Succeeded}
}

// hundred is a batch of records that each carry a trace context of their own.
func hundred() *record.Batch {
	var records []record.Record
	for i := range 100 {
		parent := fmt.Sprintf("00-0af7651916cd43dd8448eb21%08x-b7ad6b7169203331-01", i)
		records = append(records, record.Record{Offset: int64(i), Headers: []record.Header{{Key: "traceparent", Value: []byte(parent)}}})
	}
	return &record.Batch{Parts: []record.Part{{Lane: record.Lane{Topic: "orders"}, Records: records}}}
}

// TestTracesThatAreOffCostNothing: a batch without a tracer allocates as it does without
// the word traces in the code: nothing.
func TestTracesThatAreOffCostNothing(t *testing.T) {
	b, c := hundred(), &invoke.Caller{Encoder: encoder{}, Invoker: answers{}}
	c.Call(t.Context(), b)
	require.Zero(t, testing.AllocsPerRun(1000, func() { c.Call(t.Context(), b) }))
}

// BenchmarkCall is the path of a batch of 100 records, every one with a trace context of
// its own, around the call of its function.
func BenchmarkCall(b *testing.B) {
	none, all := 0.0, 1.0
	for name, sample := range map[string]*float64{"off": nil, "on, not sampled": &none, "on, sampled": &all} {
		b.Run(name, func(b *testing.B) {
			c := &invoke.Caller{Encoder: encoder{}, Invoker: answers{}}
			if sample != nil {
				tracing, err := trace.Open(b.Context(), trace.Config{
					Endpoint: "http://127.0.0.1:1", Sample: sample, LookupEnv: func(string) (string, bool) { return "", false }, Log: slog.New(slog.DiscardHandler), Transport: swallow{},
				})
				require.NoError(b, err)
				defer func() { _ = tracing.Shutdown(context.Background()) }()
				c.Tracer = tracing.Follow(trace.About{Function: "f"})
			}
			batch := hundred()
			b.ReportAllocs()
			for b.Loop() {
				c.Call(b.Context(), batch)
			}
		})
	}
}

// swallow is a receiver that costs nothing.
type swallow struct{}

// RoundTrip implements http.RoundTripper.
func (swallow) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}
