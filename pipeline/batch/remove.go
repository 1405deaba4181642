package batch

import (
	"iter"

	"gantry/record"
)

// All gives the waiting records in order.
func (q *Queue) All() iter.Seq[*record.Record] {
	return func(yield func(*record.Record) bool) {
		for _, s := range q.slabs {
			for i := range s.records {
				if !yield(&s.records[i]) {
					return
				}
			}
		}
	}
}

// Remove takes the records that chosen names out of the queue, wherever they stand, and
// gives them in order. The others keep their places and the time they arrived at.
func (q *Queue) Remove(chosen func(*record.Record) bool) []record.Record {
	var out []record.Record
	var rest Queue
	for _, s := range q.slabs {
		kept := make([]record.Record, 0, len(s.records)) // batches under way look into the slab itself
		for i := range s.records {
			if chosen(&s.records[i]) {
				out = append(out, s.records[i])
			} else {
				kept = append(kept, s.records[i])
			}
		}
		rest.Push(kept, s.arrived)
	}
	if len(out) > 0 {
		*q = rest
	}
	return out
}
