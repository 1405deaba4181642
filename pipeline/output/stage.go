package output

import (
	"context"
	"errors"
	"fmt"

	"gantry/mapping"
	"gantry/record"
)

// Stage is what becomes of the answers of one mapping. Safe for use by many goroutines.
type Stage struct {
	Output mapping.Output
	Topics Topics
	Encode Encoder // nil = bytes go as they are
	Writer Writer

	Capture map[string]string // topic an answer names → where the record goes instead; nil = as named
}

// Records reads an answer and holds it against the mapping and the topics. A *Fault is the
// function's; any other error says that a topic or its schema could not be looked at.
func (s *Stage) Records(ctx context.Context, answer []byte) ([]record.Output, error) {
	all, err := read(answer, s.Output.Topic)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	records, known := make([]record.Output, len(all)), map[string]Takes{}
	for i := range all {
		if err := s.capture(&all[i]); err != nil {
			return nil, err
		}
		if err := s.check(ctx, &all[i], known); err != nil {
			return nil, err
		}
		records[i] = all[i].Output
	}
	return records, nil
}

// capture sends a record that names its topic elsewhere.
func (s *Stage) capture(r *found) error {
	if s.Capture == nil || r.value {
		return nil
	}
	to, ok := s.Capture[r.Topic]
	if !ok {
		return &Fault{r.place(), fmt.Errorf("topic %q is not allowed: what goes to it is not captured", r.Topic)}
	}
	r.Topic = to
	return nil
}

// check holds one record against everything; known are the topics looked at before.
func (s *Stage) check(ctx context.Context, r *found, known map[string]Takes) error {
	if !s.Output.Allows(r.Topic) {
		return &Fault{r.place(), fmt.Errorf("topic %q is not allowed; the mapping's output has %s", r.Topic, s.allowed())}
	}
	takes, asked := known[r.Topic]
	if !asked {
		var err error
		if takes, err = s.Topics.Takes(ctx, r.Topic); err != nil {
			return err
		}
		known[r.Topic] = takes
	}
	if err := s.encode(ctx, r); err != nil {
		return err
	}
	return fits(r, takes)
}

// fits holds one record against its topic.
func fits(r *found, takes Takes) error {
	where := r.place()
	switch size := Size(&r.Output); {
	case r.Partition >= takes.Partitions:
		return &Fault{where, fmt.Errorf("partition %d is not there: topic %s has %d", r.Partition, r.Topic, takes.Partitions)}
	case size > takes.Bytes:
		return &Fault{where, fmt.Errorf("its %d bytes are more than topic %s takes, which are %d (max.message.bytes)", size, r.Topic, takes.Bytes)}
	case takes.Keys && r.Key == nil:
		return &Fault{where, fmt.Errorf("topic %s is compacted: its records need a key", r.Topic)}
	}
	return nil
}

func (s *Stage) allowed() string {
	text := ""
	for _, topic := range append([]string{s.Output.Topic}, s.Output.Topics...) {
		switch {
		case topic == "":
		case text == "":
			text = topic
		default:
			text += ", " + topic
		}
	}
	return text
}

func (s *Stage) encode(ctx context.Context, r *found) error {
	if s.Encode == nil {
		return nil
	}
	for _, part := range []struct {
		name string
		text *[]byte
	}{{"key", &r.Key}, {"value", &r.Value}} {
		if *part.text == nil {
			continue // null has no schema
		}
		encoded, err := s.Encode.Encode(ctx, r.Topic, part.name, *part.text)
		if errors.Is(err, ErrUnencodable) {
			return &Fault{r.place() + "." + part.name, &SchemaError{err}}
		}
		if err != nil {
			return &SchemaError{err}
		}
		*part.text = encoded
	}
	return nil
}

// Size is the most that a record takes in a batch of its own, which is what a topic's
// max.message.bytes is held against: the batch's header and the lengths as varints at
// their longest (Kafka's record format, version 2).
func Size(r *record.Output) int {
	const batchHeader, lengths, header = 65, 31, 10
	n := batchHeader + lengths + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += header + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return n
}
