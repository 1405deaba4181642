package engine

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"gantry/mapping"
	"gantry/pipeline"
	"gantry/record"
)

// Standing is a lane that does not get on: it stands on records that fail, or records of
// its partition are missing at the source.
type Standing struct {
	Mapping   mapping.Mapping
	Partition record.Partition
	Lane      *pipeline.LaneSnapshot // the lane as if it were its partition's only one that stands; nil where there is none: the topic was made again
	Loss      *mapping.Loss          // what waits for its owner, nil where the lane alone stands
	Lag       int64                  // records the group has not committed; -1 = not known
	Left      *time.Duration         // until retention reaches the first unresolved record; nil = not known, or never
}

// Offset is the first unresolved one.
func (s Standing) Offset() int64 {
	switch {
	case s.Loss != nil:
		return s.Loss.First
	case s.Lane != nil:
		return s.Lane.At
	}
	return -1
}

// Since is when it began to stand.
func (s Standing) Since() time.Time {
	switch {
	case s.Lane != nil && !s.Lane.Since.IsZero():
		return s.Lane.Since
	case s.Loss != nil:
		return s.Loss.Since
	}
	return time.Time{}
}

// askingStanding bounds what the clusters are asked: who looks at what stands wants an
// answer also when a cluster is the reason.
const (
	askingStanding  = 3 * time.Second
	clustersAtOnce  = 8
	mappingsAskedOf = 32 // of the worst ones; the others show no lag
)

// Standing lists what does not get on here, the worst first: what is lost at the source,
// what waits for its owner, then what has stood longest.
func (e *Engine) Standing(ctx context.Context) []Standing {
	ctx, cancel := context.WithTimeout(ctx, askingStanding)
	defer cancel()
	var all [][]Standing
	var asked sync.WaitGroup
	places := make(chan struct{}, clustersAtOnce)
	for _, r := range e.Running() {
		list := standingOf(r)
		if len(list) == 0 {
			continue
		}
		if all = append(all, list); len(all) > mappingsAskedOf {
			continue
		}
		asked.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			e.measure(ctx, r, list)
		})
	}
	asked.Wait()
	out := slices.Concat(all...)
	slices.SortStableFunc(out, func(a, b Standing) int {
		return cmp.Or(cmp.Compare(urgency(b), urgency(a)), a.Since().Compare(b.Since()))
	})
	return out
}

func urgency(s Standing) int {
	switch {
	case s.Loss != nil:
		return 2
	case s.Lane.Blocked != "":
		return 1
	}
	return 0
}

func standingOf(r Running) []Standing {
	var list []Standing
	lost := map[record.Partition]bool{}
	lane := func(id record.Partition) *pipeline.LaneSnapshot {
		at := slices.IndexFunc(r.Snapshot.Lanes, func(l pipeline.LaneSnapshot) bool { return l.Partition == id })
		if at < 0 {
			return nil
		}
		return &r.Snapshot.Lanes[at]
	}
	for i := range r.Snapshot.Losses {
		loss := &r.Snapshot.Losses[i]
		id := record.Partition{Topic: loss.Topic, Index: loss.Partition}
		lost[id] = true
		list = append(list, Standing{Mapping: r.Mapping, Partition: id, Lane: lane(id), Loss: loss, Lag: -1})
	}
	for i := range r.Snapshot.Lanes {
		l := &r.Snapshot.Lanes[i]
		if !l.Standing() || lost[l.Partition] {
			continue
		}
		for _, one := range l.ByStand() {
			list = append(list, Standing{Mapping: r.Mapping, Partition: l.Partition, Lane: &one, Lag: -1})
		}
	}
	return list
}

// measure asks the mapping's cluster how far behind its partitions are and how long the
// records they stand on will be kept. What can't be had stays unknown.
func (e *Engine) measure(ctx context.Context, r Running, list []Standing) {
	if partitions, err := e.Offsets(ctx, r.UUID); err == nil {
		for i := range list {
			for _, p := range partitions {
				if p.Topic == list[i].Partition.Topic && p.Partition == list[i].Partition.Index {
					list[i].Lag = p.Lag()
				}
			}
		}
	}
	left := e.retention.of(r.UUID)
	if len(left) == 0 {
		e.retention.look(ctx, r) // it has not stood for a minute yet
		left = e.retention.of(r.UUID)
	}
	for i := range list {
		for _, h := range left {
			if h.Partition == list[i].Partition && list[i].Loss == nil {
				list[i].Left = &h.Left
			}
		}
	}
}
