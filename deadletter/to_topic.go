package deadletter

import (
	"context"

	"gantry/kafka"
)

// produce writes records and their notes in one transaction: to the partition they came
// from, with key, value and headers as they were and the time of now, because retention
// and a limit of age count from it. A file has its records already and gets the notes.
func (r *redrive) produce(ctx context.Context, items []item) error {
	var messages []kafka.Addressed
	for _, it := range items {
		note, err := r.mark(it, Redriven, "")
		if err != nil {
			return err
		}
		messages = append(messages, note)
		if r.order.To.Kind == ToFile {
			continue
		}
		to := kafka.Addressed{Topic: r.order.To.Name, Partition: it.rec.At.Partition}
		if to.Topic == "" {
			to.Topic = it.rec.At.Topic
		}
		to.Message = kafka.Message{Key: it.rec.Key, Value: it.rec.Value, Headers: again(it.rec.Headers, it.letter.ID, it.count+1)}
		messages = append(messages, to)
	}
	if err := r.writer.Write(ctx, messages); err != nil {
		return err
	}
	return r.redriven(ctx, items)
}
