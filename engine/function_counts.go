package engine

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"gantry/function"
)

// FunctionCounts are AWS's metrics of a function (Developer Guide,
// monitoring-metrics-types), by whomever it is invoked: mappings and the Invoke API. They
// outlive a replacement of the function. They may be read at any time.
type FunctionCounts struct {
	Invocations atomic.Int64 // its code ran, or may have run
	Errors      atomic.Int64 // and failed, or gave no answer
	Throttles   atomic.Int64 // refused for a concurrency or rate limit
	Unreached   atomic.Int64 // did not run for another reason: no connection, wrong configuration, too large
	Nanos       atomic.Int64 // spent in Invocations

	buckets [len(durationBounds)]atomic.Int64
}

// durationBounds are the upper bounds of the histogram of durations, in seconds.
var durationBounds = [...]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900}

func (c *FunctionCounts) note(out function.Outcome) {
	switch out.Class {
	case function.Succeeded:
	case function.Failed, function.Unknown:
		c.Errors.Add(1)
	default:
		if out.Throttled {
			c.Throttles.Add(1)
		} else {
			c.Unreached.Add(1)
		}
		return
	}
	c.Invocations.Add(1)
	c.Nanos.Add(int64(out.Elapsed))
	for i, bound := range durationBounds {
		if out.Elapsed.Seconds() <= bound {
			c.buckets[i].Add(1)
			break
		}
	}
}

// Durations gives the histogram of durations: how many invocations took at most so many
// seconds, and the sum.
func (c *FunctionCounts) Durations() (atMost map[float64]uint64, sum time.Duration) {
	atMost = make(map[float64]uint64, len(durationBounds))
	var total uint64
	for i, bound := range durationBounds {
		total += uint64(c.buckets[i].Load())
		atMost[bound] = total
	}
	return atMost, time.Duration(c.Nanos.Load())
}

// FunctionUse is what this process does with a function.
type FunctionUse struct {
	Name   string
	Kind   function.Kind
	Counts *FunctionCounts
	Busy   int                 // invocations running now
	Limit  int                 // reserved concurrency; -1 = none
	Pool   *function.PoolStats // nil for a function that is no process here
}

// pooled is a target with processes of its own.
type pooled interface{ Stats() function.PoolStats }

// Functions lists the functions that were used here.
func (e *Engine) Functions() []FunctionUse { return e.functions.uses() }

// Function gives the use of one function; false where it was not used here.
func (e *Engine) Function(name string) (FunctionUse, bool) {
	for _, u := range e.functions.uses() {
		if u.Name == name {
			return u, true
		}
	}
	return FunctionUse{}, false
}

func (f *functions) uses() []FunctionUse {
	f.mu.Lock()
	lives := make([]*live, 0, len(f.live))
	for _, l := range f.live {
		lives = append(lives, l)
	}
	f.mu.Unlock()
	slices.SortFunc(lives, func(a, b *live) int { return strings.Compare(a.fn.Name, b.fn.Name) })
	out := make([]FunctionUse, 0, len(lives))
	for _, l := range lives {
		if n := len(out); n > 0 && out[n-1].Name == l.fn.Name { // in other surroundings
			out[n-1].Pool = poolOf(l).Plus(out[n-1].Pool)
			continue
		}
		u := FunctionUse{Name: l.fn.Name, Kind: l.fn.Kind, Counts: l.counts, Busy: l.gate.Busy(), Limit: l.gate.Limit()}
		u.Pool = poolOf(l)
		out = append(out, u)
	}
	return out
}

func poolOf(l *live) *function.PoolStats {
	p, ok := l.prepared().(pooled)
	if !ok {
		return nil
	}
	stats := p.Stats()
	return &stats
}
