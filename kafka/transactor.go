package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"gantry/record"
)

// ErrUnknownEnd is a transaction whose end was asked for and not answered: it may have been
// committed. Settled finds out.
var ErrUnknownEnd = errors.New("the transaction's end is not known yet")

// Transaction is what is committed as one: records, and the offsets of the group that they
// were made from. Member, Generation and Instance are those under which the offsets were
// settled: the broker refuses a member that is none any more (KIP-447).
type Transaction struct {
	Records    []record.Output
	Offsets    map[record.Partition]record.Offset
	Group      string
	Instance   string // "" = a dynamic member
	Member     string
	Generation int32
}

// Transactor commits transactions under one transactional id, one after the other. What
// goes wrong ends the client, and the next one begins as a process that was started again
// would: InitProducerId under the same id ends what the last one left open, and from then
// on the broker takes nothing of it. There is one way out of every trouble, and no state of
// a producer that has to be mended. Not safe for use by many goroutines.
type Transactor struct {
	cfg      TransactorConfig
	producer *Producer // knows the topics' limits
	attempts attempts

	mu       sync.Mutex // guards what follows for Close
	client   *kgo.Client
	implicit bool // KIP-890: the group joins the transaction with its offsets
	closed   bool
}

// TransactorConfig is what stays for the life of a Transactor.
type TransactorConfig struct {
	ID      string        // transactional.id
	Timeout time.Duration // when the broker aborts what is left open
	// Between is called when the offsets are part of the transaction and before it ends, the
	// place where a crash hurts most; nil = nobody.
	Between func()
}

// Transactor makes a Transactor of the producer's cluster without connecting. Close it.
func (p *Producer) Transactor(cfg TransactorConfig) *Transactor {
	return &Transactor{cfg: cfg, producer: p}
}

// Close ends the connections. A transaction that is open is aborted by the broker, at the
// latest when its timeout is over.
func (t *Transactor) Close() {
	t.reset()
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
}

// Ready makes this process the only one that writes under the id: what an earlier one left
// open is aborted, or its commit completed, when it returns.
func (t *Transactor) Ready(ctx context.Context) error {
	client, err := t.open(ctx)
	if err == nil {
		if _, _, err = client.ProducerID(ctx); err != nil {
			t.reset() // kgo keeps some refusals for ever
		}
	}
	if err != nil {
		return fmt.Errorf("begin to write as transactional id %s: %w", t.cfg.ID, t.explain(err))
	}
	return nil
}

func (t *Transactor) open(ctx context.Context) (*kgo.Client, error) {
	t.mu.Lock()
	client := t.client
	t.mu.Unlock()
	if client != nil {
		return client, nil
	}
	versions, implicit, err := t.versions(ctx)
	if err != nil {
		return nil, err
	}
	cluster := t.producer.cluster
	cluster.OnConnect = t.attempts.listen(t.producer.cluster.OnConnect)
	client, err = kgo.NewClient(append(cluster.Options(),
		kgo.TransactionalID(t.cfg.ID),
		kgo.TransactionTimeout(t.cfg.Timeout),
		kgo.MaxVersions(versions),
		kgo.UnknownTopicRetries(1),
		kgo.ProducerLinger(0),
		kgo.MaxBufferedRecords(1<<20),
		kgo.RecordPartitioner(partitioner()),
		kgo.ProducerBatchMaxBytesFn(t.producer.limit),
	)...)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		client.Close()
		return nil, kgo.ErrClientClosed
	}
	t.client, t.implicit = client, implicit
	return client, nil
}

// versions gives the protocol for the cluster's transactions. From transaction.version 2 on
// (KIP-890, Kafka 4.0) partitions and groups join a transaction by writing to it; before it
// they are added by requests of their own, whatever newer requests a broker knows. Offsets
// are committed by topic names in both.
func (t *Transactor) versions(ctx context.Context) (v *kversion.Versions, implicit bool, err error) {
	level, err := transactionVersion(ctx, t.producer.current())
	if err != nil || level < 2 {
		return kversion.V3_9_0(), false, err
	}
	const txnOffsetCommit, byName = 28, 5
	v = kversion.V4_3_0()
	v.SetMaxKeyVersion(txnOffsetCommit, byName)
	return v, true, nil
}

// reset ends the client. What it has under way fails.
func (t *Transactor) reset() {
	t.mu.Lock()
	client := t.client
	t.client = nil
	t.mu.Unlock()
	if client != nil {
		client.Close()
	}
}

// explain says what a refusal is about.
func (t *Transactor) explain(err error) error {
	switch {
	case errors.Is(err, kerr.InvalidTransactionTimeout):
		err = fmt.Errorf("the timeout of %s is more than the brokers allow (transaction.max.timeout.ms): %w", t.cfg.Timeout, err)
	case errors.Is(err, kerr.ProducerFenced), errors.Is(err, kerr.InvalidProducerEpoch):
		err = fmt.Errorf("another process writes as transactional id %s, or the broker ended the transaction because it took longer than %s: %w",
			t.cfg.ID, t.cfg.Timeout, err)
	default:
		err = Deny(err, "Describe and Write", "transactional-id", t.cfg.ID)
	}
	return t.attempts.join(err)
}
