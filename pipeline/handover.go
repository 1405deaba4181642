package pipeline

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"gantry/mapping"
	"gantry/pipeline/batch"
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

// Assigned implements poll.Receiver: it opens the lanes of each partition, a new epoch
// even where one of the same name is still there.
func (p *Pipeline) Assigned(begin map[record.Partition]record.Offset) {
	p.do(func() {
		member := p.commit.Member().ID
		for _, id := range slices.SortedFunc(maps.Keys(begin), byName) {
			p.remove(p.byID[id])
			p.byID[id] = newPartition(id, begin[id], p.cfg.Span)
			p.staff(p.byID[id])
			p.byID[id].member = member
			p.parts = append(p.parts, p.byID[id])
		}
		p.reorder()
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
	t := p.byID[c.Partition]
	if t == nil || t.closed || t.loss != nil {
		return
	}
	if t.settled() {
		t.moved = now
	}
	switch r := t.readers[0]; {
	case t.fan:
		p.pushFan(t, c, now)
	case len(r.lanes) == 1 && r.waiting.Len() == 0:
		r.lanes[0].queue.Push(c.Records, now)
		r.lanes[0].held += int64(c.Bytes)
	default:
		r.waiting.Push(c.Records, now)
	}
	t.tail = c.Tail
	p.account(t, int64(c.Bytes))
	p.counts.polled(c)
	// A partition that stands must not fill the budget the others live on. One of several
	// lanes is left to the bound of its span: the other lanes go on.
	if t.held > pauseOver && now.Sub(t.moved) > stuckAfter && (!t.several() || t.span.full) {
		p.pause(t)
	}
}

// When a partition that stands is paused and resumed. The distance between the two keeps it
// from flapping: what a pause strips is fetched again.
const (
	pauseOver   = 2 << 20
	resumeBelow = 1 << 20
	stuckAfter  = 2 * time.Second
)

// SourceLoss implements poll.Receiver: the lanes finish what they have and stop.
func (p *Pipeline) SourceLoss(loss mapping.Loss) {
	p.cfg.Log.Error("records were lost at the source before they were read",
		"mapping", p.set.Mapping.UUID, "topic", loss.Topic, "partition", loss.Partition,
		"first_offset", loss.First, "last_offset", loss.Last, "count", loss.Count, "reason", loss.Reason)
	p.do(func() {
		id := record.Partition{Topic: loss.Topic, Index: loss.Partition}
		if t := p.byID[id]; t != nil {
			if loss.Resume < t.tail.At { // cut behind us: what waits does not exist any more
				p.dropWaiting(t, &loss)
			}
			t.loss = &loss
		}
		p.status.lost(loss)
	})
}

// dropWaiting takes what lies behind a cut out of the queues: what of it is not read again
// is lost as well.
func (p *Pipeline) dropWaiting(t *partition, loss *mapping.Loss) {
	gone := func(r *record.Record) bool { return r.Offset >= loss.Resume }
	found := false
	remove := func(q *batch.Queue) int64 {
		records := q.Remove(gone)
		if len(records) > 0 {
			found = true
			loss.First = min(loss.First, records[0].Offset)
		}
		n := weight(records)
		if !t.fan {
			p.account(t, -n)
		}
		return n
	}
	for l := range t.lanes() {
		l.held -= remove(&l.queue)
	}
	for _, r := range t.readers {
		remove(&r.waiting)
	}
	remove(&t.waiting)
	if found {
		loss.Last = max(loss.Last, t.tail.At-1)
		loss.Count = loss.Last - loss.First + 1
	}
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

// Unreached shows that brokers can't be reached, nil that they can. Polls of the others
// don't end it.
func (p *Pipeline) Unreached(err error) { p.do(func() { p.status.unreached = err }) }

// NotConnected counts an attempt to connect that failed.
func (p *Pipeline) NotConnected(err error) {
	p.counts.PollErrors.Add(1)
	p.failed(err)
}

// drain is a set of partitions on their way out; gone is closed when nothing of them is
// in flight and, unless they are lost, everything settled is committed.
type drain struct {
	parts []*partition
	gone  chan struct{}
}

func (p *Pipeline) through(d *drain) bool {
	for _, t := range d.parts {
		if t.flying() || t.gap > 0 || (!t.orphan && p.upTo(t).At > t.committed.At) {
			return false
		}
	}
	return true
}

// drained tells those who wait for lanes that are through.
func (p *Pipeline) drained() {
	rest := p.drains[:0]
	for _, d := range p.drains {
		if p.through(d) {
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
	p.do(func() { deadline = p.timeout() + 30*time.Second })
	d := p.close(ids, false)
	if !p.await(d, deadline) {
		p.do(func() { cutLanes(d.parts) })
		p.await(d, graceAfterCut)
	}
	p.forget(d)
}

// Lost implements poll.Receiver: somebody else may have the partitions already, so
// everything is cut at once and nothing is committed.
func (p *Pipeline) Lost(ids []record.Partition) {
	d := p.close(ids, true)
	p.do(func() { cutLanes(d.parts) })
	p.await(d, graceAfterCut)
	p.forget(d)
}

func (p *Pipeline) close(ids []record.Partition, orphan bool) *drain {
	d := &drain{gone: make(chan struct{})}
	p.do(func() {
		member := p.commit.Member().ID
		for _, id := range ids {
			if t := p.byID[id]; t != nil {
				t.closed, t.orphan, t.closing = true, orphan || t.member != member, time.Now().Add(closingTime)
				d.parts = append(d.parts, t)
			}
		}
		p.drains = append(p.drains, d)
	})
	return d
}

func cutLanes(parts []*partition) {
	for _, t := range parts {
		t.closing, t.gap = time.Time{}, 0
		for l := range t.lanes() {
			l.cut(ErrCut)
		}
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
		for _, t := range d.parts {
			if p.byID[t.id] == t {
				p.remove(t)
			}
		}
		p.reorder()
	})
}

// remove takes a partition out of the table; its lanes leave with the next reorder. What
// is in flight for it lands on nothing.
func (p *Pipeline) remove(t *partition) {
	if t == nil {
		return
	}
	for l := range t.lanes() {
		l.cut(ErrCut)
		l.flight, l.mine = nil, nil
	}
	p.account(t, -t.held)
	p.forgetAnswers(t.id)
	p.resume(t) // or it would come back paused
	if t.loss != nil {
		p.fetch.Resume(t.id) // the poller paused it: a later assignment finds the loss anew
	}
	delete(p.byID, t.id)
	p.parts = slices.DeleteFunc(p.parts, func(other *partition) bool { return other == t })
	p.status.removed(t.id)
}
