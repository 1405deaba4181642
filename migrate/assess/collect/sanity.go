package collect

import (
	"context"
	"fmt"
	"time"

	"gantry/kafka"
	"gantry/record"
	"gantry/workload"
)

const (
	// future is how far ahead of this clock a timestamp may be before it says nothing.
	future = time.Hour
	// late is the share of records that may be older than a bucket when they are written.
	late = 0.05
)

const inTheFuture = "it has timestamps more than an hour in the future"

// readSanity finds topics whose timestamps do not say when records were written: those of
// the future, and records that came while the ends were watched and claim to be old.
// Timestamps that the broker sets need no look.
func (r *reading) readSanity(ctx context.Context) error {
	r.progress("timestamps", 0, 1)
	var filled, grown []record.Partition
	for _, t := range r.here() {
		if t.LogAppendTime {
			continue
		}
		for _, p := range r.filled(t) {
			if !t.whole[p.Index] { // what was read whole was looked at
				filled = append(filled, p)
			}
			if r.watched != nil && r.end[p] > r.watched.ends[p] {
				grown = append(grown, p)
			}
		}
	}
	ahead, err := r.client.Marks(ctx, kafka.MomentOf(time.Now().Add(future)), filled)
	if err != nil {
		return err
	}
	for _, p := range filled {
		if m := ahead[p]; m.Err == nil && m.Offset >= 0 {
			r.insane(r.topics[p.Topic], inTheFuture)
		}
	}
	if len(grown) == 0 {
		return nil
	}
	fresh, err := r.client.Marks(ctx, kafka.MomentOf(r.watched.from.Add(-max(r.width, future))), grown)
	if err != nil {
		return err
	}
	for _, p := range grown {
		if m := fresh[p]; m.Err == nil && m.Offset < 0 {
			r.insane(r.topics[p.Topic], "records were written while it was watched whose timestamps are old")
		}
	}
	return nil
}

// insane notes that a topic's timestamps cannot be trusted.
func (r *reading) insane(t *topic, why string) {
	if !t.sane {
		return
	}
	t.sane = false
	instead := "its rates are not known"
	if r.watched != nil {
		instead = fmt.Sprintf("its rate is what was written in %s of watching", r.watched.to.Sub(r.watched.from).Round(time.Second))
	}
	r.caveats.add("topic", t.Name, "timestamps do not say when records were written ("+why+"): "+instead)
}

// instead is the rate of a partition by its ends while they were watched.
func (r *reading) instead(p record.Partition) workload.Series {
	if r.watched == nil {
		return workload.Series{}
	}
	return workload.Series{
		From: r.watched.from.UTC(), Width: r.watched.to.Sub(r.watched.from), Counts: []float64{float64(r.end[p] - r.watched.ends[p])},
	}
}
