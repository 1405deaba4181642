package deliver

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"gantry/function"
	"gantry/record"
)

// Parcel is a piece of a partition that is given up as one. SQS, SNS and S3 get one
// document for it, as they do from AWS (with-kafka, kafka-on-failure-destination).
type Parcel struct {
	Partition record.Partition
	Records   []record.Record
	Condition string
	Invoked   int // invocations the records were part of
	Outcome   *function.Outcome
	At        time.Time // when they were given up: the same at each attempt to deliver them
	Note      string    // who gave them up and why, where that was a person
}

func (p Parcel) String() string {
	return fmt.Sprintf("%s offsets %d to %d", p.Partition, p.Records[0].Offset, p.Records[len(p.Records)-1].Offset)
}

// Letter is the letter of one of the records.
func (p Parcel) Letter(i int) Letter {
	return Letter{
		Partition: p.Partition, Record: &p.Records[i], Condition: p.Condition,
		Invoked: p.Invoked, Outcome: p.Outcome, At: p.At, Note: p.Note,
	}
}

// Sender is an SQS queue or an SNS topic (package cloud/places).
type Sender interface {
	Send(ctx context.Context, body string, attributes map[string]string) error
}

// Putter is an S3 bucket.
type Putter interface {
	Put(ctx context.Context, key string, body []byte, meta map[string]string) error
}

// AWS delivers to one of AWS's services: Sender or Putter is set. Safe for use by many
// goroutines.
type AWS struct {
	Name    string // the ARN, for people
	Origin  Origin // its FunctionARN is not qualified
	Encoder Encoder
	Sender  Sender
	Putter  Putter
	// Shown hides in texts what the owner wants hidden: they leave the data centre.
	Shown func(text string) string
}

// The names of what gantry adds to AWS's documents: attributes of a message, metadata of
// an object. The documents themselves are AWS's and nothing else.
const (
	AttributeMapping = "gantry-mapping"
	AttributeOffsets = "gantry-offsets" // 5,9-12: a document names the first and the last only
	AttributeError   = "gantry-error"
	AttributeSkipped = "gantry-skipped-by"
)

// Deliver writes the document of one record.
func (d *AWS) Deliver(ctx context.Context, l Letter) error {
	return d.DeliverAll(ctx, Parcel{
		Partition: l.Partition, Records: []record.Record{*l.Record}, Condition: l.Condition,
		Invoked: l.Invoked, Outcome: l.Outcome, At: l.At, Note: l.Note,
	})
}

// DeliverAll writes the document of a parcel and returns when AWS has accepted it.
func (d *AWS) DeliverAll(ctx context.Context, p Parcel) error {
	batch := record.Batch{Parts: []record.Part{{
		Lane: record.Lane{Topic: p.Partition.Topic, Partition: p.Partition.Index}, Records: p.Records,
	}}}
	event := d.Encoder.Append(nil, &batch)
	var err error
	if d.Putter != nil {
		err = d.put(ctx, p, event)
	} else {
		err = d.send(ctx, p, len(event))
	}
	if err != nil {
		return fmt.Errorf("deliver the dead letter of %s to %s: %w", p, d.Name, err)
	}
	return nil
}

// mostOffsets bounds the attribute: SNS takes 256 KiB, all in all.
const mostOffsets = 200 << 10

func (d *AWS) send(ctx context.Context, p Parcel, size int) error {
	doc, err := d.Origin.parcel(p, size, "")
	if err != nil {
		return err
	}
	with := d.facts(p)
	if runs := Runs(p.Records); len(runs) <= mostOffsets {
		with[AttributeOffsets] = runs
	}
	return d.Sender.Send(ctx, string(doc), with)
}

func (d *AWS) put(ctx context.Context, p Parcel, event []byte) error {
	doc, err := d.Origin.parcel(p, len(event), string(event))
	if err != nil {
		return err
	}
	return d.Putter.Put(ctx, d.Origin.ObjectKey(p), doc, d.facts(p))
}

func (d *AWS) facts(p Parcel) map[string]string {
	with := map[string]string{AttributeMapping: d.Origin.MappingUUID}
	shown := d.Shown
	if shown == nil {
		shown = func(text string) string { return text }
	}
	if p.Outcome != nil {
		with[AttributeError] = tail(shown(failure(p.Outcome)), maxErrorBytes/2)
	}
	if p.Note != "" {
		with[AttributeSkipped] = tail(shown(p.Note), maxErrorBytes/2)
	}
	return with
}

// ObjectKey is the name of a parcel's object, as AWS builds it for streams:
// aws/lambda/<UUID>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<UUID>, the partition in the
// place of the shard. The last part comes from the records and the moment they were given
// up, so a delivery that is tried again writes the same object.
func (o Origin) ObjectKey(p Parcel) string {
	at := p.At.UTC()
	name := uuid.NewSHA1(uuid.NameSpaceURL, []byte(fmt.Sprintf("%s/%s/%s@%d/%d", o.MappingUUID, o.FunctionARN, p, len(p.Records), at.UnixNano())))
	return strings.Join([]string{"aws/lambda", o.MappingUUID, p.Partition.String(), at.Format("2006/01/02"), at.Format("2006-01-02T15.04.05-") + name.String()}, "/")
}

// Runs writes the offsets of records as runs: 5,9-12.
func Runs(records []record.Record) string {
	var out []string
	for i := 0; i < len(records); {
		j := i
		for j+1 < len(records) && records[j+1].Offset == records[j].Offset+1 {
			j++
		}
		run := strconv.FormatInt(records[i].Offset, 10)
		if j > i {
			run += "-" + strconv.FormatInt(records[j].Offset, 10)
		}
		out = append(out, run)
		i = j + 1
	}
	return strings.Join(out, ",")
}

// parcelDocument is what SQS and SNS get; S3's has the event as text as well.
type parcelDocument struct {
	RequestContext  requestContext   `json:"requestContext"`
	ResponseContext *responseContext `json:"responseContext"`
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	KafkaBatchInfo  parcelInfo       `json:"KafkaBatchInfo"`
	Payload         string           `json:"payload,omitempty"`
}

type parcelInfo struct {
	BatchSize        int             `json:"batchSize"`
	EventSourceARN   string          `json:"eventSourceArn,omitempty"`
	BootstrapServers string          `json:"bootstrapServers"`
	PayloadSize      int             `json:"payloadSize"`
	RecordsInfo      map[string]span `json:"recordsInfo"`
}

type span struct {
	FirstRecordOffset    string `json:"firstRecordOffset"`
	LastRecordOffset     string `json:"lastRecordOffset"`
	FirstRecordTimestamp string `json:"firstRecordTimestamp"`
	LastRecordTimestamp  string `json:"lastRecordTimestamp"`
}

func (o Origin) parcel(p Parcel, size int, payload string) ([]byte, error) {
	first, last := &p.Records[0], &p.Records[len(p.Records)-1]
	d := parcelDocument{
		Version: "1.0", Timestamp: p.At.UTC().Format(isoMillis), Payload: payload,
		KafkaBatchInfo: parcelInfo{
			BatchSize: len(p.Records), EventSourceARN: o.SourceARN, BootstrapServers: o.Bootstrap, PayloadSize: size,
			RecordsInfo: map[string]span{p.Partition.String(): {
				FirstRecordOffset: strconv.FormatInt(first.Offset, 10), LastRecordOffset: strconv.FormatInt(last.Offset, 10),
				FirstRecordTimestamp: time.UnixMilli(first.Timestamp).UTC().Format(isoMillis),
				LastRecordTimestamp:  time.UnixMilli(last.Timestamp).UTC().Format(isoMillis),
			}},
		},
	}
	d.RequestContext, d.ResponseContext = o.contexts(p.Letter(0))
	return json.Marshal(d)
}
