package trace

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	api "go.opentelemetry.io/otel/trace"

	"gantry/record"
)

// maxLinks bounds the links of a batch: the SDK's own default, beyond which it drops them.
const maxLinks = 128

// contexts gives the trace contexts that the records of a batch carry, each once. Where
// all that carry one carry the same, it is the parent as well, so that the batch is part
// of that trace; among several nobody is the parent of a batch, and it begins a trace.
func contexts(b *record.Batch) (parent api.SpanContext, links []api.Link) {
	seen := map[string]bool{}
	for i := range b.Parts {
		for j := range b.Parts[i].Records {
			headers := headersOf(b.Parts[i].Records[j].Headers)
			text := headers.Get("traceparent")
			if text == "" || seen[text] {
				continue
			}
			seen[text] = true
			sc := api.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), headers))
			if !sc.IsValid() {
				continue
			}
			if links = append(links, api.Link{SpanContext: sc}); len(links) == maxLinks {
				return api.SpanContext{}, links
			}
		}
	}
	if len(links) == 1 {
		parent = links[0].SpanContext
	}
	return parent, links
}

// headersOf reads a record's headers as a propagator wants them.
type headersOf []record.Header

// Get implements propagation.TextMapCarrier. Kafka allows a key twice; the last one was
// written by whoever touched the record last.
func (h headersOf) Get(key string) string {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Key == key {
			return string(h[i].Value)
		}
	}
	return ""
}

// Set implements propagation.TextMapCarrier; records are read only.
func (headersOf) Set(string, string) {}

// Keys implements propagation.TextMapCarrier.
func (h headersOf) Keys() []string {
	keys := make([]string, len(h))
	for i := range h {
		keys[i] = h[i].Key
	}
	return keys
}
