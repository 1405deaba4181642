// Package sink holds the words for ready-made functions, the integrations: what one says
// of itself (Spec), what it may use (Deps), what it is given and what it gives back (Sink).
//
// The flow: New makes a Sink from checked Settings; Handler turns the Sink into a Lambda
// handler, which decodes AWS's Kafka event, writes its records, tries those again that a
// busy service put off, and answers with AWS's partial batch response. gantry runs that
// handler inside itself, AWS Lambda runs the same one.
//
// Invariants: a record is either written or named in the answer, or the invocation fails
// as a whole; what follows a failed record of its partition comes again with it, unless
// the Sink says that order means nothing to it.
package sink

import (
	"context"
	"time"

	"gantry/record"
)

// Record is one Kafka record of an event. A nil Key or Value is Kafka's null; a record
// without a value is a tombstone.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Time      time.Time
	Key       []byte
	Value     []byte
	Headers   []record.Header
}

// Position is where the record stands.
func (r *Record) Position() record.Position {
	return record.Position{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
}

// Of is the partition the record stands in.
func (r *Record) Of() record.Partition { return record.Partition{Topic: r.Topic, Index: r.Partition} }

// Sink writes records to one place. Safe for use by many goroutines.
//
// Write gets the records of one event, those of a partition in their order, and says
// which were not written. Its error means that none of them was. ctx ends at the
// function's deadline. Either may be a *Fault, which says how it is to be taken; any
// other error is one of cause Failed.
//
// Records that a busy service put off (Busy) come to Write again in the same invocation,
// while its time lasts.
type Sink interface {
	Write(ctx context.Context, records []Record) (Result, error)
	Close() error
}

// Result says what became of the records of one Write. The zero value: all were written.
type Result struct {
	Failed []Failure
	// Unordered says that records behind a failed one of their partition were written
	// and need not come again.
	Unordered bool
	// Answer holds members of the function's answer beside batchItemFailures, such as
	// the records that an output makes of it. Those of several Writes are joined: lists
	// behind each other.
	Answer map[string]any
}

// Failure is a record that was not written.
type Failure struct {
	Index int // in the records given to Write
	Err   error
}
