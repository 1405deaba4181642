package aws

import (
	"context"
	"regexp"
	"strings"
	"unicode/utf8"

	"gantry/cloud/call"
	"gantry/sink"
)

// A request of Kinesis: 500 records and 10 MiB with their partition keys; a record has up
// to 10 MiB, or what the stream is set to (Kinesis API reference, PutRecords).
var kinesisLimits = limits{entries: 500, bytes: 10 << 20}

const kinesisExample = `clusters:
  onprem: { brokers: ["kafka-1:9092"] }
functions:
  clicks-to-stream:
    integration: kinesis
    settings: { stream: clicks }
    timeout: 30s
mappings:
  clicks-to-stream: { function: clicks-to-stream, cluster: onprem, topic: clicks, batchSize: 2000, startingPosition: TRIM_HORIZON }
`

func kinesisSpec() sink.Spec {
	return sink.Spec{
		Name: "kinesis", Title: "Amazon Kinesis Data Streams", About: "Puts each record into a stream, under its key.",
		Settings: common(append([]sink.Setting{
			{Name: "stream", Required: true, About: "name or ARN of the stream", Example: "clicks"},
			ordering("key", "PutRecords alone keeps none: it may take a later record and not an earlier one. With order: key a request holds each key once; with none hot keys go faster"),
		}, contents("the data", "send", "skip", "refuse", "fill")...), "4"),
		Policy: func(s sink.Settings) []sink.Statement {
			return []sink.Statement{sink.Allow(streamARN("kinesis", "stream/", s["stream"], s["region"]), "kinesis:PutRecords")}
		},
		Limits: "500 records and 10 MiB a request, keys included. The partition key is the record's key where it is text of up to 256 characters, else a hash of it; records without a key are spread.",
		Repeats: "Kinesis knows no repeats: a record that comes again is written again, behind those of its key that follow it. " +
			"Consumers tell it by what the data says, or by a body with {{ .token }}.",
		Example: kinesisExample, Valid: bodyForFill, New: openKinesis,
	}
}

func streamARN(service, kind, name, region string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return arnFor(service, region, kind+name)
}

func openKinesis(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	c, err := newContent(s)
	if err != nil {
		return nil, err
	}
	k := &kinesis{name: map[string]any{"StreamName": s["stream"]}, order: s["order"], content: c}
	if strings.HasPrefix(s["stream"], "arn:") {
		k.name = map[string]any{"StreamARN": s["stream"]}
	}
	return &batcher{service: bundled("kinesis", s["stream"], s, d), limits: kinesisLimits, entry: k.entry, send: k.send}, nil
}

type kinesis struct {
	name    map[string]any
	order   string
	content content
}

var partitionKeyForm = regexp.MustCompile(`(?s)^.{1,256}$`)

func (k *kinesis) entry(r *sink.Record) (*entry, error) {
	data, err := k.content.of(r)
	if err != nil {
		return nil, err
	}
	key := sink.ShortToken(r)
	if len(r.Key) > 0 {
		key = string(r.Key)
		if !utf8.ValidString(key) || !partitionKeyForm.MatchString(key) {
			key = hashed(key)
		}
	}
	return &entry{lane: laneOf(k.order, r), size: len(data) + len(key), body: map[string]any{"Data": data, "PartitionKey": key}}, nil
}

func (k *kinesis) send(ctx context.Context, c *call.Client, list []*entry) []error {
	input := map[string]any{"Records": bodies(list)}
	for name, value := range k.name {
		input[name] = value
	}
	out, err := c.Call(ctx, call.Request{Operation: "PutRecords", Input: input})
	if err != nil {
		return each(list, faultOf(err))
	}
	return byPlace(list, out.Output["Records"], never)
}

// never: the failed entries of Kinesis and Firehose are never the sender's fault.
func never(string) bool { return false }
