package trace

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	api "go.opentelemetry.io/otel/trace"

	"gantry/function"
)

// write puts the context of a call into the invocation: as X-Amzn-Trace-Id for Lambda and
// its runtimes (AWS X-Ray Developer Guide, tracing header), as traceparent and tracestate
// for services behind HTTP.
func write(in *function.Invocation, sc api.SpanContext) {
	if !sc.IsValid() {
		return
	}
	sampled := "0"
	if sc.IsSampled() {
		sampled = "1"
	}
	id := sc.TraceID().String() // X-Ray's first 8 digits are a time; any 8 are accepted
	in.TraceID = "Root=1-" + id[:8] + "-" + id[8:] + ";Parent=" + sc.SpanID().String() + ";Sampled=" + sampled
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(api.ContextWithSpanContext(context.Background(), sc), carrier)
	in.TraceParent, in.TraceState = carrier["traceparent"], carrier["tracestate"]
}
