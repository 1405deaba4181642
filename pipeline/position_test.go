package pipeline_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/function"
	"gantry/internal/rig"
	"gantry/mapping"
)

// seen is a function that notes what it gets, in order, as "process partition/offset".
type seen struct {
	mu   sync.Mutex
	list []string
}

func (s *seen) note(c rig.Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range c.Partitions() {
		for _, o := range c.Parts[p] {
			s.list = append(s.list, fmt.Sprintf("%s %d/%d", c.Process, p, o))
		}
	}
}

func (s *seen) ok(_ context.Context, c rig.Call) function.Outcome { s.note(c); return rig.OK() }

func (s *seen) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.list
	s.list = nil
	return out
}

func records(partition int32, n int) []*kgo.Record {
	var out []*kgo.Record
	for i := range n {
		out = append(out, &kgo.Record{Partition: partition, Value: fmt.Appendf(nil, `{"n":%d}`, i)})
	}
	return out
}

func starting(at map[int32]int64) mapping.Mapping {
	m := fresh()
	m.Positions = map[string]map[int32]int64{rig.Topic: at}
	m.SessionTimeout = 10 * time.Second
	return m
}

func bubble(t *testing.T, partitions int32, body func(t *testing.T, r *rig.Rig)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := rig.New(t, partitions)
		body(t, r)
		for _, f := range r.Faults() {
			t.Error(f)
		}
	})
}

func pass(d time.Duration) {
	time.Sleep(d) // the bubble's clock
	synctest.Wait()
}

// LATEST was resolved to 2 at creation: what comes before the first start is not skipped,
// and neither is anything by a process that is killed before its first settled batch.
func TestAStartingPositionIsKeptThroughRestarts(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig.Rig) {
		write := r.Fake.NewHost().Client(t)
		require.NoError(t, write.ProduceSync(t.Context(), &kgo.Record{Topic: rig.Topic}, &kgo.Record{Topic: rig.Topic}).FirstErr())
		r.Produce(records(0, 3)...)
		p := r.Start(rig.Spec{Mapping: starting(map[int32]int64{0: 2}), Answer: func(context.Context, rig.Call) function.Outcome { return rig.Fails() }})
		pass(5 * time.Second)
		p.Kill()
		require.Equal(t, map[int32]int64{0: 2}, r.Fake.Committed(rig.Group, rig.Topic))
		var s seen
		p = r.Start(rig.Spec{Mapping: starting(map[int32]int64{0: 5}), Answer: s.ok})
		pass(5 * time.Second)
		require.Equal(t, []string{"one 0/2", "one 0/3", "one 0/4"}, s.take(), "the commit wins over a position")
		require.NoError(t, p.Stop())
	})
}

// A partition added later begins at its oldest record, also where the others began at
// the newest; a group whose commits expired begins where it was created to begin.
func TestAddedPartitionsAndExpiredGroups(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig.Rig) {
		var s seen
		write := r.Fake.NewHost().Client(t)
		require.NoError(t, write.ProduceSync(t.Context(), &kgo.Record{Topic: rig.Topic}).FirstErr())
		m := starting(map[int32]int64{0: 1})
		p := r.Start(rig.Spec{Mapping: m, Answer: s.ok})
		pass(5 * time.Second)
		r.Fake.AddPartitions(t, rig.Topic, 2)
		r.Produce(records(1, 2)...)
		pass(3 * time.Minute)
		require.Equal(t, []string{"one 1/0", "one 1/1"}, s.take())
		require.NoError(t, p.Stop())
		r.Fake.Expire(t, rig.Group)
		r.Produce(records(0, 1)...)
		p = r.Start(rig.Spec{Mapping: m, Answer: s.ok})
		pass(5 * time.Second)
		require.ElementsMatch(t, []string{"one 0/1", "one 1/0", "one 1/1"}, s.take())
		require.NoError(t, p.Stop())
	})
}

// A transaction ends with a control record that no consumer sees: the commit goes past it.
func TestTrailingControlRecordsLeaveNoLag(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig.Rig) {
		var s seen
		p := r.Start(rig.Spec{Mapping: starting(map[int32]int64{0: 0}), Answer: s.ok})
		tx := r.Fake.NewHost().Client(t, kgo.TransactionalID("tx"), kgo.DefaultProduceTopic(rig.Topic))
		for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
			require.NoError(t, tx.BeginTransaction())
			rec := &kgo.Record{Value: []byte("{}")}
			require.NoError(t, tx.ProduceSync(t.Context(), rec).FirstErr())
			if end == kgo.TryCommit {
				r.Produced(rec)
			}
			require.NoError(t, tx.EndTransaction(t.Context(), end))
		}
		pass(10 * time.Second)
		require.Equal(t, []string{"one 0/0"}, s.take(), "what was aborted is not read")
		ends, err := kadm.NewClient(tx).ListEndOffsets(t.Context(), rig.Topic)
		require.NoError(t, err)
		end, _ := ends.Lookup(rig.Topic, 0)
		require.Equal(t, map[int32]int64{0: end.Offset}, r.Fake.Committed(rig.Group, rig.Topic))
		require.NoError(t, p.Stop())
	})
}

func TestACommitRefusedForARebalanceIsKeptAndTriedAgain(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig.Rig) {
		var s seen
		p := r.Start(rig.Spec{Mapping: starting(map[int32]int64{0: 0}), Answer: s.ok})
		pass(5 * time.Second)
		refused := r.Fake.FailCommits(rig.Group, 3, kerr.RebalanceInProgress)
		r.Produce(records(0, 2)...)
		pass(time.Minute)
		require.Equal(t, 3, refused.Hits())
		require.Equal(t, map[int32]int64{0: 2}, r.Fake.Committed(rig.Group, rig.Topic))
		require.Len(t, s.take(), 2, "nothing is invoked again for it")
		require.NoError(t, p.Stop())
	})
}
