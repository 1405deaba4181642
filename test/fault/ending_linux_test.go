package fault_test

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/internal/kafkatest"
)

// ending is what becomes of the EndTxn of a process that is killed as it asks.
type ending string

const (
	never ending = "never reaches the broker"
	heard ending = "reaches it from the dead"
	late  ending = "reaches it when the next process is at work"
)

// trap kills the first gantry whose offsets are part of a transaction and that asks for its
// end.
type trap struct {
	how     ending
	taken   atomic.Pointer[besieged]
	sprung  chan string   // the transactional id, once
	again   chan struct{} // the next process of the same id commits offsets, once
	release chan struct{} // closed: the request that is held may go its way
}

// killAtEnd kills a gantry between TxnOffsetCommit and EndTxn: the request is held, the
// process killed, the transaction looked at on the broker. Then the gantry starts again.
func (s *siege) killAtEnd(how ending, feed func()) {
	tr := &trap{how: how, sprung: make(chan string, 1), again: make(chan struct{}, 1), release: make(chan struct{})}
	for _, b := range s.up() {
		s.tap.Watch(b.name, tr.watch(b))
		defer s.tap.Watch(b.name, b.count) //nolint:gocritic // until all are looked at
	}
	feed()
	select {
	case id := <-tr.sprung:
		s.hit()
		s.stands(id)
	case <-time.After(2 * time.Minute):
		require.Fail(s.t, "no transaction comes to its end")
	}
	if how != late {
		close(tr.release)
	}
	tr.taken.Load().Up()
	if how == late {
		select {
		case <-tr.again:
		case <-time.After(20 * time.Second): // the other one had all there is to do
		}
		close(tr.release)
	}
}

// watch sees the requests of one gantry, of the process that is killed and of the next.
func (tr *trap) watch(b *besieged) func(kafkatest.Request) bool {
	var offsets atomic.Bool
	return func(r kafkatest.Request) bool {
		switch kmsg.Key(r.Key) {
		case kmsg.TxnOffsetCommit:
			offsets.Store(true)
			if tr.taken.Load() == b {
				select {
				case tr.again <- struct{}{}:
				default:
				}
			}
		case kmsg.EndTxn:
			if !offsets.Load() || !tr.taken.CompareAndSwap(nil, b) {
				break
			}
			id := transactionOf(r)
			b.Kill()
			tr.sprung <- id
			<-tr.release
			return tr.how != never
		}
		return b.count(r)
	}
}

// transactionOf gives the id of a transaction that is to be committed.
func transactionOf(r kafkatest.Request) string {
	req, err := r.Decode()
	end, ok := req.(*kmsg.EndTxnRequest)
	if err != nil || !ok || !end.Commit {
		return fmt.Sprintf("%T %v", req, err)
	}
	return end.TransactionalID
}

// stands demands that a transaction is open and holds outputs and offsets.
func (s *siege) stands(id string) {
	tx, err := s.c.Admin(s.t).DescribeTransactions(s.t.Context(), id)
	require.NoError(s.t, err)
	is := tx[id]
	require.NoError(s.t, is.Err, id)
	require.Equal(s.t, "Ongoing", is.State, id)
	require.Contains(s.t, is.Topics, "__consumer_offsets", id)
	require.Contains(s.t, is.Topics, s.out, id)
}
