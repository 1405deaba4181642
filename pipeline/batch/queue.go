// Package batch holds the records of a lane until an invocation takes them, and the
// rules that close a batch: its size, its payload and its window. It knows no clock, no
// goroutine and no Kafka: the pipeline asks, with the time in hand.
package batch

import (
	"time"

	"gantry/record"
)

// Queue is the records of one lane that wait for their first invocation, in the order
// they were polled. The zero value is empty. It belongs to one goroutine.
type Queue struct {
	slabs   []slab
	count   int
	encoded int // Σ (Size + 1): what the records take in an event, commas included
}

// slab is what one poll brought. Taken records are cut off its front; the memory goes
// when the last batch that looks into it is settled.
type slab struct {
	records []record.Record
	arrived time.Time
}

// Push appends the records of one poll; the queue owns the slice from here on.
func (q *Queue) Push(records []record.Record, arrived time.Time) {
	if len(records) == 0 {
		return
	}
	q.slabs = append(q.slabs, slab{records, arrived})
	q.count += len(records)
	for i := range records {
		q.encoded += int(records[i].Size) + 1
	}
}

// Len counts the waiting records.
func (q *Queue) Len() int { return q.count }

// Head is the record taken next. The queue must not be empty.
func (q *Queue) Head() *record.Record { return &q.slabs[0].records[0] }

// Arrived is when the record taken next came out of its poll: its window begins there.
func (q *Queue) Arrived() time.Time { return q.slabs[0].arrived }

// Fit says how many records from the front fit into room bytes and max records, and
// what they take. A part of n records takes Σ Size + n - 1 bytes, so a comma is given
// back once.
func (q *Queue) Fit(limit, room int) (n, bytes int) {
	if q.count <= limit && q.encoded-1 <= room {
		return q.count, q.encoded - 1
	}
	for _, s := range q.slabs {
		for i := range s.records {
			size := int(s.records[i].Size)
			if n > 0 {
				size++
			}
			if n == limit || bytes+size > room {
				return n, bytes
			}
			n, bytes = n+1, bytes+size
		}
	}
	return n, bytes
}

// Older says whether one of the first n records has a timestamp before limit (Unix
// milliseconds).
func (q *Queue) Older(n int, limit int64) bool {
	for _, s := range q.slabs {
		for i := range s.records {
			if n == 0 {
				return false
			}
			if s.records[i].Timestamp < limit {
				return true
			}
			n--
		}
	}
	return false
}

// Take removes n records from the front. They are one slice: a view into their slab,
// or a copy where they come from several.
func (q *Queue) Take(n int) []record.Record {
	first := &q.slabs[0]
	var out []record.Record
	if len(first.records) >= n {
		out = first.records[:n:n]
		q.cut(n)
	} else {
		out = make([]record.Record, 0, n)
		for len(out) < n {
			head := q.slabs[0].records
			head = head[:min(len(head), n-len(out))]
			out = append(out, head...)
			q.cut(len(head))
		}
	}
	for i := range out {
		q.encoded -= int(out[i].Size) + 1
	}
	q.count -= n
	return out
}

// cut drops n records, all of the first slab, from the front.
func (q *Queue) cut(n int) {
	first := &q.slabs[0]
	first.records = first.records[n:]
	if len(first.records) > 0 {
		return
	}
	*first = slab{}
	q.slabs = q.slabs[1:]
	if len(q.slabs) == 0 {
		q.slabs = nil
	}
}

// Front is the records of the first poll that waits, Next takes at most n of them, with
// the time they arrived at. The queue must not be empty.
func (q *Queue) Front() []record.Record { return q.slabs[0].records }

// Next takes records that came together, see Front.
func (q *Queue) Next(n int) (records []record.Record, arrived time.Time) {
	arrived = q.Arrived()
	return q.Take(min(n, len(q.Front()))), arrived
}

// Before counts the records at the front whose offset is lower.
func (q *Queue) Before(offset int64) (n int) {
	for r := range q.All() {
		if r.Offset >= offset {
			break
		}
		n++
	}
	return n
}

// Clear drops everything.
func (q *Queue) Clear() { *q = Queue{} }
