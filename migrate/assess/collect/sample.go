package collect

import (
	"context"

	"gantry/record"
)

const (
	// places is at how many places of a partition's time records are read: keys and sizes
	// of one minute would be taken for those of the week.
	places = 4
	// placesAtOnce is how many places are in memory before they are boiled down.
	placesAtOnce = 64
)

// readSamples reads some records of each partition, at its leader and in no group.
func (r *reading) readSamples(ctx context.Context) error {
	if r.records == 0 {
		return nil
	}
	topics := r.here()
	for i, t := range topics {
		r.progress("records", i, len(topics))
		at := r.places(t)
		for len(at) > 0 && !t.gone {
			some := at[:min(placesAtOnce, len(at))]
			at = at[len(some):]
			if err := r.readPlaces(ctx, t, some); err != nil {
				return err
			}
		}
		r.boilDown(t)
	}
	r.progress("records", len(topics), len(topics))
	return nil
}

// place is where a run of records is read.
type place struct {
	record.Position
	bytes, records int
}

// places spreads the runs of a topic's partitions over the time that the rates are of.
func (r *reading) places(t *topic) []place {
	var out []place
	for _, p := range r.filled(t) {
		if t.whole[p.Index] {
			continue
		}
		from, end := r.start[p], r.end[p]
		if offsets := t.offsets[p.Index]; len(offsets) > 0 && offsets[0] > from && offsets[0] < end {
			from = offsets[0]
		}
		n := int64(places)
		if end-from <= int64(r.records) {
			n = 1
		}
		for i := range n {
			at := from
			if n > 1 { // in the middle of its part, by at most the room a run needs
				part := (end - from) / n
				at += i*part + max(0, (part-int64(r.records)/n)/2)
			}
			out = append(out, place{
				record.Position{Topic: p.Topic, Partition: p.Index, Offset: at}, max(1, r.bytes/int(n)), max(1, r.records/int(n)),
			})
		}
	}
	return out
}

func (r *reading) readPlaces(ctx context.Context, t *topic, of []place) error {
	most := map[record.Position]place{}
	at := make([]record.Position, 0, len(of))
	bytes := of[0].bytes
	for _, p := range of {
		most[p.Position] = p
		at, bytes = append(at, p.Position), max(bytes, p.bytes)
	}
	runs, err := r.client.Sample(ctx, at, bytes)
	if err != nil {
		return err
	}
	for _, run := range runs {
		if run.Err != nil {
			r.topicFailed(t.Name, "no records of it were sampled", run.Err)
			continue
		}
		t.tally.add(run, most[run.Position].records)
	}
	return nil
}

// boilDown keeps what a sample shows, each partition by the share of records it has.
func (r *reading) boilDown(t *topic) {
	tally := t.tally
	weight := map[int32]float64{}
	for _, p := range r.filled(t) {
		from := r.start[p]
		if offsets := t.offsets[p.Index]; len(offsets) > 0 {
			from = max(from, offsets[0])
		}
		weight[p.Index] = float64(max(1, r.end[p]-from))
	}
	t.out.Sample = tally.sample(weight)
	t.out.HeaderNames = tally.headerNames()
	t.out.Transactional = t.out.Transactional || tally.transactional > 0
	if tally.records == 0 {
		return
	}
	if share := tally.lateShare(r.width); !t.LogAppendTime && share > late {
		r.insane(t, "records are older than those before them by more than a bucket")
	}
	if !t.LogAppendTime && tally.timeless > 0 {
		r.insane(t, "records have no timestamp")
	}
	t.markers = float64(tally.controls) / float64(tally.records+tally.controls)
}
