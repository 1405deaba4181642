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

// admit opens or closes the door for polls. A mapping that holds nothing may always
// poll: the process's budget may be used up by others, but nobody starves.
func (p *Pipeline) admit() {
	over, holds := p.held > p.cfg.Budget, p.held > 0
	opened := p.over.Swap(over) && !over
	if p.holds.Swap(holds) && !holds || opened {
		select {
		case p.ready <- struct{}{}:
		default:
		}
	}
}
