package pipeline

import (
	"time"

	"gantry/mapping"
	"gantry/pipeline/batch"
	"gantry/record"
)

// partition is one partition under one assignment: its lanes, and what of it may be
// committed. Where it has one lane, which is the default, what is polled goes straight
// into the lane's queue; where it has several, it is dealt out (deal.go).
type partition struct {
	id        record.Partition
	lanes     []*lane       // by slot
	shape     mapping.Lanes // what the lanes were made for
	waiting   batch.Queue   // polled and not dealt out yet
	span      span          // of what was dealt out
	tail      record.Offset // behind everything polled
	committed record.Offset // what the broker acknowledged last
	held      int64         // bytes of unresolved records
	moved     time.Time     // when it last got on
	member    string        // who one was to the group when it was assigned
	taken     int64         // behind the last record handed to the function: only with several lanes
	closed    bool          // being taken away: nothing new starts, except to close gaps
	closing   time.Time     // until when gaps are closed
	gap       int64         // where the last gap ends, 0 = none is to be closed
	orphan    bool          // the assignment is lost: nothing is committed
	paused    bool          // fetching is paused
	loss      *mapping.Loss
}

func newPartition(id record.Partition, at record.Offset, shape mapping.Lanes, most Bound) *partition {
	t := &partition{id: id, tail: at, committed: at, span: span{most: most}, moved: time.Now()}
	t.open(shape)
	return t
}

// open gives a partition without records in hand its lanes.
func (t *partition) open(shape mapping.Lanes) {
	t.shape, t.lanes = shape, make([]*lane, shape.PerPartition)
	for slot := range t.lanes {
		t.lanes[slot] = &lane{of: t, key: record.Lane{Topic: t.id.Topic, Partition: t.id.Index, Slot: int32(slot)}}
	}
}

// resume is what may be committed: the place of the first unresolved record of all lanes.
// A log that was cut behind us holds other records from the cut on: nothing behind it is
// committed.
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
	for _, l := range t.lanes {
		if r := l.head(); r != nil && (first == nil || r.Offset < first.Offset) {
			first = r
		}
	}
	if t.waiting.Len() > 0 {
		if r := t.waiting.Head(); first == nil || r.Offset < first.Offset {
			return r
		}
	}
	return first
}

// several says whether the partition has more than one lane.
func (t *partition) several() bool { return len(t.lanes) > 1 }

// flying says whether work of the partition is in flight.
func (t *partition) flying() bool {
	for _, l := range t.lanes {
		if l.flight != nil {
			return true
		}
	}
	return false
}

// settled is when nothing of the partition is unresolved.
func (t *partition) settled() bool {
	for _, l := range t.lanes {
		if l.flight != nil || len(l.left) > 0 || l.queue.Len() > 0 {
			return false
		}
	}
	return t.waiting.Len() == 0
}

// standing says that a lane of the partition fails.
func (t *partition) standing() bool {
	for _, l := range t.lanes {
		if !l.since.IsZero() {
			return true
		}
	}
	return false
}
