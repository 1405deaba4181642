package pipeline

import (
	"iter"
	"time"

	"gantry/mapping"
	"gantry/pipeline/batch"
	"gantry/record"
)

// partition is one partition under one assignment: a reader for each function with its
// lanes, and what of it may be committed. Where it has one lane, which is the default, what
// is polled goes straight into the lane's queue; where it has several, it is dealt out
// (deal.go); where it has several readers, it is spread out to them first (fan.go).
type partition struct {
	id        record.Partition
	readers   []*reader     // in the order of the functions
	fan       bool          // several functions, or the rest of what several had
	waiting   batch.Queue   // of a fan: polled and not spread out yet
	kept      span          // of a fan: what its records hold from the first unresolved one on
	span      span          // of what was dealt out
	tail      record.Offset // behind everything polled
	committed record.Offset // what the broker acknowledged last
	held      int64         // bytes of unresolved records
	moved     time.Time     // when it last got on
	member    string        // who one was to the group when it was assigned
	taken     int64         // behind the last record handed to a function: only with several lanes
	closed    bool          // being taken away: nothing new starts, except to close gaps
	closing   time.Time     // until when gaps are closed
	gap       int64         // where the last gap ends, 0 = none is to be closed
	orphan    bool          // the assignment is lost: nothing is committed
	paused    bool          // fetching is paused
	loss      *mapping.Loss
}

func newPartition(id record.Partition, at record.Offset, most Bound) *partition {
	return &partition{id: id, tail: at, committed: at, span: span{most: most}, moved: time.Now()}
}

// lanes are those of all readers.
func (t *partition) lanes() iter.Seq[*lane] {
	return func(yield func(*lane) bool) {
		for _, r := range t.readers {
			for _, l := range r.lanes {
				if !yield(l) {
					return
				}
			}
		}
	}
}

// resume is what may be committed: the place of the first record that is not resolved by
// every function that wants it. A log that was cut behind us holds other records from the
// cut on: nothing behind it is committed.
func (t *partition) resume() record.Offset {
	at := t.tail
	if r := t.head(); r != nil {
		at = r.Resume
	}
	if t.loss != nil && t.loss.Resume < at.At {
		return record.Offset{At: t.loss.Resume, Epoch: -1}
	}
	return at
}

// head is the unresolved record with the lowest offset, or nil. Each lane knows its own,
// so no state is kept for a record, whatever the order they are resolved in.
func (t *partition) head() *record.Record {
	var first *record.Record
	for _, r := range t.readers {
		if h := r.head(); h != nil && (first == nil || h.Offset < first.Offset) {
			first = h
		}
	}
	if t.waiting.Len() > 0 {
		if h := t.waiting.Head(); first == nil || h.Offset < first.Offset {
			return h
		}
	}
	return first
}

// several says whether the partition has more than one lane.
func (t *partition) several() bool { return t.fan || len(t.readers[0].lanes) > 1 }

// flying says whether work of the partition is in flight.
func (t *partition) flying() bool {
	for l := range t.lanes() {
		if l.flight != nil {
			return true
		}
	}
	return false
}

// settled is when nothing of the partition is unresolved.
func (t *partition) settled() bool {
	for _, r := range t.readers {
		if !r.settled() {
			return false
		}
	}
	return t.waiting.Len() == 0
}

// standing says that a lane of the partition fails.
func (t *partition) standing() bool {
	for l := range t.lanes() {
		if !l.since.IsZero() {
			return true
		}
	}
	return false
}
