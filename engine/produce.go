package engine

import (
	"context"
	"errors"
	"fmt"

	"gantry/kafka"
	"gantry/mapping"
	"gantry/pipeline/deliver"
	"gantry/pipeline/output"
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

// openProducer makes the producer of the source's cluster, once.
func (r *running) openProducer() (err error) {
	if r.producer == nil {
		r.producer, err = kafka.NewProducer(r.cluster)
	}
	return err
}

// output makes the way for the function's answers.
func (r *running) output(ctx context.Context, s *settings) error {
	o := r.mapping.Output
	if o == nil {
		return nil
	}
	producer, err := r.outputProducer(ctx, o)
	if err != nil {
		return fmt.Errorf("open the output: %w", err)
	}
	encoder, err := r.e.encoder(r.mapping)
	if err != nil {
		return fmt.Errorf("open the output: %w", err)
	}
	s.pipe.Output = &output.Stage{Output: *o, Topics: output.Kafka{Producer: producer}, Encode: encoder, Writer: output.Kafka{Producer: producer}}
	if in := r.mapping.Surroundings; in != nil {
		s.pipe.Output.Capture = in.Capture
	}
	if to, ok := s.pipe.Consumers[0].Deliver.(*deliver.Topic); ok && o.Transactional {
		s.pipe.Letters = letters{topic: to, topics: output.Kafka{Producer: producer}}
	}
	return nil
}

func (r *running) outputProducer(ctx context.Context, o *mapping.Output) (*kafka.Producer, error) {
	if o.Cluster == "" || o.Cluster == r.mapping.Source.Cluster {
		err := r.openProducer()
		return r.producer, err
	}
	if r.elsewhere == nil {
		cluster, err := r.e.cfg.Sources.Resolve(ctx, mapping.Source{Cluster: o.Cluster})
		if err != nil {
			return nil, err
		}
		if r.elsewhere, err = kafka.NewProducer(cluster); err != nil {
			return nil, err
		}
	}
	return r.elsewhere, nil
}

func (r *running) closeProducer() error {
	if r.tx != nil {
		r.tx.Close()
	}
	for _, p := range []*kafka.Producer{r.producer, r.elsewhere} {
		if p != nil {
			p.Close()
		}
	}
	return nil
}
