package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// ErrPending is a group some of whose offsets are part of a transaction that is not over:
// what it has committed is not known before that.
var ErrPending = errors.New("offsets of the group are part of an open transaction")

// offsetsTopic is where Kafka keeps what groups commit.
const offsetsTopic = "__consumer_offsets"

// OpenTransaction is a transaction that has begun and is not over.
type OpenTransaction struct {
	ID      string        // the transactional id
	State   string        // Ongoing, PrepareCommit, PrepareAbort
	Since   time.Time     // as the coordinator's clock has it
	Timeout time.Duration // after which the coordinator aborts it
	Offsets bool          // it has offsets of groups in it, this one's or another's
	Topics  []string      // with partitions in it
}

// Settled is Committed, asked once: ErrPending where a transaction holds some of them.
func (a *Admin) Settled(ctx context.Context, group string) (Offsets, error) {
	committed, err := a.Committed(ctx, group)
	if errors.Is(err, kerr.UnstableOffsetCommit) {
		return nil, fmt.Errorf("read the offsets of group %s: %w: %w", group, ErrPending, err)
	}
	return committed, err
}

// OpenTransactions lists those that hold offsets of groups or touch one of the topics.
func (a *Admin) OpenTransactions(ctx context.Context, topics ...string) ([]OpenTransaction, error) {
	listed, err := a.admin.ListTransactions(ctx, nil, []string{"Ongoing", "PrepareCommit", "PrepareAbort"})
	if err != nil || len(listed) == 0 {
		return nil, a.transactionsError(err)
	}
	described, err := a.admin.DescribeTransactions(ctx, listed.TransactionalIDs()...)
	if err != nil {
		return nil, a.transactionsError(err)
	}
	var open []OpenTransaction
	for _, d := range described.Sorted() {
		t := openTransaction(d)
		touches := slices.ContainsFunc(t.Topics, func(topic string) bool { return slices.Contains(topics, topic) })
		if d.Err == nil && (t.Offsets || touches) {
			open = append(open, t)
		}
	}
	return open, nil
}

func openTransaction(d kadm.DescribedTransaction) OpenTransaction {
	t := OpenTransaction{
		ID: d.TxnID, State: d.State,
		Since: time.UnixMilli(d.StartTimestamp), Timeout: time.Duration(d.TimeoutMillis) * time.Millisecond,
	}
	for topic := range d.Topics {
		if topic == offsetsTopic {
			t.Offsets = true
			continue
		}
		t.Topics = append(t.Topics, topic)
	}
	slices.SortFunc(t.Topics, strings.Compare)
	return t
}

func (a *Admin) transactionsError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("list open transactions: %w", a.attempts.join(Deny(err, "Describe", "transactional-id", "")))
}
