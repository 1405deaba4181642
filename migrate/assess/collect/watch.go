package collect

import (
	"context"
	"slices"
	"time"

	"gantry/kafka"
	"gantry/record"
)

const (
	watchEvery = time.Second
	// restEvery is how seldom groups without members are looked at: they are watched for
	// whether they move at all.
	restEvery = 10
	// endsAtOnce is how many partitions' ends are read each second; more take turns.
	endsAtOnce = 1000
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

// look is one second of the watch.
func (r *reading) look(ctx context.Context, n int, all bool) error {
	var groups []*group
	for _, g := range r.groups {
		if all || len(g.Members) > 0 || n%restEvery == 0 || r.watched.groups[g.ID].total > 0 {
			groups = append(groups, g)
		}
	}
	// The ends come first: what is committed is then never more than what was there.
	if err := r.lookAtEnds(ctx, n, all); err != nil {
		return err
	}
	if err := r.readPositions(ctx, groups); err != nil {
		return err
	}
	r.note()
	return nil
}

func (r *reading) lookAtEnds(ctx context.Context, n int, all bool) error {
	known := make([]record.Partition, 0, len(r.end))
	for p := range r.end {
		known = append(known, p)
	}
	if parts := 1 + (len(known)-1)/(endsAtOnce*max(1, r.layout.Brokers)); parts > 1 && !all {
		known = slices.DeleteFunc(known, func(p record.Partition) bool { return int(p.Index)%parts != n%parts })
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
