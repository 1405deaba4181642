package rig

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"sort"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/mapping"
)

// Fate is what became of a record.
type Fate string

// The fates. A record without one is unresolved.
const (
	Unresolved Fate = ""
	Succeeded  Fate = "succeeded"
	Filtered   Fate = "filtered"
	Delivered  Fate = "delivered" // to the destination
	GivenUp    Fate = "given up"  // by the owner's choice
	Before     Fate = "before"    // produced before its function was there
)

// Entry is one produced record as the witness knows it.
type Entry struct {
	Offset    int64
	Timestamp int64
	Key       []byte
	Value     []byte
	Handed    int // events it was in
	Successes int // answers that settled it
	Fate      Fate
	Lettered  bool // a destination took its letter, at whatever time
	Dropped   bool // it was given up, at whatever time
}

// Witness keeps the account of a topic. Safe for use by many goroutines.
type Witness struct {
	// Keep says which records the filters let through; nil keeps all. Set before Produce.
	Keep func(*kgo.Record) bool
	// Partial says that functions choose which records of a batch fail: then later ones
	// may succeed before earlier ones.
	Partial bool
	// Span bounds how many records behind the committed offset may be handed over where
	// partitions have several lanes; 0 = not looked at. Set before Start.
	Span int

	outputs *outputs // nil where answers are not looked at
	name    string   // of its function, for faults; "" = the rig's own

	mu     sync.Mutex
	order  mapping.Order      // the weakest that any process has kept
	atWork map[string]int     // process, partition and key → events under way
	parts  map[int32][]*Entry // in order of offset
	passed map[int32]int64    // the highest commit
	faults []string
	wrote  chan struct{} // closed when what is being produced is noted
	early  []early       // endings of records that are not noted yet
}

// early is the ending of records that their producer has not heard of yet.
type early struct {
	partition int32
	offsets   string // runs
	fate      Fate
}

func newWitness() *Witness {
	return &Witness{parts: map[int32][]*Entry{}, order: mapping.OrderPartition, atWork: map[string]int{}, passed: map[int32]int64{}}
}

// keeps says what order a process keeps. Once one has kept less, less is asked of all.
func (w *Witness) keeps(o mapping.Order) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rank := []mapping.Order{mapping.OrderPartition, mapping.OrderKey, mapping.OrderNone}
	w.order = rank[max(slices.Index(rank, w.order), slices.Index(rank, o))]
}

// ordered says whether two records of a partition have an order to keep.
func (w *Witness) ordered(a, b *Entry) bool {
	switch w.order {
	case mapping.OrderPartition:
		return true
	case mapping.OrderKey:
		return a.Key != nil && bytes.Equal(a.Key, b.Key)
	}
	return false
}

// writing holds functions back until what is being produced is noted: a record may reach
// its function before its producer hears of it.
func (w *Witness) writing() chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrote = make(chan struct{})
	return w.wrote
}

func (w *Witness) waitWritten() {
	w.mu.Lock()
	wrote := w.wrote
	w.mu.Unlock()
	if wrote != nil {
		<-wrote
	}
}

// Produced notes records that are in the log.
func (w *Witness) Produced(records ...*kgo.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range records {
		e := &Entry{Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value}
		if w.Keep != nil && !w.Keep(r) {
			e.Fate = Filtered
		}
		for _, ended := range w.early {
			if e.Fate != Filtered && ended.partition == r.Partition && within(ended.offsets, r.Offset) {
				w.finish(e, ended.fate)
			}
		}
		p := append(w.parts[r.Partition], e)
		sort.Slice(p, func(i, j int) bool { return p[i].Offset < p[j].Offset })
		w.parts[r.Partition] = p
	}
}

// after takes over what another witness saw written.
func (w *Witness) after(old *Witness) {
	old.mu.Lock()
	defer old.mu.Unlock()
	w.order, w.wrote = old.order, old.wrote
	for partition, entries := range old.parts {
		w.passed[partition] = old.passed[partition]
		for _, e := range entries {
			w.parts[partition] = append(w.parts[partition], &Entry{Offset: e.Offset, Timestamp: e.Timestamp, Key: e.Key, Value: e.Value, Fate: Before})
		}
	}
}

func (w *Witness) fault(format string, args ...any) {
	w.faults = append(w.faults, w.name+fmt.Sprintf(format, args...))
}

func (w *Witness) find(partition int32, offset int64) *Entry {
	p := w.parts[partition]
	i := sort.Search(len(p), func(i int) bool { return p[i].Offset >= offset })
	if i < len(p) && p[i].Offset == offset {
		return p[i]
	}
	w.fault("%d/%d was never produced", partition, offset)
	return &Entry{Offset: offset}
}

// handed notes an event. Within a partition its records are in order, a record's first
// event comes after the first event of every record before it that it has an order with,
// and a process has no two such records at work in two events.
func (w *Witness) handed(c Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range w.lines(c) {
		if w.atWork[line]++; w.atWork[line] > 1 {
			w.fault("%s is at work in two events", line)
		}
	}
	for partition, offsets := range c.Parts {
		if !slices.IsSorted(offsets) {
			w.fault("%s got partition %d out of order: %v", c.Process, partition, offsets)
		}
		for _, o := range offsets {
			e := w.find(partition, o)
			w.inSpan(partition, o)
			if e.Fate == Filtered {
				w.fault("%d/%d is filtered out and reached the function", partition, o)
			}
			if e.Handed++; e.Handed == 1 {
				w.noneBefore(partition, e, "was handed over", func(e *Entry) bool { return e.Handed == 0 && e.Fate == Unresolved })
			}
		}
	}
}

// inSpan holds a record that is handed over against the bound of the uncommitted span.
func (w *Witness) inSpan(partition int32, offset int64) {
	if w.Span == 0 || w.order == mapping.OrderPartition && w.name == "" {
		return
	}
	n := 0
	for _, e := range w.parts[partition] {
		if e.Offset >= w.passed[partition] && e.Offset <= offset && e.Fate != Filtered && e.Fate != Before {
			n++
		}
	}
	if n > w.Span {
		w.fault("%d/%d is handed over %d records behind the committed %d", partition, offset, n, w.passed[partition])
	}
}

// done notes that the function has answered.
func (w *Witness) done(c Call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range w.lines(c) {
		delete(w.atWork, line)
	}
}

// lines names what of an event has an order: its partitions, or its keys.
func (w *Witness) lines(c Call) []string {
	lines := map[string]bool{}
	for partition, offsets := range c.Parts {
		for _, o := range offsets {
			e := w.find(partition, o)
			switch {
			case w.order == mapping.OrderPartition:
				lines[fmt.Sprintf("%s %d", c.Process, partition)] = true
			case w.order == mapping.OrderKey && e.Key != nil:
				lines[fmt.Sprintf("%s %d key %q", c.Process, partition, e.Key)] = true
			}
		}
	}
	return slices.Collect(maps.Keys(lines))
}

func (w *Witness) noneBefore(partition int32, later *Entry, what string, open func(*Entry) bool) {
	for _, e := range w.parts[partition] {
		if e.Offset >= later.Offset {
			return
		}
		if w.ordered(e, later) && open(e) {
			w.fault("%d/%d %s before %d/%d", partition, later.Offset, what, partition, e.Offset)
			return
		}
	}
}

// succeeded notes what an answer settled, in order of offset.
func (w *Witness) succeeded(partition int32, offsets []int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range offsets {
		e := w.find(partition, o)
		if e.Successes++; e.Successes == 1 && !w.Partial {
			w.noneBefore(partition, e, "succeeded", func(e *Entry) bool { return e.Fate == Unresolved })
		}
		w.resolve(e, Succeeded)
	}
}

func (w *Witness) resolve(e *Entry, f Fate) {
	if e.Fate == Unresolved {
		e.Fate = f
	}
}

func (w *Witness) ended(partition int32, f Fate, which func(*Entry) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.parts[partition] {
		if which(e) {
			w.finish(e, f)
		}
	}
}

// finish notes how a record ended.
func (w *Witness) finish(e *Entry, f Fate) {
	w.resolve(e, f)
	e.Lettered, e.Dropped = e.Lettered || f == Delivered, e.Dropped || f == GivenUp
}

// watchCommits looks at every commit as it reaches the broker, also at those that are
// refused there: none may pass an unresolved record.
func (r *Rig) watchCommits() {
	r.Fake.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: Group, Count: -1, Observe: true,
		When: func(req kmsg.Request) bool {
			for _, w := range r.Witnesses() {
				w.commit(req.(*kmsg.OffsetCommitRequest))
			}
			return true
		},
	})
}

func (w *Witness) commit(req *kmsg.OffsetCommitRequest) {
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			w.Pass(p.Partition, p.Offset)
		}
	}
}

// Pass notes a fault if a record before an offset is unresolved.
func (w *Witness) Pass(partition int32, at int64) { w.pass(partition, at, "") }

func (w *Witness) pass(partition int32, at int64, transaction string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passed[partition] = max(w.passed[partition], at)
	for _, e := range w.parts[partition] {
		if e.Offset >= at {
			return
		}
		if !w.resolved(partition, e, transaction) {
			w.fault("a commit of %d/%d passes %d/%d, which is unresolved, or its answers are not written", partition, at, partition, e.Offset)
			return
		}
	}
}

// Name is that of its function and a space, "" for the rig's own.
func (w *Witness) Name() string { return w.name }

// Faults are the broken promises so far.
func (w *Witness) Faults() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.faults)
}

// Entries copies the account of a partition.
func (w *Witness) Entries(partition int32) []Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []Entry
	for _, e := range w.parts[partition] {
		out = append(out, *e)
	}
	return out
}

// Open counts the unresolved records.
func (w *Witness) Open() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, p := range w.parts {
		for _, e := range p {
			if e.Fate == Unresolved {
				n++
			}
		}
	}
	return n
}

// Check fails the test with every broken promise, the group's present offsets included.
func (r *Rig) Check(t testing.TB) {
	t.Helper()
	for _, w := range r.Witnesses() {
		for partition, at := range r.Fake.Committed(Group, Topic) {
			w.Pass(partition, at)
		}
		for _, f := range w.Faults() {
			t.Error(f)
		}
	}
}
