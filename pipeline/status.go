package pipeline

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"gantry/mapping"
	"gantry/pipeline/poll"
	"gantry/pipeline/settle"
	"gantry/record"
)

// Counts are AWS's metrics of an event source mapping (Developer Guide, monitoring-metrics-types), since the pipeline
// began. They may be read at any time.
type Counts struct {
	Polled         atomic.Int64
	FilteredOut    atomic.Int64
	Invoked        atomic.Int64
	FailedInvoke   atomic.Int64
	InvokeErrors   atomic.Int64 // batches
	Dropped        atomic.Int64
	Delivered      atomic.Int64 // OnFailureDestinationDeliveredEventCount
	DeliveryErrors atomic.Int64
	Deliveries     atomic.Int64 // attempts to deliver a piece
	DeliveryTime   atomic.Int64 // nanoseconds they took
	Committed      atomic.Int64
	CommitErrors   atomic.Int64
	PollErrors     atomic.Int64
	Invocations    atomic.Int64
	PolledBytes    atomic.Int64
	Written        atomic.Int64 // records of answers, acknowledged
	WrittenBytes   atomic.Int64
	WriteErrors    atomic.Int64 // attempts to write records of answers
	SchemaErrors   atomic.Int64 // of them, and of answers at fault, those that schemas or their registry failed
	Transactions   atomic.Int64 // committed
	Aborted        atomic.Int64 // transactions that failed; their answers are written again
	TransactionNS  atomic.Int64 // what the committed ones took
}

func (c *Counts) polled(chunk *poll.Chunk) {
	c.Polled.Add(int64(chunk.Polled))
	c.FilteredOut.Add(int64(chunk.Filtered))
	c.PolledBytes.Add(int64(chunk.Bytes))
}

func (c *Counts) invoked(n int) {
	c.Invoked.Add(int64(n))
	c.Invocations.Add(1)
}

func (c *Counts) failed(w settle.Piece, v settle.Verdict) {
	n := len(w.Records)
	if v.GiveUp != nil {
		n = len(v.GiveUp.Records)
	} else if len(v.Again) == 1 {
		n = len(v.Again[0].Records)
	}
	c.FailedInvoke.Add(int64(n))
	c.InvokeErrors.Add(1)
}

func (c *Counts) attempted(took time.Duration) {
	c.DeliveryTime.Add(int64(took))
	c.Deliveries.Add(1)
}

func (c *Counts) wrote(n int, bytes int64) {
	c.Written.Add(int64(n))
	c.WrittenBytes.Add(bytes)
}

func (c *Counts) dropped(n int) { c.Dropped.Add(int64(n)) }

func (c *Counts) delivered(ok, failed int) {
	c.Delivered.Add(int64(ok))
	if failed > 0 {
		c.DeliveryErrors.Add(1)
	}
}

// Counts gives the running totals.
func (p *Pipeline) Counts() *Counts { return &p.counts }

// board is what the mapping shows: AWS's LastProcessingResult, and what it means.
type board struct {
	polls       bool  // records came
	cause       error // the failing poll
	unreached   error // brokers that connections can't be made to
	uncommitted error // the failing commit
	joined      bool
	losses      map[record.Partition]mapping.Loss
}

func newBoard() board {
	return board{losses: map[record.Partition]mapping.Loss{}}
}

func (b *board) assigned() { b.joined, b.cause = true, nil }

func (b *board) polled() { b.cause, b.polls = nil, true }

func (b *board) trouble(err error) { b.cause = err }

func (b *board) lost(l mapping.Loss) {
	b.losses[record.Partition{Topic: l.Topic, Index: l.Partition}] = l
}

func (b *board) removed(id record.Partition) { delete(b.losses, id) }

// Snapshot is what a pipeline looks like at one moment.
type Snapshot struct {
	Joined bool   // the group has assigned partitions (or none, but it has us)
	Result string // LastProcessingResult, the poll's trouble left out
	Detail string
	Cause  error // why polls or commits fail, nil while they do not
	Losses []mapping.Loss
	Lanes  []LaneSnapshot // by partition
	Flying int
	Held   int64

	Functions []FunctionSnapshot // in their order
}

// Snapshot asks the loop; it waits until the loop runs, and works after it ended.
func (p *Pipeline) Snapshot() Snapshot {
	var s Snapshot
	look := func() {
		s = Snapshot{
			Joined: p.status.joined, Cause: cmp.Or(p.status.cause, p.status.unreached, p.status.uncommitted),
			Flying: p.flying(), Held: p.held,
		}
		s.Result, s.Detail = p.result()
		for _, c := range p.consumers {
			s.Functions = append(s.Functions, c.snapshot())
		}
		for _, loss := range p.status.losses {
			s.Losses = append(s.Losses, loss)
		}
		want := p.set.Mapping.Lanes.InForce()
		for _, t := range p.parts {
			s.Lanes = append(s.Lanes, t.snapshot())
			s.Lanes[len(s.Lanes)-1].Changing = slices.ContainsFunc(t.readers, func(r *reader) bool { return r.shape != want })
		}
	}
	p.do(look)
	select {
	case <-p.done:
		look()
	default:
	}
	return s
}
