package engine

import (
	"context"
	"errors"

	"gantry/kafka"
	"gantry/pipeline/deliver"
)

// produce lets deliver write with kafka's producer: the words differ, the act does not.
type produce struct{ p *kafka.Producer }

// Produce implements deliver.Producer.
func (w produce) Produce(ctx context.Context, m deliver.Message) error {
	_, err := w.p.Produce(ctx, m.Topic, kafka.Message{Key: m.Key, Value: m.Value, Headers: m.Headers})
	if errors.Is(err, kafka.ErrTooLarge) {
		return errors.Join(deliver.ErrTooLarge, err)
	}
	return err
}
