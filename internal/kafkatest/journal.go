package kafkatest

import (
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"gantry/record"
)

// Outcome is what a function under test says of a record it was given.
type Outcome string

const (
	Began  Outcome = "began"   // it has the record and works on it
	Done   Outcome = "done"    // it succeeded; said before it answers
	Failed Outcome = "failed"  // it is about to answer that the record failed
	GaveUp Outcome = "gave up" // said by the test: filtered out, in the dead letters, dropped by choice
)

// Journal is the ledger of a test: what was to be delivered, what was, by whom, when and
// with what outcome. From it follow the properties that count: nothing lost, order kept,
// each repeat explained. Safe for use by many goroutines.
type Journal struct {
	mu      sync.Mutex
	reports []report
	marks   []mark
	lanes   map[record.Partition]*laneState
	changed chan struct{} // closed and replaced with each report
}

type report struct {
	at        time.Time
	process   string
	outcome   Outcome
	positions []record.Position
}

type mark struct {
	at     time.Time
	reason string
}

// laneState is what is known of one partition now.
type laneState struct {
	expected []int64 // ascending, without the holes compaction and transactions leave
	last     map[int64]Outcome
	low      int // all expected before this index are resolved
}

// NewJournal begins an empty ledger.
func NewJournal() *Journal {
	return &Journal{lanes: map[record.Partition]*laneState{}, changed: make(chan struct{})}
}

// Expect says which offsets of a partition must be delivered. Say it before anything
// consumes them: without it Resolved allows every commit.
func (j *Journal) Expect(topic string, partition int32, offsets ...int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	l := j.lane(record.Partition{Topic: topic, Index: partition})
	l.expected = append(l.expected, offsets...)
	slices.Sort(l.expected)
	l.expected = slices.Compact(l.expected)
	l.low = 0
}

// ExpectFirst expects the offsets 0 to n-1 of a partition.
func (j *Journal) ExpectFirst(topic string, partition int32, n int) {
	offsets := make([]int64, n)
	for i := range offsets {
		offsets[i] = int64(i)
	}
	j.Expect(topic, partition, offsets...)
}

// Report notes what a process says of some records, in the order it was given them.
// Began comes when an invocation starts; a function that cannot tell its start from its
// end reports Done alone.
func (j *Journal) Report(process string, o Outcome, positions ...record.Position) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.reports = append(j.reports, report{time.Now(), process, o, positions})
	for _, p := range positions {
		j.lane(record.Partition{Topic: p.Topic, Index: p.Partition}).note(p.Offset, o)
	}
	close(j.changed)
	j.changed = make(chan struct{})
}

// Mark notes a disturbance, such as "kill -9 of gantry": repeats are explained by the
// latest one before them.
func (j *Journal) Mark(reason string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.marks = append(j.marks, mark{time.Now(), reason})
}

// Resolved gives the lowest expected offset of a partition that is not resolved yet: a
// group must never have committed more. It is math.MaxInt64 when all are.
func (j *Journal) Resolved(p record.Partition) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lane(p).resolved()
}

// Wait returns when every expected record is resolved; after timeout the test fails and
// names what is missing.
func (j *Journal) Wait(t testing.TB, timeout time.Duration) {
	t.Helper()
	deadline := time.After(timeout)
	for {
		missing, changed := j.missing()
		if len(missing) == 0 {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("after %s %d records are not resolved: %s", timeout, len(missing), ranges(missing))
		}
	}
}

// missing gives what is not resolved and a channel that closes when that may change.
func (j *Journal) missing() ([]record.Position, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []record.Position
	for p, l := range j.lanes {
		if l.resolved() == math.MaxInt64 {
			continue
		}
		for _, o := range l.expected[l.low:] {
			if !l.last[o].resolved() {
				out = append(out, record.Position{Topic: p.Topic, Partition: p.Index, Offset: o})
			}
		}
	}
	return out, j.changed
}

func (j *Journal) lane(p record.Partition) *laneState {
	l := j.lanes[p]
	if l == nil {
		l = &laneState{last: map[int64]Outcome{}}
		j.lanes[p] = l
	}
	return l
}

func (o Outcome) resolved() bool { return o == Done || o == GaveUp }

// note keeps the latest outcome. A new start says nothing of the end before it: the
// record was resolved then, and is delivered once more.
func (l *laneState) note(offset int64, o Outcome) {
	if o == Began && l.last[offset] != "" {
		return
	}
	l.last[offset] = o
	if !o.resolved() {
		at, _ := slices.BinarySearch(l.expected, offset)
		l.low = min(l.low, at)
	}
}

func (l *laneState) resolved() int64 {
	for l.low < len(l.expected) && l.last[l.expected[l.low]].resolved() {
		l.low++
	}
	if l.low == len(l.expected) {
		return math.MaxInt64
	}
	return l.expected[l.low]
}
