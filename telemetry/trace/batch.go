package trace

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	api "go.opentelemetry.io/otel/trace"

	"gantry/function"
	"gantry/record"
)

// About is what the spans of a mapping have in common.
type About struct {
	UUID     string
	Name     string
	Group    string
	Function string
}

// Batches follows the batches of one mapping. Safe for use by many goroutines.
type Batches struct {
	tracer api.Tracer
	about  About
	common []attribute.KeyValue
}

// Follow makes the tracer of a mapping's batches.
func (t *Tracing) Follow(a About) *Batches {
	return &Batches{tracer: t.tracer, about: a, common: []attribute.KeyValue{
		attribute.String("messaging.system", "kafka"),
		attribute.String("messaging.operation.type", "process"),
		attribute.String("messaging.operation.name", "process"),
		attribute.String("messaging.consumer.group.name", a.Group),
		attribute.String("gantry.mapping.uuid", a.UUID),
		attribute.String("gantry.mapping.name", a.Name),
	}}
}

// Begin opens the spans of a batch and writes the context of the call into the
// invocation. end closes them with what became of it. Names and attributes are those of
// OpenTelemetry's semantic conventions for messaging and for functions as a service.
func (s *Batches) Begin(ctx context.Context, b *record.Batch, in *function.Invocation) (end func(function.Outcome)) {
	parent, links := contexts(b)
	topics := topicsOf(b)
	ctx, batch := s.tracer.Start(api.ContextWithRemoteSpanContext(ctx, parent), "process "+topics,
		api.WithSpanKind(api.SpanKindConsumer), api.WithLinks(links...), api.WithAttributes(s.common...),
		api.WithAttributes(attribute.String("messaging.destination.name", topics)))
	if batch.IsRecording() {
		batch.SetAttributes(attribute.Int("messaging.batch.message_count", b.Len()), attribute.StringSlice("gantry.partitions", spans(b)))
	}
	_, call := s.tracer.Start(ctx, "invoke "+s.about.Function, api.WithSpanKind(api.SpanKindClient),
		api.WithAttributes(attribute.String("faas.invoked_name", s.about.Function)))
	write(in, call.SpanContext())
	return func(out function.Outcome) {
		if call.IsRecording() {
			note(call, out)
		}
		call.End()
		if batch.IsRecording() && out.Class != function.Succeeded {
			batch.SetStatus(codes.Error, out.Class.String())
		}
		batch.End()
	}
}

// note writes what became of a call. A message is for people and holds no payload.
func note(span api.Span, out function.Outcome) {
	span.SetAttributes(attribute.String("gantry.outcome", out.Class.String()))
	if out.RequestID != "" {
		span.SetAttributes(attribute.String("faas.invocation_id", out.RequestID))
	}
	if out.StatusCode != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", out.StatusCode))
	}
	if out.Class != function.Succeeded {
		span.SetAttributes(attribute.String("error.type", out.Class.String()))
		span.SetStatus(codes.Error, out.Message)
	}
}

// topicsOf names the topic of a batch, or those of a batch of several.
func topicsOf(b *record.Batch) string {
	var names []string
	for i := range b.Parts {
		if topic := b.Parts[i].Lane.Topic; !slices.Contains(names, topic) {
			names = append(names, topic)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// spans are the shares of a batch in words: orders-3:17-41.
func spans(b *record.Batch) []string {
	out := make([]string, len(b.Parts))
	for i := range b.Parts {
		p := &b.Parts[i]
		out[i] = p.Lane.String() + ":" + strconv.FormatInt(p.First().Offset, 10) + "-" + strconv.FormatInt(p.Last().Offset, 10)
	}
	return out
}
