package async

import (
	"cmp"
	"container/heap"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// entry is an event that waits, without its payload: that stays in the store.
type entry struct {
	sequence int64
	accepted time.Time
	due      time.Time
	size     int64
	pauses   int // attempts in a row that did not reach what they should
}

// backlog is what waits for one function. The dispatcher's lock guards it.
type backlog struct {
	name    string
	waiting byDue
	events  int // those under way and being written as well
	busy    int
	width   int // attempts at once
	problem string
	counts  Counts
}

// Counts are AWS's metrics of asynchronous invocations, since gantry began.
type Counts struct {
	Received int64 // accepted
	Dropped  int64 // given up without success, whether or not a destination has them
	Unsent   int64 // attempts to reach a destination that failed
}

// Stats is the backlog of a function as metrics and screens see it.
type Stats struct {
	Function string
	Waiting  int       // those under way as well
	Oldest   time.Time // when the oldest of them was accepted; zero = none waits
	Problem  string    // why the last attempt did not reach the function or its destination; "" = it did
	Counts   Counts
}

// Stats lists the backlogs, by function.
func (d *Dispatcher) Stats() []Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]Stats, 0, len(d.backlogs))
	for _, name := range slices.Sorted(maps.Keys(d.backlogs)) {
		b := d.backlogs[name]
		s := Stats{Function: name, Waiting: b.events, Problem: b.problem, Counts: b.counts}
		for _, e := range b.waiting {
			if s.Oldest.IsZero() || e.accepted.Before(s.Oldest) {
				s.Oldest = e.accepted
			}
		}
		out = append(out, s)
	}
	return out
}

func (b *backlog) add(e *entry) { heap.Push(&b.waiting, e) }

func (b *backlog) take() *entry { return heap.Pop(&b.waiting).(*entry) }

// byDue is a heap: what is due first comes first, of those the one accepted first.
type byDue []*entry

// Len implements heap.Interface.
func (q byDue) Len() int { return len(q) }

// Less implements heap.Interface.
func (q byDue) Less(i, j int) bool {
	return cmp.Or(q[i].due.Compare(q[j].due), cmp.Compare(q[i].sequence, q[j].sequence)) < 0
}

// Swap implements heap.Interface.
func (q byDue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *byDue) Push(e any) { *q = append(*q, e.(*entry)) }

// Pop implements heap.Interface.
func (q *byDue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	*q = (*q)[:last]
	return e
}

// loadRetry is the pause after a store that could not be read.
const loadRetry = time.Second

// load finds what an earlier run left; false when ctx ended before.
func (d *Dispatcher) load(ctx context.Context) bool {
	for {
		err := d.loadAll(ctx)
		if err == nil {
			close(d.loaded)
			return true
		}
		if ctx.Err() == nil {
			d.cfg.Log.Error("the asynchronous events could not be read, it is tried again", "event", "async.not_read", "error", err)
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(loadRetry):
		}
	}
}

func (d *Dispatcher) loadAll(ctx context.Context) error {
	names, err := d.cfg.Queue.Queues(ctx)
	if err != nil {
		return err
	}
	found := map[string]*backlog{}
	var bytes int64
	for _, name := range names {
		b := &backlog{name: name, width: 1}
		for from := int64(1); ; {
			items, err := d.cfg.Queue.Items(ctx, name, from, 1) // one at a time: they may be large
			if err != nil {
				return err
			}
			if len(items) == 0 {
				break
			}
			from = items[0].Sequence + 1
			var ev Event
			if err := json.Unmarshal(items[0].Body, &ev); err != nil {
				return fmt.Errorf("event %d of function %s: %w", items[0].Sequence, name, err)
			}
			e := &entry{sequence: items[0].Sequence, accepted: ev.Accepted, due: ev.Accepted, size: int64(len(ev.Payload))}
			b.add(e)
			b.events++
			bytes += e.size
		}
		found[name] = b
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.backlogs, d.bytes = found, bytes
	if n := count(found); n > 0 {
		d.cfg.Log.Info("asynchronous events were left by an earlier run, they are invoked now", "event", "async.taken_up", "count", n)
	}
	return nil
}

func count(backlogs map[string]*backlog) (n int) {
	for _, b := range backlogs {
		n += b.events
	}
	return n
}
