package pipeline

import (
	"cmp"
	"math"
	"slices"
	"time"

	"gantry/pipeline/poll"
	"gantry/record"
)

// With several functions a partition is a fan: what is polled is spread out to a reader for
// each function, as far as the uncommitted span has room. A record is held once and stands
// in the queue of every function that wants it; it is resolved when none of them has it any
// more, because what is committed is the lowest of what all readers have left.

// spread gives the records that wait to the functions that want them.
func (p *Pipeline) spread(t *partition) {
	for !t.closed {
		records, arrived := t.span.next(&t.waiting, dealtAtOnce)
		if len(records) == 0 {
			break
		}
		for _, r := range t.readers {
			if mine := r.chosen(records); len(mine) > 0 {
				r.push(mine, arrived)
			}
		}
	}
	if len(t.readers) == 1 && t.settled() {
		p.account(t, -t.held)
		t.fan, t.kept = false, span{}
		if !t.several() {
			t.span = span{most: t.span.most}
		}
	}
}

// wants notes which functions want a record that was polled when others were there, or with
// other filters.
func (p *Pipeline) wants(r *record.Record) {
	r.Wants = 0
	if p.set.Keep == nil || p.set.Keep.Keep(r) && r.Wants == 0 {
		r.Wants = math.MaxUint32 // there is one function
	}
}

// hire makes the functions at work those of the settings. A function that stays keeps what
// it has in hand; where there is one and there was one, it takes over what the other had.
func (p *Pipeline) hire() {
	was := p.consumers
	p.consumers = make([]*consumer, len(p.set.Consumers))
	for i, c := range p.set.Consumers {
		at := slices.IndexFunc(was, func(o *consumer) bool { return o.Name == c.Name })
		if len(was) == 1 && len(p.set.Consumers) == 1 {
			at = 0
		}
		if at < 0 {
			p.consumers[i] = newConsumer(c)
		} else {
			p.consumers[i] = was[at]
			p.consumers[i].Consumer = c
		}
		p.consumers[i].bit = 1 << i
	}
	for _, t := range p.parts {
		if !t.closed {
			p.refit(t)
		}
	}
	p.reorder()
}

// staff gives a new partition its readers.
func (p *Pipeline) staff(t *partition) {
	for _, c := range p.consumers {
		t.readers = append(t.readers, p.reader(t, c))
	}
	t.fan = len(t.readers) > 1
}

func (p *Pipeline) reader(t *partition, c *consumer) *reader {
	r := &reader{of: t, by: c}
	r.open(p.set.Mapping.Lanes.InForce())
	return r
}

// refit gives a partition the readers of the functions as they are now. A function that is
// new begins with every record that somebody has not resolved yet and that its filters keep.
// What only a function had that is not there any more is resolved by that.
func (p *Pipeline) refit(t *partition) {
	for r := range t.waiting.All() {
		p.wants(r)
	}
	if slices.EqualFunc(t.readers, p.consumers, func(r *reader, c *consumer) bool { return r.by == c }) {
		return
	}
	open := t.unresolved()
	t.becomeFan(open)
	was := t.readers
	t.readers = nil
	for _, c := range p.consumers {
		if at := slices.IndexFunc(was, func(r *reader) bool { return r.by == c }); at >= 0 {
			t.readers = append(t.readers, was[at])
			was = slices.Delete(slices.Clone(was), at, at+1)
			continue
		}
		r := p.reader(t, c)
		t.readers = append(t.readers, r)
		if mine := r.chosen(p.asked(open)); len(mine) > 0 {
			r.push(mine, time.Now())
		}
	}
	for _, r := range was {
		p.dismiss(r)
	}
}

// asked gives copies of records that say which functions want them.
func (p *Pipeline) asked(records []record.Record) []record.Record {
	out := slices.Clone(records)
	for i := range out {
		p.wants(&out[i])
	}
	return out
}

// becomeFan begins to keep account of what several functions hold together.
func (t *partition) becomeFan(open []record.Record) {
	if t.fan {
		return
	}
	t.fan = true
	t.kept, t.span = span{}, span{most: t.span.most}
	if len(open) > 0 {
		first, last := open[0].Offset, open[len(open)-1].Offset
		t.kept.deal(first, last, int64(len(open)), weight(open))
		t.span.deal(first, last, int64(len(open)), weight(open))
	}
}

// unresolved gives what any function has not resolved of the records that were given to it,
// in order of offset.
func (t *partition) unresolved() []record.Record {
	var all []record.Record
	for _, r := range t.readers {
		all = append(all, r.unresolved()...)
	}
	slices.SortFunc(all, byOffset)
	return slices.CompactFunc(all, func(a, b record.Record) bool { return a.Offset == b.Offset })
}

// unresolved gives what the function has not resolved, in order of offset.
func (r *reader) unresolved() []record.Record {
	var all []record.Record
	for _, l := range r.lanes {
		for rec := range l.all() {
			all = append(all, *rec)
		}
	}
	for rec := range r.waiting.All() {
		all = append(all, *rec)
	}
	slices.SortFunc(all, byOffset)
	return all
}

func byOffset(a, b record.Record) int { return cmp.Compare(a.Offset, b.Offset) }

// dismiss takes the lanes of a function out that the mapping has no more. An invocation under
// way ends by itself, and nobody waits for what it comes to.
func (p *Pipeline) dismiss(r *reader) {
	if left := r.unresolved(); len(left) > 0 {
		p.cfg.Log.Warn("a function was taken out of the mapping with records in hand", "mapping", p.set.Mapping.UUID,
			"function", r.by.Name, "partition", r.of.id.String(), "offsets", runs(left), "count", len(left))
	}
	for _, l := range r.lanes {
		l.flight, l.mine = nil, nil
	}
}

// keep keeps account of what a fan holds: what was polled from its first unresolved record on.
func (t *partition) keep(records []record.Record) {
	for len(records) > 0 {
		run := records[:min(dealtAtOnce, len(records))]
		t.kept.deal(run[0].Offset, run[len(run)-1].Offset, int64(len(run)), weight(run))
		records = records[len(run):]
	}
}

// recount notes what fans hold now. It runs when everything has happened that happens in a
// round, so no record's readers are counted.
func (p *Pipeline) recount() {
	for _, t := range p.parts {
		if !t.fan {
			continue
		}
		first := int64(math.MaxInt64)
		if r := t.head(); r != nil {
			first = r.Offset
		}
		t.kept.commit(first)
		p.account(t, t.kept.bytes()-t.held)
		if t.held < resumeBelow {
			p.resume(t)
		}
	}
}

// pushFan takes a chunk of a fan.
func (p *Pipeline) pushFan(t *partition, c *poll.Chunk, now time.Time) {
	if c.By != p.set.Keep || len(p.consumers) == 1 {
		for i := range c.Records {
			p.wants(&c.Records[i])
		}
	}
	t.keep(c.Records)
	t.waiting.Push(c.Records, now)
}
