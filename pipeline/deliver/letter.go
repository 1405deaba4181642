// Package deliver writes dead letters: records that are given up, in the shapes AWS
// gives them (kafka-on-failure-destination): on a Kafka topic one message for each
// record (topic.go), to SQS, SNS and S3 one document for each piece (aws.go). gantry's
// own facts travel beside the documents, as headers, attributes or metadata. A letter
// counts as delivered when the destination has acknowledged it, and not before: until
// then its lane stands still.
package deliver

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"gantry/function"
	"gantry/record"
)

// Letter is one record that is given up, and why.
type Letter struct {
	Partition record.Partition
	Record    *record.Record
	Condition string // RetriesExhausted, MaximumPayloadSizeExceeded, EventAgeExceeded, Skipped
	Invoked   int    // invocations the record was part of
	Outcome   *function.Outcome
	At        time.Time
	Note      string // who gave it up and why, where that was a person
}

// Origin is what every letter of a mapping has in common.
type Origin struct {
	MappingUUID string
	FunctionARN string // qualified
	SourceARN   string // MSK only: left out for a self-managed cluster
	Bootstrap   string
}

// document is AWS's record. Offsets are strings there; so they are here.
type document struct {
	RequestContext  requestContext   `json:"requestContext"`
	ResponseContext *responseContext `json:"responseContext"`
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	KafkaBatchInfo  batchInfo        `json:"KafkaBatchInfo"`
	Payload         json.RawMessage  `json:"payload,omitempty"`
}

type requestContext struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

type batchInfo struct {
	BatchSize        int        `json:"batchSize"`
	EventSourceARN   string     `json:"eventSourceArn,omitempty"`
	BootstrapServers string     `json:"bootstrapServers"`
	PayloadSize      int        `json:"payloadSize"`
	RecordInfo       recordInfo `json:"recordInfo"`
}

type recordInfo struct {
	Offset    string `json:"offset"`
	Timestamp string `json:"timestamp"`
}

const isoMillis = "2006-01-02T15:04:05.000Z"

// Document is the value of a dead letter. payload is the event with that single
// record; without it the document says where the record was and nothing of it.
func (o Origin) Document(l Letter, payload []byte) ([]byte, error) {
	d := document{
		Version:   "1.0",
		Timestamp: l.At.UTC().Format(isoMillis),
		KafkaBatchInfo: batchInfo{
			BatchSize: 1, EventSourceARN: o.SourceARN, BootstrapServers: o.Bootstrap, PayloadSize: len(payload),
			RecordInfo: recordInfo{
				Offset:    strconv.FormatInt(l.Record.Offset, 10),
				Timestamp: time.UnixMilli(l.Record.Timestamp).UTC().Format(isoMillis),
			},
		},
		Payload: payload,
	}
	d.RequestContext, d.ResponseContext = o.contexts(l)
	return json.Marshal(d)
}

// contexts are what a document says of the function, and of its last invocation if
// there was one.
func (o Origin) contexts(l Letter) (requestContext, *responseContext) {
	asked := requestContext{FunctionARN: o.FunctionARN, Condition: l.Condition, ApproximateInvokeCount: l.Invoked}
	if l.Outcome == nil {
		return asked, nil
	}
	asked.RequestID = l.Outcome.RequestID
	return asked, &responseContext{
		StatusCode: l.Outcome.StatusCode, ExecutedVersion: l.Outcome.ExecutedVersion, FunctionError: l.Outcome.FunctionError,
	}
}

// The headers gantry adds to a dead letter. The record's own headers come first.
const (
	HeaderMapping   = "gantry-mapping"
	HeaderTopic     = "gantry-topic"
	HeaderPartition = "gantry-partition"
	HeaderOffset    = "gantry-offset"
	HeaderTimestamp = "gantry-timestamp"
	HeaderCondition = "gantry-condition"
	HeaderAttempts  = "gantry-attempts"
	HeaderError     = "gantry-error"
	HeaderLog       = "gantry-log-tail"
	HeaderSkipped   = "gantry-skipped-by"
	HeaderDocument  = "gantry-document" // "metadata": the value is the record's own, not AWS's document
)

const maxErrorBytes = 1024

// Headers are the original headers and gantry's facts.
func (o Origin) Headers(l Letter) []record.Header {
	facts := []record.Header{
		text(HeaderMapping, o.MappingUUID),
		text(HeaderTopic, l.Partition.Topic),
		text(HeaderPartition, strconv.Itoa(int(l.Partition.Index))),
		text(HeaderOffset, strconv.FormatInt(l.Record.Offset, 10)),
		text(HeaderTimestamp, strconv.FormatInt(l.Record.Timestamp, 10)),
		text(HeaderCondition, l.Condition),
		text(HeaderAttempts, strconv.Itoa(l.Invoked)),
	}
	if l.Outcome != nil {
		facts = append(facts, text(HeaderError, tail(failure(l.Outcome), maxErrorBytes)))
		if len(l.Outcome.Log) > 0 {
			facts = append(facts, record.Header{Key: HeaderLog, Value: l.Outcome.Log})
		}
	}
	if l.Note != "" {
		facts = append(facts, text(HeaderSkipped, tail(l.Note, maxErrorBytes)))
	}
	return append(append([]record.Header(nil), l.Record.Headers...), facts...)
}

// failure is the function's own error where it gave one, else what gantry saw.
func failure(out *function.Outcome) string {
	var e struct{ ErrorType, ErrorMessage string }
	if json.Unmarshal(out.Answer, &e) == nil && e.ErrorMessage != "" {
		return e.ErrorType + ": " + e.ErrorMessage
	}
	return out.Message
}

func text(key, value string) record.Header { return record.Header{Key: key, Value: []byte(value)} }

// tail keeps the first max bytes without cutting a character in two.
func tail(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
