package pipeline

import (
	"context"
	"time"

	"gantry/function"
	"gantry/pipeline/batch"
	"gantry/pipeline/settle"
	"gantry/record"
)

// schedule starts everything that can start now and says when to look for what can start
// later. What a failure left goes first, alone and lane by lane; then lanes that fill a
// batch by themselves; then what the others have, together, when the window closes. A
// lane that waits for a commit that fails starts nothing; neither does one whose partition
// is taken away, except to close gaps.
func (p *Pipeline) schedule() (look time.Time) {
	now := time.Now()
	p.again = false
	look = now.Add(time.Hour)
	for _, t := range p.parts {
		if t.closed {
			if t.findGap(now); t.gap > 0 {
				look = earlier(look, t.closing)
			}
		}
	}
	for _, c := range p.consumers {
		look = earlier(look, p.turn(c, now))
	}
	if p.again {
		look = now
	}
	return look
}

// turn starts everything that can start for one function and says when to look again.
func (p *Pipeline) turn(c *consumer, now time.Time) (look time.Time) {
	c.refused = false
	look = now.Add(time.Hour)
	first := c.next
	var open []int
	for i := range c.order {
		at := (first + i) % len(c.order)
		l := c.order[at]
		switch {
		case l.of.gap > 0:
			p.closeGap(l, now)
		case !l.idle() || p.holdsBack(l.of):
		case len(l.left) > 0 && l.wait.After(now):
			look = earlier(look, l.wait)
		case len(l.left) > 0:
			p.retry(l, now)
		case l.queue.Len() > 0 && p.alone(l, now):
			open = append(open, at)
		}
	}
	if due, waiting := p.gather(c, open, now); waiting {
		look = earlier(look, due)
	}
	return look
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (p *Pipeline) limits() batch.Limits {
	return batch.Limits{Size: p.set.Mapping.BatchSize, Payload: function.MaxPayload, Window: p.set.Mapping.BatchWindow()}
}

func (p *Pipeline) controls() settle.Controls {
	m := &p.set.Mapping
	return settle.Controls{Attempts: m.Attempts(), Age: m.RecordAge, Bisect: m.Bisect}
}

// retry starts the lane's next piece: a delivery, or an invocation of what is young
// enough. Without a place for another invocation the lane keeps its piece and its turn.
func (p *Pipeline) retry(l *lane, now time.Time) {
	w := l.left[0]
	if w.give == nil {
		if young, old := settle.Expired(w.Piece, p.controls(), now); len(old.Records) > 0 {
			p.expire(l, young, old)
			w = l.left[0]
		}
	}
	if w.give == nil && !p.enter(l) {
		return
	}
	l.left = l.left[1:]
	if w.give != nil {
		p.give(l, w)
		return
	}
	p.launch([]*lane{l}, []*work{w})
}

// expire replaces the lane's next piece by its old records, to be given up, and its
// young ones.
func (p *Pipeline) expire(l *lane, young, old settle.Piece) {
	rest := l.left[1:]
	last := l.left[0].last
	l.left = []*work{{Piece: old, give: &giving{why: settle.TooOld, last: last}}}
	if len(young.Records) > 0 {
		l.left = append(l.left, &work{Piece: young, last: last})
	}
	l.left = append(l.left, rest...)
}

// alone starts a batch of a lane that fills one by itself. It reports true when the
// lane has records that wait for company.
func (p *Pipeline) alone(l *lane, now time.Time) bool {
	n, full, oversize := batch.Alone(p.limits(), p.set.Sizer, l.key.Of(), &l.queue)
	switch {
	case oversize:
		// No event can carry the head of the queue: it is a piece to give up.
		w := &work{Piece: settle.Piece{Records: l.queue.Take(1)}, give: &giving{why: settle.PayloadExceeded}}
		l.left = append(l.left, w)
		p.retry(l, now)
	case p.hasOld(l, n, now):
		// Records over the age limit among the next n: retry sorts them out.
		l.left = append(l.left, &work{Piece: settle.Piece{Records: l.queue.Take(n)}})
		p.retry(l, now)
	case !full:
		return true
	case p.enter(l):
		p.launch([]*lane{l}, []*work{{Piece: settle.Piece{Records: l.queue.Take(n)}}})
	}
	return false
}

func (p *Pipeline) hasOld(l *lane, n int, now time.Time) bool {
	age := p.set.Mapping.RecordAge
	return age >= 0 && l.queue.Older(n, now.Add(-age).UnixMilli())
}

// together closes batches over the lanes that have a few records each: when the count
// or the payload is reached, or when the window of the oldest record is over. It gives
// the time at which the batch still open is due.
func (p *Pipeline) together(c *consumer, open []int, now time.Time) (due time.Time, waiting bool) {
	for len(open) > 0 {
		b := batch.NewOpen(p.limits(), p.set.Sizer)
		full, used := false, 0
		for _, at := range open {
			used++
			if full = b.Add(at, c.order[at].key.Of(), &c.order[at].queue); full {
				break
			}
		}
		if !full && b.Due().After(now) {
			return b.Due(), true
		}
		if !p.enter(c.order[open[0]]) {
			return time.Time{}, false
		}
		p.launchShares(c, b.Shares())
		if last := c.order[open[used-1]]; last.idle() {
			used-- // nothing of it fitted: it begins the next batch
		}
		open = open[used:]
	}
	return time.Time{}, false
}

// launchShares takes what an open batch has reserved and sends it off.
func (p *Pipeline) launchShares(c *consumer, shares []batch.Share) {
	lanes := make([]*lane, len(shares))
	pieces := make([]*work, len(shares))
	for i, s := range shares {
		lanes[i] = c.order[s.Index]
		pieces[i] = &work{Piece: settle.Piece{Records: lanes[i].queue.Take(s.Count)}}
	}
	p.launch(lanes, pieces)
}

// enter takes a place for one more invocation of the lane's function: below the mapping's
// own limit and through the function's gate. The first lane that is refused is first next
// time.
func (p *Pipeline) enter(l *lane) bool {
	c := l.by
	if c.flying < p.parallel(c) && c.Gate.TryEnter(p.wake) {
		c.flying++
		return true
	}
	if !c.refused {
		c.refused, c.next = true, l.at
	}
	return false
}

// parallel is the largest number of invocations of a function in flight: provisioned
// pollers × 5, or the process default for the target, shrunk while the target throttles.
func (p *Pipeline) parallel(c *consumer) int { return c.throttle.bound(p.most(c)) }

// most is that number while nothing throttles.
func (p *Pipeline) most(c *consumer) int {
	if n := p.set.Mapping.Concurrency(); n > 0 {
		return n
	}
	return c.Parallel
}

// launch invokes the pieces of the lanes, all of one function, as one batch. The caller has
// entered.
func (p *Pipeline) launch(lanes []*lane, pieces []*work) {
	ctx, cancel := context.WithCancelCause(context.Background())
	c := lanes[0].by
	f := &flight{lanes: lanes, by: c, cancel: cancel, began: time.Now()}
	b := &record.Batch{Parts: make([]record.Part, len(lanes))}
	for i, l := range lanes {
		l.flight, l.mine = f, pieces[i]
		b.Parts[i] = record.Part{Lane: l.key, Records: pieces[i].Records}
		l.of.taken = max(l.of.taken, b.Parts[i].Last().Offset+1)
	}
	name, caller, gate := c.Name, c.Caller, c.Gate
	n := b.Len()
	p.count(c, func(k *Counts) { k.invoked(n) })
	partial, stage, mapping := c.Partial, p.set.Output, p.set.Mapping.UUID
	go func() {
		out := caller.Call(ctx, b)
		gate.Leave()
		if out.Class == function.Unknown {
			unanswered(p.cfg.Log, mapping, b, out, ctx.Err() != nil, time.Since(f.began))
		}
		r := read(b, out, partial)
		if stage != nil && r.Class == function.Succeeded && r.failures.Count() < b.Len() {
			p.write(ctx, f, stage, &r)
		}
		cancel(nil)
		p.observe(name, b, r, f.began)
		p.post(func() { p.landed(f, r) })
	}()
}
