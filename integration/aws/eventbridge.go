package aws

import (
	"context"
	"encoding/json"
	"strings"

	"gantry/cloud/call"
	"gantry/sink"
)

// A request of EventBridge: 10 entries and less than 1 MB (EventBridge API reference,
// PutEvents). Regions that still hold to 256 KB refuse a larger request, which is cut then.
var eventBridgeLimits = limits{entries: 10, bytes: 1_000_000 - 1}

const eventBridgeExample = `clusters:
  onprem: { brokers: ["kafka-1:9092"] }
functions:
  orders-to-bus:
    integration: eventbridge
    settings: { bus: orders, source: com.example.orders, detailType: "order {{ .value.status }}" }
    timeout: 30s
mappings:
  orders-to-bus: { function: orders-to-bus, cluster: onprem, topic: orders, batchSize: 500, startingPosition: TRIM_HORIZON }
`

func eventBridgeSpec() sink.Spec {
	return sink.Spec{
		Name: "eventbridge", Title: "Amazon EventBridge", About: "Puts each record as an event on a bus.",
		Settings: common(append([]sink.Setting{
			{Name: "bus", About: "name or ARN of the event bus", Default: "default", Example: "orders"},
			{Name: "source", About: "the event's source, a template", Default: "gantry", Example: "com.example.orders", Check: sink.CheckTemplate},
			{Name: "detailType", About: "the event's detail type, a template", Default: "{{ .topic }}", Check: sink.CheckTemplate},
		}, contents("the event's detail, a JSON object; any other value is wrapped as {\"value\": …}", "skip", "refuse", "fill")...), "4"),
		Policy: func(s sink.Settings) []sink.Statement {
			return []sink.Statement{sink.Allow(busARN(s), "events:PutEvents")}
		},
		Limits: "10 events and 1 MB a request; where a region holds to 256 KB a request is cut until it fits. The detail is a JSON object.",
		Repeats: "EventBridge knows no repeats: a record that comes again is another event. Its topic, partition and offset are in the event's resources " +
			"(kafka:TOPIC/PARTITION/OFFSET), by which a target can tell. EventBridge keeps no order.",
		Example: eventBridgeExample, Valid: bodyForFill, New: openEventBridge,
	}
}

func busARN(s sink.Settings) string {
	if strings.HasPrefix(s["bus"], "arn:") {
		return s["bus"]
	}
	return arnFor("events", s["region"], "event-bus/"+s["bus"])
}

func openEventBridge(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	c, err := newContent(s)
	if err != nil {
		return nil, err
	}
	b := &eventBridge{bus: s["bus"], content: c}
	if b.source, err = sink.ParseTemplate(s["source"]); err != nil {
		return nil, err
	}
	if b.detailType, err = sink.ParseTemplate(s["detailType"]); err != nil {
		return nil, err
	}
	return &batcher{service: bundled("events", b.bus, s, d), limits: eventBridgeLimits, entry: b.entry, send: b.send}, nil
}

type eventBridge struct {
	bus                string
	source, detailType *sink.Template
	content            content
}

func (b *eventBridge) entry(r *sink.Record) (*entry, error) {
	detail, err := b.content.message(r)
	if err != nil {
		return nil, err
	}
	if detail, err = object(detail); err != nil {
		return nil, err
	}
	source, err := b.source.Fill(r)
	if err != nil {
		return nil, err
	}
	detailType, err := b.detailType.Fill(r)
	if err != nil {
		return nil, err
	}
	from := "kafka:" + r.Topic + "/" + strings.ReplaceAll(strings.TrimPrefix(sink.Token(r), r.Topic+"-"), "-", "/")
	return &entry{
		size: 14 + len(source) + len(detailType) + len(detail) + len(from), // as the User Guide counts
		body: map[string]any{"EventBusName": b.bus, "Source": source, "DetailType": detailType, "Detail": detail, "Time": r.Time, "Resources": []any{from}},
	}, nil
}

// object is a JSON object: the text itself, or one around what it is.
func object(text string) (string, error) {
	v := sink.Value([]byte(text))
	if _, ok := v.(map[string]any); ok {
		return text, nil
	}
	body, err := json.Marshal(map[string]any{"value": v})
	return string(body), err
}

func (b *eventBridge) send(ctx context.Context, c *call.Client, list []*entry) []error {
	out, err := c.Call(ctx, call.Request{Operation: "PutEvents", Input: map[string]any{"Entries": bodies(list)}})
	if err != nil {
		return each(list, faultOf(err))
	}
	return byPlace(list, out.Output["Entries"], func(code string) bool {
		return strings.HasPrefix(code, "Malformed") || strings.HasPrefix(code, "Invalid") || strings.HasPrefix(code, "NotAuthorized")
	})
}

func bodies(list []*entry) []any {
	out := make([]any, len(list))
	for n, e := range list {
		out[n] = e.body
	}
	return out
}
