package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/record"
)

// Commit writes the records and the offsets of a transaction, or neither. It must have
// records: offsets alone are no transaction. An error that wraps ErrUnknownEnd leaves open
// which it was; after any other neither counts.
func (t *Transactor) Commit(ctx context.Context, tx Transaction) error {
	if err := t.Ready(ctx); err != nil {
		return err
	}
	t.mu.Lock()
	one := attempt{t, t.client, t.implicit}
	t.mu.Unlock()
	if one.client == nil {
		return kgo.ErrClientClosed
	}
	err := one.commit(ctx, tx)
	if err != nil {
		// The next client ends what this one left open: at once, because readers of committed
		// records wait for it.
		t.reset()
		ending, done := context.WithTimeout(ctx, endTimeout)
		defer done()
		_ = t.Ready(ending)
	}
	return err
}

const endTimeout = 5 * time.Second

// attempt is one transaction under way, with the client it began with.
type attempt struct {
	*Transactor
	client   *kgo.Client
	implicit bool
}

func (t attempt) commit(ctx context.Context, tx Transaction) error {
	if err := t.client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin a transaction: %w", t.explain(err))
	}
	if err := t.write(ctx, tx.Records); err != nil {
		return err
	}
	if err := t.offsets(ctx, tx); err != nil {
		return fmt.Errorf("commit offsets of group %s in a transaction: %w", tx.Group, t.explain(err))
	}
	if t.cfg.Between != nil {
		t.cfg.Between()
	}
	if err := t.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("%w: end a transaction: %w", ErrUnknownEnd, t.explain(err))
	}
	return nil
}

// write waits until all records are acknowledged. A transactional client can't be made to
// let go of a record that it has sent, so when ctx ends the client does.
func (t attempt) write(ctx context.Context, records []record.Output) error {
	errs := make([]error, len(records))
	var all sync.WaitGroup
	all.Add(len(records))
	for i := range records {
		m := messageOf(&records[i])
		t.client.Produce(ctx, m.record(records[i].Topic), func(_ *kgo.Record, err error) {
			errs[i] = err
			all.Done()
		})
	}
	written := make(chan struct{})
	go func() { all.Wait(); close(written) }()
	select {
	case <-written:
	case <-ctx.Done():
		t.reset()
		<-written
	}
	for i, err := range errs {
		if err != nil {
			topic := records[i].Topic
			if errors.Is(err, kgo.ErrClientClosed) && ctx.Err() != nil {
				err = ctx.Err()
			}
			return t.explain(t.producer.explain(topic, len(records), err))
		}
	}
	return nil
}

// offsets makes the group's offsets part of the transaction. Where the group does not join
// it by that, it is added first.
func (t attempt) offsets(ctx context.Context, tx Transaction) error {
	id, epoch, err := t.client.ProducerID(ctx)
	if err != nil {
		return err
	}
	if !t.implicit {
		if err := t.addGroup(ctx, tx, id, epoch); err != nil {
			return err
		}
	}
	req := kmsg.NewPtrTxnOffsetCommitRequest()
	req.TransactionalID, req.Group, req.ProducerID, req.ProducerEpoch = t.cfg.ID, tx.Group, id, epoch
	req.MemberID, req.Generation = tx.Member, tx.Generation
	if tx.Instance != "" {
		req.InstanceID = &tx.Instance
	}
	for id, at := range tx.Offsets {
		topic := slices.IndexFunc(req.Topics, func(of kmsg.TxnOffsetCommitRequestTopic) bool { return of.Topic == id.Topic })
		if topic < 0 {
			of := kmsg.NewTxnOffsetCommitRequestTopic()
			of.Topic, topic = id.Topic, len(req.Topics)
			req.Topics = append(req.Topics, of)
		}
		p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.LeaderEpoch = id.Index, at.At, at.Epoch
		req.Topics[topic].Partitions = append(req.Topics[topic].Partitions, p)
	}
	resp, err := req.RequestWith(ctx, t.client)
	if err != nil {
		return err
	}
	var failed []error
	for _, topic := range resp.Topics {
		for _, p := range topic.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				failed = append(failed, err)
			}
		}
	}
	return Deny(joinDistinct(failed), "Read", "group", tx.Group)
}

// addGroup is AddOffsetsToTxn. The broker may still be at the markers of the transaction
// before, and says so.
func (t attempt) addGroup(ctx context.Context, tx Transaction, id int64, epoch int16) error {
	req := kmsg.NewPtrAddOffsetsToTxnRequest()
	req.TransactionalID, req.Group, req.ProducerID, req.ProducerEpoch = t.cfg.ID, tx.Group, id, epoch
	for {
		resp, err := req.RequestWith(ctx, t.client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if !errors.Is(err, kerr.ConcurrentTransactions) {
			return Deny(err, "Read", "group", tx.Group)
		}
		if err := pause(ctx, concurrentPause); err != nil {
			return err
		}
	}
}

const concurrentPause = 10 * time.Millisecond

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Settled finds out what became of a transaction whose end is not known: once this process
// alone writes under the id it has ended one way or the other, and the group's offsets tell
// which. It is right for a member that still has a partition of it; for one that has lost
// them all it does not matter.
func (t *Transactor) Settled(ctx context.Context, tx Transaction) (committed bool, err error) {
	if err := t.Ready(ctx); err != nil {
		return false, err
	}
	for {
		at, err := kadm.NewClient(t.producer.current()).FetchOffsets(kadm.RequireStable(ctx), tx.Group)
		if err == nil {
			err = at.Error()
		}
		if !errors.Is(err, kerr.UnstableOffsetCommit) {
			if err != nil {
				return false, fmt.Errorf("read the offsets of group %s: %w", tx.Group, t.explain(err))
			}
			return reached(at, tx.Offsets), nil
		}
		if err := pause(ctx, 10*concurrentPause); err != nil {
			return false, err
		}
	}
}

func reached(at kadm.OffsetResponses, offsets map[record.Partition]record.Offset) bool {
	for id, want := range offsets {
		if is, ok := at.Lookup(id.Topic, id.Index); !ok || is.At < want.At {
			return false
		}
	}
	return true
}

// transactionVersion is the cluster's feature transaction.version; 0 where it has none.
func transactionVersion(ctx context.Context, client *kgo.Client) (int16, error) {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "gantry", "1"
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return 0, err
	}
	for _, f := range resp.FinalizedFeatures {
		if f.Name == "transaction.version" {
			return f.MaxVersionLevel, nil
		}
	}
	return 0, nil
}
