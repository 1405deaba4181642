package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Addressed is a message with the place it goes to.
type Addressed struct {
	Topic     string
	Partition int32 // taken modulo the partitions there are
	Message
}

// Atomic writes messages of several topics in one transaction: all of them appear, or
// none. Whoever makes one under the same id fences the one before. Not safe for use by
// many goroutines.
type Atomic struct {
	id     string
	limits Producer // knows how large a topic's records may be
	client *kgo.Client
}

// ErrFenced says that somebody else took a writer's transactional id.
var ErrFenced = errors.New("another writer has taken over")

// fenced adds ErrFenced to a broker's word for it.
func fenced(err error) error {
	if errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) {
		return fmt.Errorf("%w: %w", ErrFenced, err)
	}
	return err
}

// transactionTimeout is when the broker aborts a transaction whose writer is gone.
const transactionTimeout = 30 * time.Second

// NewAtomic takes a transactional id over: when it returns, every transaction of an
// earlier writer is over, one way or the other, and none of its writes can come later.
func NewAtomic(ctx context.Context, c Cluster, id string) (*Atomic, error) {
	w := &Atomic{id: id, limits: Producer{cluster: c}}
	c.OnConnect = w.limits.attempts.listen(c.OnConnect)
	client, err := kgo.NewClient(append(c.Options(),
		kgo.TransactionalID(id), kgo.TransactionTimeout(transactionTimeout), kgo.UnknownTopicRetries(1),
		kgo.ProducerBatchMaxBytesFn(w.limits.limit), kgo.ProducerLinger(0), kgo.ManualFlushing(),
		kgo.RecordPartitioner(kgo.BasicConsistentPartitioner(func(string) func(*kgo.Record, int) int {
			return func(r *kgo.Record, n int) int { return int(r.Partition) % n }
		})),
	)...)
	if err != nil {
		return nil, fmt.Errorf("open a transactional producer: %w", err)
	}
	w.client = client
	if _, _, err := client.ProducerID(ctx); err != nil {
		client.Close()
		return nil, fmt.Errorf("take the transactional id %s: %w", id, w.limits.attempts.join(Deny(err, "Write", "transactional-id", id)))
	}
	return w, nil
}

// Close ends the connections. A transaction that is open is aborted by the broker.
func (w *Atomic) Close() { w.client.Close() }

// Write carries all messages into the log in one transaction. After an error it is not
// known whether they are there, and the writer can't be used any more: take the id again
// and look.
func (w *Atomic) Write(ctx context.Context, messages []Addressed) error {
	for i := range messages {
		if _, err := w.limits.learn(ctx, w.client, messages[i].Topic); errors.Is(err, ErrUnknownTopic) {
			return fmt.Errorf("write to topic %s: %w", messages[i].Topic, err)
		}
	}
	if err := w.client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin a transaction of %s: %w", w.id, err)
	}
	first := kgo.AbortingFirstErrPromise(w.client)
	for i := range messages {
		r := messages[i].record(messages[i].Topic)
		r.Partition = messages[i].Partition
		w.client.Produce(ctx, r, first.Promise())
	}
	if err := errors.Join(w.client.Flush(ctx), first.Err()); err != nil {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), transactionTimeout)
		defer cancel()
		_ = w.client.EndTransaction(ending, kgo.TryAbort) // the broker does it after the timeout
		return w.limits.explain(messages[0].Topic, len(messages), fenced(err))
	}
	// Once it begins, the end is waited for whoever gave up: it decides what is there.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), transactionTimeout)
	defer cancel()
	if err := w.client.EndTransaction(ending, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit a transaction of %s: %w", w.id, w.limits.attempts.join(fenced(err)))
	}
	return nil
}
