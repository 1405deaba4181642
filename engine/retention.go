package engine

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"gantry/kafka"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/record"
)

// Headroom is how long it takes until retention reaches the first unresolved record of
// a lane that stands. Below zero it may be gone already.
type Headroom struct {
	Partition record.Partition
	Left      time.Duration
}

// retention watches lanes that stand and warns before their records are removed.
type retention struct {
	e *Engine

	mu   sync.Mutex
	left map[string][]Headroom // mapping → lanes that stand
	said map[string]time.Duration
}

// How often headroom is looked at, and when the log warns.
const (
	retentionEvery = time.Minute
	warnFirst      = 24 * time.Hour
	warnAgain      = time.Hour
)

func newRetention(e *Engine) *retention {
	return &retention{e: e, left: map[string][]Headroom{}, said: map[string]time.Duration{}}
}

// run looks every minute until ctx ends. A cluster that can't be asked now is asked
// again in a minute: what keeps it from answering is shown elsewhere.
func (t *retention) run(ctx context.Context) {
	tick := time.NewTicker(retentionEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, r := range t.e.Running() {
			t.look(ctx, r)
		}
	}
}

// look measures the lanes of one mapping that stand.
func (t *retention) look(ctx context.Context, r Running) {
	var standing []pipeline.LaneSnapshot
	for _, l := range r.Snapshot.Lanes {
		if !l.Since.IsZero() && !l.Head.IsZero() {
			standing = append(standing, l)
		}
	}
	lanes, err := t.headroom(ctx, r.Mapping.Source, standing)
	if err != nil {
		return
	}
	t.mu.Lock()
	t.left[r.UUID] = lanes
	t.mu.Unlock()
	for _, h := range lanes {
		t.warn(r.UUID, h)
	}
}

// headroom goes by the record a lane stands on and, where a record before it is younger, by
// that: both go together at the earliest. Each topic keeps its records as long as it says.
func (t *retention) headroom(ctx context.Context, src mapping.Source, standing []pipeline.LaneSnapshot) (lanes []Headroom, err error) {
	if len(standing) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	of := map[string][]pipeline.LaneSnapshot{}
	for _, l := range standing {
		of[l.Partition.Topic] = append(of[l.Partition.Topic], l)
	}
	err = t.e.admin(ctx, src, func(a *kafka.Admin) error {
		for _, topic := range slices.Sorted(maps.Keys(of)) {
			some, err := keptFor(ctx, a, topic, of[topic])
			if err != nil {
				return err
			}
			lanes = append(lanes, some...)
		}
		return nil
	})
	return lanes, err
}

// keptFor is how long a topic keeps what its lanes stand on; nothing where it keeps all.
func keptFor(ctx context.Context, a *kafka.Admin, topic string, standing []pipeline.LaneSnapshot) (lanes []Headroom, err error) {
	kept, err := a.Keeping(ctx, topic)
	if err != nil || kept.Time <= 0 {
		return nil, err
	}
	at := map[record.Partition]int64{}
	for _, l := range standing {
		if first, known := at[l.Partition]; !known || l.At < first { // a partition may have several lanes
			at[l.Partition] = l.At
		}
	}
	safe, err := a.Protection(ctx, kept.Time, at)
	for _, l := range standing {
		left := time.Until(l.Head.Add(kept.Time))
		if safe[l.Partition] > 0 {
			left = max(left, safe[l.Partition])
		}
		lanes = append(lanes, Headroom{l.Partition, left})
	}
	return lanes, err
}

// warn says it once below a day and once below an hour.
func (t *retention) warn(uuid string, h Headroom) {
	key := uuid + h.Partition.String()
	var level time.Duration
	switch {
	case h.Left < warnAgain:
		level = warnAgain
	case h.Left < warnFirst:
		level = warnFirst
	default:
		delete(t.said, key)
		return
	}
	if said, ok := t.said[key]; ok && said <= level {
		return
	}
	t.said[key] = level
	t.e.cfg.Log.Warn("retention is about to remove records a lane stands on", "mapping", uuid,
		"partition", h.Partition.String(), "left", h.Left.Round(time.Second).String())
}

// of gives the last measurement of a mapping.
func (t *retention) of(uuid string) []Headroom {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.left[uuid]
}

// Headroom gives, for each lane that stands, the time until retention reaches it. It is
// measured every minute.
func (e *Engine) Headroom(uuid string) []Headroom { return e.retention.of(uuid) }
