package engine

import (
	"context"
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
	var lanes []Headroom
	if len(standing) > 0 {
		asking, cancel := context.WithTimeout(ctx, resolveTimeout)
		defer cancel()
		kept, err := t.kept(asking, r.Mapping.Source, standing)
		if err != nil {
			return
		}
		for _, l := range standing {
			if keep := kept[l.Partition.Topic]; keep > 0 {
				lanes = append(lanes, Headroom{l.Partition, time.Until(l.Head.Add(keep))})
			}
		}
	}
	t.mu.Lock()
	t.left[r.UUID] = lanes
	t.mu.Unlock()
	for _, h := range lanes {
		t.warn(r.UUID, h)
	}
}

// kept asks how long the topics of lanes keep their records.
func (t *retention) kept(ctx context.Context, src mapping.Source, of []pipeline.LaneSnapshot) (map[string]time.Duration, error) {
	kept := map[string]time.Duration{}
	err := t.e.admin(ctx, src, func(a *kafka.Admin) (err error) {
		for _, l := range of {
			topic := l.Partition.Topic
			if _, asked := kept[topic]; asked {
				continue
			}
			if kept[topic], err = a.Retention(ctx, topic); err != nil {
				return err
			}
		}
		return nil
	})
	return kept, err
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
