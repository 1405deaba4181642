package deliver

import (
	"context"
	"errors"
	"fmt"

	"gantry/record"
)

// ErrTooLarge is what a Producer answers for a message over its own or the topic's limit.
var ErrTooLarge = errors.New("message too large")

// Message is one record to produce.
type Message struct {
	Topic   string
	Key     []byte
	Value   []byte
	Headers []record.Header
}

// Producer writes messages and waits for the broker (acks=all). The error joins what
// went wrong; ErrTooLarge for a message that can never be taken as it is.
type Producer interface {
	Produce(ctx context.Context, m Message) error
}

// Encoder makes the event of a batch (package encode).
type Encoder interface {
	Append(dst []byte, b *record.Batch) []byte
}

// Topic delivers to a Kafka topic of the source's cluster. Safe for use by many goroutines.
type Topic struct {
	Name     string
	Origin   Origin
	Producer Producer
	Encoder  Encoder
}

// Deliver writes one letter and returns when it is durable. A document over the limit
// is written again as the record's own key, value and headers with the document's
// facts as headers: no letter is lost because it is large.
func (t *Topic) Deliver(ctx context.Context, l Letter) error {
	l.Condition = onTopic(l.Condition)
	m := Message{Topic: t.Name, Key: l.Record.Key, Headers: t.Origin.Headers(l)}
	batch := record.Batch{Parts: []record.Part{{
		Lane:    record.Lane{Topic: l.Partition.Topic, Partition: l.Partition.Index},
		Records: []record.Record{*l.Record},
	}}}
	value, err := t.Origin.Document(l, t.Encoder.Append(nil, &batch))
	if err != nil {
		return fmt.Errorf("write the dead letter of %s: %w", position(l), err)
	}
	m.Value = value
	err = t.Producer.Produce(ctx, m)
	if errors.Is(err, ErrTooLarge) {
		err = t.Producer.Produce(ctx, t.raw(m, l))
	}
	if err != nil {
		return fmt.Errorf("deliver the dead letter of %s to topic %s: %w", position(l), t.Name, err)
	}
	return nil
}

// onTopic gives the condition as AWS writes it to a Kafka topic: there it differs from
// what SQS, SNS and S3 get.
func onTopic(condition string) string {
	if condition == "RetryAttemptsExhausted" {
		return "RetriesExhausted"
	}
	return condition
}

// raw is the record as it was, its document without the payload in a header.
func (t *Topic) raw(m Message, l Letter) Message {
	m.Value = l.Record.Value
	m.Headers = append(m.Headers, text(HeaderDocument, "metadata"))
	if doc, err := t.Origin.Document(l, nil); err == nil {
		m.Headers = append(m.Headers, record.Header{Key: HeaderDocument + "-value", Value: doc})
	}
	return m
}

func position(l Letter) record.Position {
	return record.Position{Topic: l.Partition.Topic, Partition: l.Partition.Index, Offset: l.Record.Offset}
}
