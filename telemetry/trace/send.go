package trace

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	api "go.opentelemetry.io/otel/trace"
)

// Send opens the span of records that a function writes in the middle of its work: part of
// the trace that its request names, where it names one. end closes it with how many were
// not written.
func (t *Tracing) Send(r *http.Request, function, topic string) (ctx context.Context, end func(failed int)) {
	ctx = propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := t.tracer.Start(ctx, "send "+topic, api.WithSpanKind(api.SpanKindProducer), api.WithAttributes(
		attribute.String("messaging.system", "kafka"), attribute.String("messaging.operation.type", "send"),
		attribute.String("messaging.operation.name", "send"), attribute.String("messaging.destination.name", topic),
		attribute.String("faas.name", function)))
	return ctx, func(failed int) {
		if failed > 0 {
			span.SetStatus(codes.Error, "not all records were written")
		}
		span.End()
	}
}
