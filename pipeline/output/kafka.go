package output

import (
	"context"
	"errors"
	"fmt"

	"gantry/kafka"
	"gantry/record"
)

// Kafka writes with a producer and asks it what topics take: the words differ, the acts do
// not. It is a Writer and Topics.
type Kafka struct{ Producer *kafka.Producer }

// Write implements Writer.
func (k Kafka) Write(ctx context.Context, records []record.Output) ([]record.Output, error) {
	rest, err := k.Producer.Write(ctx, records)
	if errors.Is(err, kafka.ErrTooLarge) || errors.Is(err, kafka.ErrInvalid) {
		err = fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return rest, err
}

// Takes implements Topics.
func (k Kafka) Takes(ctx context.Context, topic string) (Takes, error) {
	of, err := k.Producer.Takes(ctx, topic)
	return Takes{Partitions: of.Partitions, Bytes: int(of.Bytes), Keys: of.Compacted}, err
}
