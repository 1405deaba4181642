package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"time"

	"gantry/kafka"
	"gantry/pipeline"
	"gantry/pipeline/deliver"
	"gantry/pipeline/output"
	"gantry/record"
)

// transactor opens the way for transactions: the source's cluster alone. The transactional
// id is the same for every run of a process and mapping, so that a process that comes back
// ends what it left open; no two processes have the same. A process without an identity has
// a new one each time, and what it leaves open ends with its timeout.
func (r *running) transactor() (*pipeline.Transactional, error) {
	if err := r.openProducer(); err != nil {
		return nil, err
	}
	id := r.mapping.TransactionPrefix() + cmp.Or(r.e.cfg.Process, rand.Text())
	tx := r.producer.Transactor(kafka.TransactorConfig{ID: id, Timeout: r.mapping.Output.Expires()})
	r.tx = tx
	return &pipeline.Transactional{Poller: r.poller, To: tx, Group: r.mapping.GroupID, Instance: r.e.instance(r.mapping)}, nil
}

// takeOver ends what an earlier run of this process left open before the first fetch: the
// group's offsets are not told to anybody while they are part of an open transaction. Where
// it can't be done now, the poll goes on and the first commit says why.
func (r *running) takeOver(ctx context.Context) {
	if r.tx == nil {
		return
	}
	ctx, done := context.WithTimeout(ctx, takeOverTimeout)
	defer done()
	if err := r.tx.Ready(ctx); err != nil && ctx.Err() == nil {
		r.pipe.Trouble(err)
	}
}

const takeOverTimeout = 10 * time.Second

// letters makes dead letters records of the transaction: those that deliver would write.
type letters struct {
	topic  *deliver.Topic
	topics output.Topics
}

// Letter implements pipeline.Letters.
func (w letters) Letter(ctx context.Context, l deliver.Letter) (record.Output, error) {
	takes, err := w.topics.Takes(ctx, w.topic.Name)
	if err != nil {
		return record.Output{}, err
	}
	written := &collected{limit: takes.Bytes}
	topic := *w.topic
	topic.Producer = written
	err = topic.Deliver(ctx, l)
	return written.Output, err
}

// collected is the one record that deliver writes.
type collected struct {
	record.Output
	limit int
}

// Produce implements deliver.Producer.
func (c *collected) Produce(_ context.Context, m deliver.Message) error {
	c.Output = record.Output{Topic: m.Topic, Partition: record.ByKey, Key: m.Key, Value: m.Value, Headers: m.Headers}
	if output.Size(&c.Output) > c.limit {
		return deliver.ErrTooLarge
	}
	return nil
}
