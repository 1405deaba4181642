package pipeline

import (
	"time"

	"gantry/mapping"
	"gantry/pipeline/batch"
	"gantry/record"
)

// reader is one function's side of a partition: its lanes, and what waits to be dealt out
// to them. A lane's key is the partition, the function and the slot.
type reader struct {
	of      *partition
	by      *consumer
	lanes   []*lane       // by slot
	shape   mapping.Lanes // what the lanes were made for
	waiting batch.Queue   // not dealt out yet
}

// open gives a reader without records in hand its lanes.
func (r *reader) open(shape mapping.Lanes) {
	r.shape, r.lanes = shape, make([]*lane, shape.PerPartition)
	for slot := range r.lanes {
		id := r.of.id
		r.lanes[slot] = &lane{of: r.of, in: r, by: r.by, key: record.Lane{Topic: id.Topic, Partition: id.Index, Slot: int32(slot)}}
	}
}

// push takes records that the function wants.
func (r *reader) push(records []record.Record, arrived time.Time) {
	if len(r.lanes) > 1 || r.waiting.Len() > 0 {
		r.waiting.Push(records, arrived)
		return
	}
	r.lanes[0].queue.Push(records, arrived)
	r.lanes[0].held += weight(records)
}

// chosen gives those of some records that the function wants. Where it wants them all the
// slice is shared: nobody writes to records, and a queue that loses some makes a new one.
func (r *reader) chosen(records []record.Record) []record.Record {
	n := 0
	for i := range records {
		if records[i].Wants&r.by.bit != 0 {
			n++
		}
	}
	if n == len(records) {
		return records
	}
	out := make([]record.Record, 0, n)
	for i := range records {
		if records[i].Wants&r.by.bit != 0 {
			out = append(out, records[i])
		}
	}
	return out
}

// next takes at most limit of the records that wait for the lanes. A run is of one poll.
// Where the partition has one reader the uncommitted span bounds what is dealt here.
func (r *reader) next(limit int) ([]record.Record, time.Time) {
	if !r.of.fan {
		return r.of.span.next(&r.waiting, limit)
	}
	if r.waiting.Len() == 0 {
		return nil, time.Time{}
	}
	return r.waiting.Next(limit)
}

// gather takes the queues of all lanes back, in order of offset.
func (r *reader) gather() {
	queues := make([]*batch.Queue, 0, len(r.lanes)+1)
	for _, l := range r.lanes {
		if l.queue.Len() > 0 {
			queues = append(queues, &l.queue)
		}
	}
	if len(queues) == 0 {
		return
	}
	for _, l := range r.lanes {
		l.held -= l.queued()
	}
	r.waiting = batch.Merge(append(queues, &r.waiting))
	for _, q := range queues {
		q.Clear()
	}
}

// inHand says whether a lane has something in flight, or left by a failure.
func (r *reader) inHand() bool {
	for _, l := range r.lanes {
		if l.flight != nil || len(l.left) > 0 {
			return true
		}
	}
	return false
}

// settled is when the function has resolved everything that was dealt to it.
func (r *reader) settled() bool {
	for _, l := range r.lanes {
		if l.flight != nil || len(l.left) > 0 || l.queue.Len() > 0 {
			return false
		}
	}
	return r.waiting.Len() == 0
}

// head is the record with the lowest offset that the function has not resolved, or nil.
func (r *reader) head() *record.Record {
	var first *record.Record
	for _, l := range r.lanes {
		if h := l.head(); h != nil && (first == nil || h.Offset < first.Offset) {
			first = h
		}
	}
	if r.waiting.Len() > 0 {
		if h := r.waiting.Head(); first == nil || h.Offset < first.Offset {
			return h
		}
	}
	return first
}
