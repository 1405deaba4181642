package collect

import (
	"context"
	"math"
	"time"

	"gantry/kafka"
	"gantry/record"
)

// quickWhole is the largest partition that a quick pass reads whole. It keeps nothing of
// it but when records were written.
const quickWhole = 64 << 10

// wholeTries bounds the fetches for a partition that is read whole and grows meanwhile.
const wholeTries = 8

// readWhole reads the partitions that fit into a sample: their bytes would be read anyway,
// and their records say when each was written, so that nothing has to be looked up. A
// lookup costs a broker about what a fetch of a small partition does, and there would be
// one for each edge. Where records may not be read the offsets are looked up.
func (r *reading) readWhole(ctx context.Context) error {
	topics := r.here()
	for i, t := range topics {
		r.progress("small partitions", i, len(topics))
		var small []record.Position
		for _, p := range r.filled(t) {
			if r.fits(p) {
				small = append(small, record.Position{Topic: p.Topic, Partition: p.Index, Offset: r.start[p]})
			}
		}
		if err := r.readAll(ctx, t, small); err != nil {
			return err
		}
	}
	return nil
}

// fits says that a partition is read whole.
func (r *reading) fits(p record.Partition) bool {
	size, known := r.disk[p]
	switch {
	case !known:
		return false
	case r.records > 0:
		return size <= int64(r.bytes)
	}
	return r.Quick && size <= quickWhole
}

func (r *reading) readAll(ctx context.Context, t *topic, at []record.Position) error {
	read := map[int32][]kafka.Run{}
	for try := 0; len(at) > 0 && try < wholeTries; try++ {
		runs, err := r.client.Sample(ctx, at, max(r.bytes, quickWhole))
		if err != nil {
			return err
		}
		at = nil
		for _, run := range runs {
			if run.Err != nil || run.Span == 0 {
				delete(read, run.Partition) // it is looked up and sampled like a large one
				continue
			}
			read[run.Partition] = append(read[run.Partition], run)
			next := run.Position
			next.Offset += run.Span
			if next.Offset < r.end[record.Partition{Topic: t.Name, Index: run.Partition}] {
				at = append(at, next)
			}
		}
	}
	for _, left := range at {
		delete(read, left.Partition)
	}
	for index, runs := range read {
		r.keepWhole(t, index, runs)
	}
	return nil
}

// keepWhole takes the offsets at the edges from the records, as a broker would look them
// up, and as many records for the sample as there would be of a large partition.
func (r *reading) keepWhole(t *topic, index int32, runs []kafka.Run) {
	whole := runs[0]
	for _, run := range runs[1:] {
		whole.Records = append(whole.Records, run.Records...)
		whole.Controls += run.Controls
		whole.Batches.Add(run.Batches)
	}
	edges := r.edges(r.began)
	offsets := make([]int64, len(edges))
	newest, next := int64(math.MinInt64), 0
	for i := range whole.Records {
		newest = max(newest, whole.Records[i].Timestamp)
		for next < len(edges) && newest >= edges[next].UnixMilli() {
			offsets[next] = whole.Records[i].Offset
			next++
		}
	}
	for ; next < len(edges); next++ {
		offsets[next] = r.end[record.Partition{Topic: t.Name, Index: index}]
	}
	t.offsets[index], t.whole[index] = offsets, true
	if newest > time.Now().Add(future).UnixMilli() {
		r.insane(t, inTheFuture)
	}
	if r.records > 0 {
		r.drawFrom(t, whole)
	}
}

// drawFrom draws the runs that would have been read of a large partition.
func (r *reading) drawFrom(t *topic, whole kafka.Run) {
	records := whole.Records
	if len(records) <= r.records {
		t.tally.add(whole, len(records))
		return
	}
	part, most := len(records)/places, max(1, r.records/places)
	for i := range places {
		whole.Records = records[i*part : (i+1)*part]
		t.tally.add(whole, most)
		whole.Controls, whole.Batches = 0, kafka.Batches{} // counted once
	}
}
