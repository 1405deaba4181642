package kafka

import (
	"context"
	"errors"
	"slices"

	"gantry/record"
)

// Write writes records to their topics and waits until all are acknowledged or have
// failed. Records that go to the same partition are written in order. The first that was
// not written and everything of its topic behind it come back, in order: written again
// they follow, and none has overtaken another. The error is that of Produce.
func (p *Producer) Write(ctx context.Context, records []record.Output) (rest []record.Output, err error) {
	var errs []error
	topics := split(records)
	done := make(chan []record.Output, len(topics))
	failed := make(chan error, len(topics))
	for _, of := range topics {
		go func() {
			rest, err := p.writeTopic(ctx, of)
			failed <- err
			done <- rest
		}()
	}
	for range topics {
		errs = append(errs, <-failed)
		rest = append(rest, <-done...)
	}
	return rest, errors.Join(errs...)
}

// split parts records by topic; each keeps its order.
func split(records []record.Output) [][]record.Output {
	var topics [][]record.Output
	for i := range records {
		at := slices.IndexFunc(topics, func(of []record.Output) bool { return of[0].Topic == records[i].Topic })
		if at < 0 {
			topics = append(topics, nil)
			at = len(topics) - 1
		}
		topics[at] = append(topics[at], records[i])
	}
	return topics
}

func (p *Producer) writeTopic(ctx context.Context, records []record.Output) ([]record.Output, error) {
	messages := make([]Message, len(records))
	for i := range records {
		messages[i] = messageOf(&records[i])
	}
	positions, err := p.Produce(ctx, records[0].Topic, messages...)
	if err == nil {
		return nil, nil
	}
	first := slices.IndexFunc(positions, func(at record.Position) bool { return at.Offset < 0 })
	return records[max(first, 0):], err
}

func messageOf(o *record.Output) Message {
	m := Message{Key: o.Key, Value: o.Value, Headers: o.Headers}
	if o.Partition != record.ByKey {
		m.Partition = &o.Partition
	}
	return m
}
