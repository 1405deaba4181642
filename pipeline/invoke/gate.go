// Package invoke carries a batch to a function: the gate that bounds how many
// invocations run at once, and the call itself with the one encoding of the event.
package invoke

import "sync"

// Gate bounds the invocations of one function in this process: its reserved
// concurrency, or what its target can take. Several mappings and the Invoke API share
// it. Safe for use by many goroutines.
type Gate struct {
	mu      sync.Mutex
	limit   int // < 0: no limit
	busy    int
	waiting map[chan<- struct{}]struct{}
}

// NewGate makes a gate for limit invocations at once; a negative limit is none.
func NewGate(limit int) *Gate {
	return &Gate{limit: limit, waiting: map[chan<- struct{}]struct{}{}}
}

// SetLimit changes the limit. What runs already is left alone.
func (g *Gate) SetLimit(limit int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limit = limit
	g.wake()
}

// TryEnter takes a place, or arranges that wake is sent to once when one may be free.
// A full wake channel is left as it is: its owner looks again anyway.
func (g *Gate) TryEnter(wake chan<- struct{}) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limit >= 0 && g.busy >= g.limit {
		if wake != nil {
			g.waiting[wake] = struct{}{}
		}
		return false
	}
	g.busy++
	return true
}

// Leave gives the place back.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy--
	g.wake()
}

// Busy counts the invocations running now.
func (g *Gate) Busy() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.busy
}

// Limit is the largest number of invocations at once; -1 = none.
func (g *Gate) Limit() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limit
}

// wake tells everyone who was refused; they race for the place, and the losers wait again.
func (g *Gate) wake() {
	for ch := range g.waiting {
		select {
		case ch <- struct{}{}:
		default:
		}
		delete(g.waiting, ch)
	}
}
