package collect

import (
	"context"
	"time"

	"gantry/kafka"
	"gantry/record"
)

const (
	watchEvery = time.Second
	// restEvery is how seldom groups are looked at that do not move: only whether they do
	// is of interest.
	restEvery = 10
)

// watch is what was seen of commits and ends while they were watched.
type watch struct {
	from, to time.Time
	groups   map[string]*moves
	ends     map[record.Partition]int64 // when it began
}

// moves are the commits of one group.
type moves struct {
	last      map[record.Partition]int64
	movedAt   map[record.Partition]time.Time
	intervals []time.Duration
	steps     []float64
	total     int64
	points    []point
}

// point is a group at one moment.
type point struct {
	at         time.Time
	total, lag int64
}

// readWatch looks at commits and ends once a second for a while, and leaves the latest of
// both behind. Without a time to watch it does nothing.
func (r *reading) readWatch(ctx context.Context) error {
	if r.watch <= 0 {
		return nil
	}
	w := &watch{from: time.Now(), groups: map[string]*moves{}, ends: map[record.Partition]int64{}}
	for p, end := range r.end {
		w.ends[p] = end
	}
	r.watched = w
	r.note()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	ticks := max(1, int(r.watch/watchEvery))
	for n := 1; n <= ticks; n++ {
		r.progress("watching commits", n-1, ticks)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		if err := r.look(ctx, n, n == ticks); err != nil {
			return err
		}
		if time.Since(w.from) >= r.watch && n < ticks {
			return r.look(ctx, n, true) // a slow pace stretches the seconds
		}
	}
	return nil
}

// look is one second of the watch. Groups that move are looked at in each, with the ends
// of what they read; the others, after a first while, now and then.
func (r *reading) look(ctx context.Context, n int, all bool) error {
	var groups []*group
	ends := map[record.Partition]bool{}
	for _, g := range r.groups {
		moves := r.watched.groups[g.ID].total > 0
		if !all && !moves && n%restEvery != 0 && (n > restEvery || len(g.Members) == 0) {
			continue
		}
		groups = append(groups, g)
		for p := range g.positions {
			ends[p] = true
		}
	}
	// The ends come first: what is committed is then never more than what was there.
	if err := r.lookAtEnds(ctx, ends, all || n%restEvery == 0); err != nil {
		return err
	}
	if err := r.readPositions(ctx, groups); err != nil {
		return err
	}
	r.note()
	return nil
}

func (r *reading) lookAtEnds(ctx context.Context, of map[record.Partition]bool, all bool) error {
	known := make([]record.Partition, 0, len(r.end))
	for p := range r.end {
		if all || of[p] {
			known = append(known, p)
		}
	}
	ends, err := r.client.Marks(ctx, kafka.AtEnd, known)
	if err != nil {
		return err
	}
	for _, p := range known {
		if m := ends[p]; m.Err != nil {
			r.topicFailed(p.Topic, "its end was not seen while it was watched", m.Err)
		} else {
			r.end[p] = max(m.Offset, r.start[p])
		}
	}
	return nil
}

// note takes down how far each group has come.
func (r *reading) note() {
	now := time.Now()
	r.watched.to = now
	for _, g := range r.groups {
		m := r.watched.groups[g.ID]
		if m == nil {
			m = &moves{last: map[record.Partition]int64{}, movedAt: map[record.Partition]time.Time{}}
			r.watched.groups[g.ID] = m
		}
		var lag int64
		for p, at := range g.positions {
			lag += r.lag(p, at.At)
			m.step(p, at.At, now)
		}
		if g.readOK {
			m.points = append(m.points, point{now, m.total, lag})
		}
	}
}

// step notes a partition's position. One that was set back starts anew.
func (m *moves) step(p record.Partition, at int64, now time.Time) {
	before, seen := m.last[p]
	m.last[p] = at
	if !seen || at <= before {
		return
	}
	m.total += at - before
	m.steps = append(m.steps, float64(at-before))
	if last, moved := m.movedAt[p]; moved {
		m.intervals = append(m.intervals, now.Sub(last))
	}
	m.movedAt[p] = now
}
