package pipeline

import "sync"

// Budget bounds the bytes that all mappings of a process hold together. A nil Budget
// bounds nothing. Safe for use by many goroutines.
type Budget struct {
	mu    sync.Mutex
	limit int64
	used  int64
	freed chan struct{} // closed while there is room
}

// NewBudget makes a budget of limit bytes.
func NewBudget(limit int64) *Budget {
	b := &Budget{limit: limit, freed: make(chan struct{})}
	close(b.freed)
	return b
}

func (b *Budget) add(n int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.used > b.limit
	b.used += n
	switch is := b.used > b.limit; {
	case is && !was:
		b.freed = make(chan struct{})
	case was && !is:
		close(b.freed)
	}
}

func (b *Budget) over() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used > b.limit
}

// room is closed while the budget has room; nil, which never is, without a budget.
func (b *Budget) room() <-chan struct{} {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.freed
}

// active is what the lanes hold, without what stands: partitions that are paused because
// they fail and, where a partition has several lanes, those that fail. The span bounds
// what such a lane holds, and the others of its partition go on. Several functions that
// fail may hold the same records: what is left out is no more than what there is.
func (p *Pipeline) active() int64 {
	n := p.held
	for _, t := range p.parts {
		switch {
		case t.paused && t.standing():
			n -= t.held
		case t.several():
			n -= min(t.held, t.stuck())
		}
	}
	return n
}

// stuck is what the lanes that fail hold.
func (t *partition) stuck() int64 {
	var n int64
	for l := range t.lanes() {
		if !l.since.IsZero() {
			n += l.held
		}
	}
	return n
}

// budget is what the mapping may hold: as much for each function, as if each had a mapping
// of its own.
func (p *Pipeline) budget() int64 { return p.cfg.Budget * int64(max(1, len(p.consumers))) }

func (p *Pipeline) pause(t *partition) {
	if !t.paused {
		t.paused = true
		p.paused++
		p.fetch.Pause(t.id)
	}
}

func (p *Pipeline) resume(t *partition) {
	if t.paused {
		t.paused = false
		p.paused--
		p.fetch.Resume(t.id)
	}
}

// admit opens or closes the door for polls. A mapping that holds nothing may always
// poll: the process's budget may be used up by others, but nobody starves. Neither do
// the lanes beside one that fails: once the budget is used up, what such a lane holds
// stops counting, and it gets no more until it has got on.
func (p *Pipeline) admit() {
	if p.held > p.budget() {
		for _, t := range p.parts {
			if t.held > pauseOver && (!t.several() || t.span.full) && t.standing() {
				p.pause(t)
			}
		}
	}
	active := p.active()
	over, holds := active > p.budget(), active > 0
	opened := p.over.Swap(over) && !over
	if p.holds.Swap(holds) && !holds || opened {
		select {
		case p.ready <- struct{}{}:
		default:
		}
	}
}
