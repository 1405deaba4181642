// Package output turns what a function answered into records to be written.
//
// Read takes an answer apart into records, each with its place in the answer; Stage holds
// them against what the mapping allows and what the topics take, and encodes them where a
// topic has a schema. What is wrong with an answer is a *Fault, which is the function's
// failure; any other error says that it could not be found out yet, and the answer waits.
//
// The shapes of an answer:
//   - {"records": {TOPIC: [{"key", "value", "headers", "partition"}, …], …}} mirrors the
//     event: key and value are base64, a missing or null value is a tombstone, headers are
//     [{NAME: [bytes]}, …], partition is chosen by the key where it is missing.
//   - With a topic for them, any other JSON value is one record of that topic and a list is
//     one record for each of its elements: the value is the JSON text, there is no key. An
//     element that is null is no record.
//   - Nothing, null, [] and an object with batchItemFailures alone say that there is
//     nothing to write.
package output

import (
	"context"
	"errors"
	"fmt"

	"gantry/record"
)

// Fault is an answer that can't be written, with the place that is wrong. It is a failure
// of the function: invoked again it may answer better.
type Fault struct {
	Place string // as in JSON: records.orders[3].key
	Err   error
}

func (f *Fault) Error() string {
	return fmt.Sprintf("the answer can't be written: %s: %v", f.Place, f.Err)
}

func (f *Fault) Unwrap() error { return f.Err }

// ErrRefused marks a record that its cluster will never take as it is.
var ErrRefused = errors.New("the record is refused")

// ErrUnencodable marks a value that the schema of its topic does not allow.
var ErrUnencodable = errors.New("the value does not fit its schema")

// SchemaError is what an Encoder failed with: the registry, the schema, or a value that
// does not fit it.
type SchemaError struct{ Err error }

func (e *SchemaError) Error() string { return e.Err.Error() }

func (e *SchemaError) Unwrap() error { return e.Err }

// Writer writes records and waits until all are acknowledged. Those of one topic that go
// to the same partition stay in order. What was not acknowledged is given back, in order:
// from the first such record of a topic on, because a later one must not overtake it. An
// error that wraps ErrRefused is about a record that can never be written; any other may
// pass. Safe for use by many goroutines.
type Writer interface {
	Write(ctx context.Context, records []record.Output) (rest []record.Output, err error)
}

// Topics tells what topics take. An error is about the cluster or the topic, never about
// an answer. Safe for use by many goroutines.
type Topics interface {
	Takes(ctx context.Context, topic string) (Takes, error)
}

// Takes is what a topic takes.
type Takes struct {
	Partitions int32
	Bytes      int  // the largest record, with what Kafka adds to it
	Keys       bool // it is compacted: a record needs a key
}

// Encoder turns JSON into the bytes that the schema of a topic asks for; part is "key" or
// "value". A topic without a schema gets the JSON back. An error that wraps ErrUnencodable
// is the function's; any other is tried again. Safe for use by many goroutines.
type Encoder interface {
	Encode(ctx context.Context, topic, part string, json []byte) ([]byte, error)
}
