package collect

import (
	"context"
	"slices"
	"time"

	"gantry/kafka"
	"gantry/record"
	"gantry/workload"
)

// unknown marks an offset that was not looked up.
const unknown = int64(-1)

// edges are the times between buckets, on full widths so that an hour is an hour of the
// clock. The bucket that is not over yet is left out.
func (s settings) edges(now time.Time) []time.Time {
	last := now.UTC().Truncate(s.width)
	out := make([]time.Time, s.buckets+1)
	for i := range out {
		out[i] = last.Add(-time.Duration(s.buckets-i) * s.width)
	}
	return out
}

// readRates looks up where each edge is in each partition.
func (r *reading) readRates(ctx context.Context) error {
	edges := r.edges(r.began)
	for _, t := range r.here() {
		for _, p := range partitionsOf(t.SurveyTopic) {
			if end, known := r.end[p]; known && !t.whole[p.Index] {
				t.offsets[p.Index] = blank(len(edges), end, end > r.start[p])
			}
		}
	}
	spans := []span{{0, len(edges) - 1}}
	if err := r.lookUp(ctx, edges, 0); err != nil {
		return err
	}
	if err := r.lookUp(ctx, edges, len(edges)-1); err != nil {
		return err
	}
	for done := 2; len(spans) > 0; {
		var halves []span
		for _, s := range spans {
			if s.to-s.from < 2 {
				continue
			}
			if err := r.lookUp(ctx, edges, s.middle()); err != nil {
				return err
			}
			done++
			r.progress("rates", done, len(edges))
			halves = append(halves, span{s.from, s.middle()}, span{s.middle(), s.to})
		}
		spans = halves
	}
	r.progress("rates", len(edges), len(edges))
	return nil
}

// span is a run of edges whose ends are known.
type span struct{ from, to int }

func (s span) middle() int { return (s.from + s.to) / 2 }

// blank is a partition before anything is looked up: of an empty one all is known.
func blank(n int, end int64, filled bool) []int64 {
	out := make([]int64, n)
	for i := range out {
		if out[i] = unknown; !filled {
			out[i] = end
		}
	}
	return out
}

// lookUp is one round: an edge in every partition that may have something around it.
func (r *reading) lookUp(ctx context.Context, edges []time.Time, edge int) error {
	var asked []record.Partition
	for _, t := range r.here() {
		for index, offsets := range t.offsets {
			if settle(offsets, edge) {
				continue
			}
			asked = append(asked, record.Partition{Topic: t.Name, Index: index})
		}
	}
	if len(asked) == 0 {
		return nil
	}
	marks, err := r.client.Marks(ctx, kafka.MomentOf(edges[edge]), asked)
	if err != nil {
		return err
	}
	for _, p := range asked {
		m := marks[p]
		if m.Err != nil {
			r.topicFailed(p.Topic, "its rates are not known", m.Err)
			delete(r.topics[p.Topic].offsets, p.Index)
			continue
		}
		// Nothing at or after the edge, or only what came after the end was read.
		if m.Offset < 0 || m.Offset > r.end[p] {
			m.Offset = r.end[p]
		}
		r.topics[p.Topic].offsets[p.Index][edge] = max(m.Offset, r.start[p])
	}
	return nil
}

// settle fills in an edge that needs no lookup: between two edges with the same offset
// nothing was written.
func settle(offsets []int64, edge int) bool {
	if offsets[edge] != unknown {
		return true
	}
	left, right := edge, edge
	for left >= 0 && offsets[left] == unknown {
		left--
	}
	for right < len(offsets) && offsets[right] == unknown {
		right++
	}
	if left < 0 || right == len(offsets) || offsets[left] != offsets[right] {
		return false
	}
	offsets[edge] = offsets[left]
	return true
}

// partition makes what is told of a partition.
func (r *reading) partition(t *topic, p record.Partition, edges []time.Time) workload.Partition {
	out := workload.Partition{ID: p.Index, Start: r.start[p], End: r.end[p]}
	offsets := t.offsets[p.Index]
	if offsets == nil || slices.Contains(offsets, unknown) {
		return out
	}
	from := r.retainedFrom(t, p, edges)
	out.Rate = workload.Series{From: edges[from], Width: r.width, Counts: []float64{}}
	for i := from; i+1 < len(edges); i++ {
		out.Rate.Counts = append(out.Rate.Counts, float64(offsets[i+1]-offsets[i]))
	}
	return out
}

// retainedFrom is the first edge behind which a partition still has all that was written.
// Where nothing was ever removed that is the first; otherwise what is before the oldest
// record may have been removed and is not known to be nothing.
func (r *reading) retainedFrom(t *topic, p record.Partition, edges []time.Time) int {
	start, last := r.start[p], len(edges)-1
	if start == 0 || t.Compacted && t.Retention < 0 {
		return 0
	}
	byTime := last
	if t.Retention >= 0 && !t.SizeRetention {
		oldest := r.began.Add(-t.Retention)
		if at := slices.IndexFunc(edges, func(e time.Time) bool { return !e.Before(oldest) }); at >= 0 {
			byTime = at
		}
	}
	if r.end[p] == start { // empty: what was written since retention's time would be there
		if t.Retention < 0 || t.SizeRetention {
			return 0
		}
		return byTime
	}
	byRecords := slices.IndexFunc(t.offsets[p.Index], func(at int64) bool { return at > start })
	if byRecords < 0 {
		return byTime // all it has is of the bucket that is not over
	}
	return min(byTime, byRecords)
}

// sum adds the partitions' series from the time on that all of them are known.
func sum(partitions []workload.Partition) workload.Series {
	var out workload.Series
	for _, p := range partitions {
		if p.Rate.From.After(out.From) {
			out = workload.Series{From: p.Rate.From, Width: p.Rate.Width, Counts: make([]float64, len(p.Rate.Counts))}
		}
	}
	for _, p := range partitions {
		skip := len(p.Rate.Counts) - len(out.Counts)
		for i := range out.Counts {
			if skip+i >= 0 && skip+i < len(p.Rate.Counts) {
				out.Counts[i] += p.Rate.Counts[skip+i]
			}
		}
	}
	return out
}
