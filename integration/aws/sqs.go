package aws

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"gantry/cloud/call"
	"gantry/sink"
)

// A batch of SQS: 10 messages, and 1 MiB for all of them together with their attributes
// (SQS API reference, SendMessageBatch).
var sqsLimits = limits{entries: 10, bytes: 1 << 20}

const sqsExample = `clusters:
  onprem: { brokers: ["kafka-1:9092"] }
functions:
  orders-to-queue:
    integration: sqs
    settings: { queueUrl: "https://sqs.eu-west-2.amazonaws.com/123456789012/orders.fifo" }
    timeout: 30s
mappings:
  orders-to-queue: { function: orders-to-queue, cluster: onprem, topic: orders, batchSize: 500, startingPosition: TRIM_HORIZON }
`

func sqsSpec() sink.Spec {
	return sink.Spec{
		Name: "sqs", Title: "Amazon SQS", About: "Sends each record as a message to a queue, standard or FIFO.",
		Settings: common(append([]sink.Setting{
			{Name: "queueUrl", Required: true, About: "the queue's URL; a name that ends in .fifo is a FIFO queue", Example: "https://sqs.eu-west-2.amazonaws.com/123456789012/orders", Check: sink.HTTPURL},
			{Name: "group", About: "of a FIFO queue: what a message group is; records without a key are grouped by their partition", Default: "key", Values: []string{"key", "partition"}},
			{Name: "attributes", About: "message attributes: position (kafkaTopic, kafkaPartition, kafkaOffset, kafkaTimestamp) or none", Default: "position", Values: []string{"position", "none"}},
		}, contents("the message", "skip", "refuse", "fill")...), "4"),
		Policy: func(s sink.Settings) []sink.Statement {
			return []sink.Statement{sink.Allow(queueARN(s["queueUrl"]), "sqs:SendMessage")}
		},
		Limits: "10 messages and 1 MiB a request, attributes included; text only.",
		Repeats: "A FIFO queue takes a record once within its five minutes: the deduplication id is the record's topic-partition-offset. " +
			"A standard queue gets a record again that may have been sent; its attributes kafkaTopic, kafkaPartition and kafkaOffset tell it. " +
			"In a FIFO queue a message group goes one message a request, so order is kept whatever fails.",
		Example: sqsExample, Valid: bodyForFill, New: openSQS,
	}
}

func openSQS(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	c, err := newContent(s)
	if err != nil {
		return nil, err
	}
	q := &sqs{queue: s["queueUrl"], fifo: strings.HasSuffix(s["queueUrl"], ".fifo"), group: s["group"], attributes: s["attributes"] == "position", content: c}
	return &batcher{service: bundled("sqs", q.queue, s, d), limits: sqsLimits, entry: q.entry, send: q.send}, nil
}

type sqs struct {
	queue, group     string
	fifo, attributes bool
	content          content
}

func (q *sqs) entry(r *sink.Record) (*entry, error) {
	body, err := q.content.message(r)
	if err != nil {
		return nil, err
	}
	e := &entry{size: len(body), body: map[string]any{"MessageBody": body}}
	if q.attributes {
		attributes, size := positionAttributes(r)
		e.body["MessageAttributes"], e.size = attributes, e.size+size
	}
	if q.fifo {
		e.lane = q.groupOf(r, e.body)
	}
	return e, nil
}

// groupForm and tokenForm are what SQS and SNS take as the names of groups and
// deduplications: up to 128 letters, digits and punctuation.
var groupForm = regexp.MustCompile("^[a-zA-Z0-9!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]{1,128}$")

func (q *sqs) groupOf(r *sink.Record, body map[string]any) string { return inGroup(q.group, r, body) }

// inGroup puts a FIFO message into its group, which is its lane.
func inGroup(by string, r *sink.Record, body map[string]any) string {
	group := r.Of().String()
	if by == "key" && r.Key != nil {
		group = string(r.Key)
	}
	group = fitting(group, groupForm)
	body["MessageGroupId"], body["MessageDeduplicationId"] = group, fitting(sink.Token(r), groupForm)
	return group
}

// positionAttributes are the place of a record as message attributes, and their size.
func positionAttributes(r *sink.Record) (attributes map[string]any, size int) {
	attributes = map[string]any{}
	for _, a := range [][3]string{
		{"kafkaTopic", "String", r.Topic}, {"kafkaPartition", "Number", strconv.Itoa(int(r.Partition))},
		{"kafkaOffset", "Number", strconv.FormatInt(r.Offset, 10)}, {"kafkaTimestamp", "Number", strconv.FormatInt(r.Time.UnixMilli(), 10)},
	} {
		attributes[a[0]] = map[string]any{"DataType": a[1], "StringValue": a[2]}
		size += len(a[0]) + len(a[1]) + len(a[2])
	}
	return attributes, size
}

func (q *sqs) send(ctx context.Context, c *call.Client, list []*entry) []error {
	out, err := c.Call(ctx, call.Request{Operation: "SendMessageBatch", Input: map[string]any{"QueueUrl": q.queue, "Entries": numbered(list)}})
	if err != nil {
		return each(list, faultOf(err))
	}
	return byID(list, out.Output)
}

// numbered gives the bodies of entries their Ids: their places.
func numbered(list []*entry) []any {
	bodies := make([]any, len(list))
	for n, e := range list {
		e.body["Id"] = strconv.Itoa(n)
		bodies[n] = e.body
	}
	return bodies
}

// queueARN is the ARN of a queue's URL.
func queueARN(url string) string {
	parts := strings.Split(strings.TrimSuffix(url, "/"), "/")
	if region := regionOf(url); region != "" && len(parts) >= 2 {
		return "arn:aws:sqs:" + region + ":" + parts[len(parts)-2] + ":" + parts[len(parts)-1]
	}
	return arnFor("sqs", "", parts[len(parts)-1])
}
