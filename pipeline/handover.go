package pipeline

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"gantry/mapping"
	"gantry/pipeline/poll"
	"gantry/record"
)

// Ready implements poll.Receiver: it waits while the budget is used up. Not polling is
// the first brake; heartbeats go on without it.
func (p *Pipeline) Ready(ctx context.Context) error {
	for {
		var room <-chan struct{}
		switch {
		case p.over.Load():
		case p.holds.Load() && p.cfg.Total.over():
			room = p.cfg.Total.room()
		default:
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.done:
			return context.Canceled
		case <-p.ready:
		case <-room:
		}
	}
}

// Assigned implements poll.Receiver: it opens a lane for each partition, a new epoch
// even where one of the same name is still there.
func (p *Pipeline) Assigned(begin map[record.Partition]record.Offset) {
	p.do(func() {
		for _, id := range slices.SortedFunc(maps.Keys(begin), byName) {
			at := begin[id]
			p.remove(p.lanes[id])
			l := &lane{
				key: record.Lane{Topic: id.Topic, Partition: id.Index}, at: len(p.order),
				tail: at, committed: at, moved: time.Now(),
			}
			p.lanes[id] = l
			p.order = append(p.order, l)
		}
		p.status.assigned()
	})
}

// byName orders partitions as people do, so that lanes stand in the same order each time.
func byName(a, b record.Partition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Index, b.Index))
}

// Records implements poll.Receiver.
func (p *Pipeline) Records(chunks []poll.Chunk) {
	p.do(func() {
		now := time.Now()
		for i := range chunks {
			p.push(&chunks[i], now)
		}
		p.status.polled()
	})
}

func (p *Pipeline) push(c *poll.Chunk, now time.Time) {
	l := p.lanes[c.Partition]
	if l == nil || l.closed || l.loss != nil {
		return
	}
	if l.settled() {
		l.moved = now
	}
	l.queue.Push(c.Records, now)
	l.tail = c.Tail
	p.account(l, int64(c.Bytes))
	p.counts.polled(c)
	// A lane that stands must not fill the budget the others live on.
	if l.held > pauseOver && now.Sub(l.moved) > stuckAfter {
		p.pause(l)
	}
}

// When a lane that stands is paused and resumed. The distance between the two keeps it
// from flapping: what a pause strips is fetched again.
const (
	pauseOver   = 2 << 20
	resumeBelow = 1 << 20
	stuckAfter  = 2 * time.Second
)

// SourceLoss implements poll.Receiver: the lane finishes what it has and stops.
func (p *Pipeline) SourceLoss(loss mapping.Loss) {
	p.cfg.Log.Error("records were lost at the source before they were read",
		"mapping", p.set.Mapping.UUID, "topic", loss.Topic, "partition", loss.Partition,
		"first_offset", loss.First, "last_offset", loss.Last, "count", loss.Count, "reason", loss.Reason)
	p.do(func() {
		id := record.Partition{Topic: loss.Topic, Index: loss.Partition}
		l := p.lanes[id]
		if l != nil {
			if loss.Resume < l.tail.At { // cut behind us: what waits does not exist any more
				p.dropWaiting(l, &loss)
			}
			l.loss = &loss
		}
		p.status.lost(loss)
	})
}

// dropWaiting empties a lane's queue: what of it is not read again is lost as well.
func (p *Pipeline) dropWaiting(l *lane, loss *mapping.Loss) {
	if l.queue.Len() == 0 {
		return
	}
	loss.First = min(loss.First, max(l.queue.Head().Offset, loss.Resume))
	loss.Last = max(loss.Last, l.tail.At-1)
	loss.Count = loss.Last - loss.First + 1
	p.account(l, -p.waiting(l))
	l.queue.Clear()
}

// waiting is the weight of a lane's queue.
func (p *Pipeline) waiting(l *lane) int64 {
	n := l.held
	if l.mine != nil {
		n -= weight(l.mine.Records)
	}
	for _, w := range l.left {
		n -= weight(w.Records)
	}
	return n
}

// failed passes a failing poll or commit on to who hears of them.
func (p *Pipeline) failed(err error) {
	if p.cfg.Failed != nil {
		p.cfg.Failed(err)
	}
}

// Trouble implements poll.Receiver.
func (p *Pipeline) Trouble(err error) {
	if err != nil {
		p.counts.PollErrors.Add(1)
		p.failed(err)
	}
	p.do(func() { p.status.trouble(err) })
}

// drain is a set of lanes on their way out; gone is closed when nothing of them is in
// flight and, unless they are lost, everything settled is committed.
type drain struct {
	lanes []*lane
	gone  chan struct{}
}

func (d *drain) over() bool {
	for _, l := range d.lanes {
		if l.flight != nil || (!l.orphan && l.resume().At > l.committed.At) {
			return false
		}
	}
	return true
}

// drained tells those who wait for lanes that are through.
func (p *Pipeline) drained() {
	rest := p.drains[:0]
	for _, d := range p.drains {
		if d.over() {
			close(d.gone)
		} else {
			rest = append(rest, d)
		}
	}
	p.drains = rest
}

// graceAfterCut is how long a cut invocation has to end, and a commit to be answered.
const graceAfterCut = 10 * time.Second

// Revoked implements poll.Receiver: lanes close, what is in flight ends within the
// drain deadline or is cut, settled offsets are committed; then the lanes are gone.
func (p *Pipeline) Revoked(ids []record.Partition) {
	var deadline time.Duration
	p.do(func() { deadline = p.set.Timeout + 30*time.Second })
	d := p.close(ids, false)
	if !p.await(d, deadline) {
		p.do(func() { p.cutLanes(d.lanes) })
		p.await(d, graceAfterCut)
	}
	p.forget(d)
}

// Lost implements poll.Receiver: somebody else may have the partitions already, so
// everything is cut at once and nothing is committed.
func (p *Pipeline) Lost(ids []record.Partition) {
	d := p.close(ids, true)
	p.do(func() { p.cutLanes(d.lanes) })
	p.await(d, graceAfterCut)
	p.forget(d)
}

func (p *Pipeline) close(ids []record.Partition, orphan bool) *drain {
	d := &drain{gone: make(chan struct{})}
	p.do(func() {
		for _, id := range ids {
			if l := p.lanes[id]; l != nil {
				l.closed, l.orphan = true, orphan
				d.lanes = append(d.lanes, l)
			}
		}
		p.drains = append(p.drains, d)
	})
	return d
}

func (p *Pipeline) cutLanes(lanes []*lane) {
	for _, l := range lanes {
		l.cut(ErrCut)
	}
}

func (p *Pipeline) await(d *drain, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-d.gone:
		return true
	case <-p.done:
		return true
	case <-timer.C:
		return false
	}
}

func (p *Pipeline) forget(d *drain) {
	p.do(func() {
		for _, l := range d.lanes {
			if p.lanes[l.key.Of()] == l {
				p.remove(l)
			}
		}
	})
}

// remove takes a lane out of the table. What is in flight for it lands on nothing.
func (p *Pipeline) remove(l *lane) {
	if l == nil {
		return
	}
	l.cut(ErrCut)
	l.flight, l.mine = nil, nil
	p.account(l, -l.held)
	p.resume(l) // or it would come back paused
	if l.loss != nil {
		p.fetch.Resume(l.key.Of()) // the poller paused it: a later assignment finds the loss anew
	}
	delete(p.lanes, l.key.Of())
	p.order = append(p.order[:l.at], p.order[l.at+1:]...)
	for i, other := range p.order {
		other.at = i
	}
	p.next = 0
	p.status.removed(l.key.Of())
}
