package aws

import (
	"bytes"
	"context"

	"gantry/cloud/call"
	"gantry/sink"
)

// A request of Firehose: 500 records and 4 MB; a record has up to 1,000 KiB before base64
// (Firehose API reference, PutRecordBatch).
var firehoseLimits = limits{entries: 500, bytes: 4_000_000}

const firehoseRecord = 1000 << 10

const firehoseExample = `clusters:
  onprem: { brokers: ["kafka-1:9092"] }
functions:
  clicks-to-lake:
    integration: firehose
    settings: { stream: clicks-to-lake }
    timeout: 30s
mappings:
  clicks-to-lake: { function: clicks-to-lake, cluster: onprem, topic: clicks, batchSize: 2000, startingPosition: TRIM_HORIZON }
`

func firehoseSpec() sink.Spec {
	return sink.Spec{
		Name: "firehose", Title: "Amazon Data Firehose", About: "Puts each record into a Firehose stream, which delivers it to S3, Redshift, OpenSearch and others.",
		Settings: common(append([]sink.Setting{
			{Name: "stream", Required: true, About: "name of the Firehose stream", Example: "clicks-to-lake"},
			{Name: "delimiter", About: "what ends a record: newline (unless it ends in one) or none; Firehose itself puts nothing between them", Default: "newline", Values: []string{"newline", "none"}},
			ordering("none", "Firehose delivers about in the order of arrival"),
		}, contents("the data", "skip", "refuse", "fill")...), "4"),
		Policy: func(s sink.Settings) []sink.Statement {
			return []sink.Statement{sink.Allow(arnFor("firehose", s["region"], "deliverystream/"+s["stream"]), "firehose:PutRecordBatch")}
		},
		Limits:  "500 records and 4 MB a request, 1,000 KiB a record.",
		Repeats: "Firehose knows no repeats: a record that comes again is delivered again. A body with {{ .token }} lets a reader tell.",
		Example: firehoseExample, Valid: bodyForFill, New: openFirehose,
	}
}

func openFirehose(s sink.Settings, d sink.Deps) (sink.Sink, error) {
	c, err := newContent(s)
	if err != nil {
		return nil, err
	}
	f := &firehose{stream: s["stream"], newline: s["delimiter"] == "newline", order: s["order"], content: c}
	return &batcher{service: bundled("firehose", "", s, d), limits: firehoseLimits, entry: f.entry, send: f.send}, nil
}

type firehose struct {
	stream, order string
	newline       bool
	content       content
}

func (f *firehose) entry(r *sink.Record) (*entry, error) {
	data, err := f.content.of(r)
	if err != nil {
		return nil, err
	}
	if f.newline && !bytes.HasSuffix(data, []byte("\n")) {
		data = append(bytes.Clone(data), '\n')
	}
	if len(data) > firehoseRecord {
		return nil, refused("it has %d bytes, Firehose takes at most %d a record", len(data), firehoseRecord)
	}
	return &entry{lane: laneOf(f.order, r), size: len(data), body: map[string]any{"Data": data}}, nil
}

func (f *firehose) send(ctx context.Context, c *call.Client, list []*entry) []error {
	out, err := c.Call(ctx, call.Request{Operation: "PutRecordBatch", Input: map[string]any{"DeliveryStreamName": f.stream, "Records": bodies(list)}})
	if err != nil {
		return each(list, faultOf(err))
	}
	return byPlace(list, out.Output["RequestResponses"], never)
}
