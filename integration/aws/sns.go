package aws

import (
	"context"
	"strings"

	"gantry/cloud/call"
	"gantry/sink"
)

const snsExample = `clusters:
  onprem: { brokers: ["kafka-1:9092"] }
functions:
  orders-to-topic:
    integration: sns
    settings: { topicArn: "arn:aws:sns:eu-west-2:123456789012:orders" }
    timeout: 30s
mappings:
  orders-to-topic: { function: orders-to-topic, cluster: onprem, topic: orders, batchSize: 500, startingPosition: TRIM_HORIZON }
`

func snsSpec() sink.Spec {
	return sink.Spec{
		Name: "sns", Title: "Amazon SNS", About: "Publishes each record to a topic, standard or FIFO.",
		Settings: common(append([]sink.Setting{
			{Name: "topicArn", Required: true, About: "the topic; a name that ends in .fifo is a FIFO topic", Example: "arn:aws:sns:eu-west-2:123456789012:orders", Check: arn("sns")},
			{Name: "subject", About: "of the message, a template; for e-mail", Example: "order {{ .key }}", Check: sink.CheckTemplate},
			{Name: "group", About: "of a FIFO topic: what a message group is; records without a key are grouped by their partition", Default: "key", Values: []string{"key", "partition"}},
			{Name: "attributes", About: "message attributes: position (kafkaTopic, kafkaPartition, kafkaOffset, kafkaTimestamp) or none", Default: "position", Values: []string{"position", "none"}},
			{Name: "requestBytes", About: "of one request: the topic's MaximumMessageSize", Default: "262144", Check: sink.Number(1024, 1<<20)},
		}, contents("the message", "skip", "refuse", "fill")...), "4"),
		Policy: func(s sink.Settings) []sink.Statement {
			return []sink.Statement{sink.Allow(s["topicArn"], "sns:Publish")}
		},
		Limits: "10 messages and 256 KiB a request (SNS API reference, PublishBatch; a topic may allow up to 1 MiB: requestBytes); text only.",
		Repeats: "A FIFO topic takes a record once within its five minutes: the deduplication id is the record's topic-partition-offset. " +
			"A standard topic gets a record again that may have been published; its attributes tell it. In a FIFO topic a message group goes one message a request, so order is kept whatever fails.",
		Example: snsExample, Valid: bodyForFill, New: openSNS,
	}
}

func openSNS(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	c, err := newContent(s)
	if err != nil {
		return nil, err
	}
	t := &sns{topic: s["topicArn"], fifo: strings.HasSuffix(s["topicArn"], ".fifo"), group: s["group"], attributes: s["attributes"] == "position", content: c}
	if s["subject"] != "" {
		if t.subject, err = sink.ParseTemplate(s["subject"]); err != nil {
			return nil, err
		}
	}
	return &batcher{service: bundled("sns", t.topic, s, d), limits: limits{10, s.Int("requestBytes")}, entry: t.entry, send: t.send}, nil
}

type sns struct {
	topic, group     string
	fifo, attributes bool
	content          content
	subject          *sink.Template // nil = none
}

func (t *sns) entry(r *sink.Record) (*entry, error) {
	body, err := t.content.message(r)
	if err != nil {
		return nil, err
	}
	e := &entry{size: len(body), body: map[string]any{"Message": body}}
	if t.subject != nil {
		subject, err := t.subject.Fill(r)
		if err != nil {
			return nil, err
		}
		e.body["Subject"], e.size = subject, e.size+len(subject)
	}
	if t.attributes {
		attributes, size := positionAttributes(r)
		e.body["MessageAttributes"], e.size = attributes, e.size+size
	}
	if t.fifo {
		e.lane = inGroup(t.group, r, e.body)
	}
	return e, nil
}

func (t *sns) send(ctx context.Context, c *call.Client, list []*entry) []error {
	out, err := c.Call(ctx, call.Request{Operation: "PublishBatch", Input: map[string]any{"TopicArn": t.topic, "PublishBatchRequestEntries": numbered(list)}})
	if err != nil {
		return each(list, faultOf(err))
	}
	return byID(list, out.Output)
}
