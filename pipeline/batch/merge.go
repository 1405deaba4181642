package batch

import (
	"cmp"
	"slices"
	"time"

	"gantry/record"
)

// Merge makes one queue of several of the same partition, in order of offset. Each record
// keeps the time it arrived at. The queues given are not to be used any more.
func Merge(queues []*Queue) Queue {
	type arrival struct {
		r  *record.Record
		at time.Time
	}
	var all []arrival
	for _, q := range queues {
		for _, s := range q.slabs {
			for i := range s.records {
				all = append(all, arrival{&s.records[i], s.arrived})
			}
		}
	}
	slices.SortFunc(all, func(a, b arrival) int { return cmp.Compare(a.r.Offset, b.r.Offset) })
	var out Queue
	for begin := 0; begin < len(all); {
		end := begin
		var run []record.Record
		for ; end < len(all) && all[end].at.Equal(all[begin].at); end++ {
			run = append(run, *all[end].r)
		}
		out.Push(run, all[begin].at)
		begin = end
	}
	return out
}
