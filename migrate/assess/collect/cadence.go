package collect

import (
	"slices"
	"time"

	"gantry/workload"
)

// leastDrain is the shortest time a drain is measured over: commits come in jumps, and
// within one of them a rate is no rate.
const leastDrain = 10 * time.Second

// moved gives how many records a group's commits moved over, and how long it was watched.
func (w *watch) moved(group string) (int64, time.Duration) {
	if w == nil || w.groups[group] == nil {
		return 0, 0
	}
	return w.groups[group].total, w.to.Sub(w.from)
}

// cadence gives how a group commits; nil = it was not watched.
func (w *watch) cadence(group string) *workload.Cadence {
	if w == nil || w.groups[group] == nil {
		return nil
	}
	m := w.groups[group]
	c := &workload.Cadence{Watched: w.to.Sub(w.from), Interval: median(m.intervals), Step: median(m.steps)}
	c.Rate = m.rate(c.Watched)
	c.Drain = m.drain(max(leastDrain, 2*c.Interval), c.Watched)
	return c
}

// rate counts from the first move to the last where there are several: what was under
// way when the watch began and ended would otherwise be cut.
func (m *moves) rate(watched time.Duration) float64 {
	if watched <= 0 {
		return 0
	}
	first, last := -1, -1
	for i := 1; i < len(m.points); i++ {
		if m.points[i].total > m.points[i-1].total {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 || last == first {
		return float64(m.total) / watched.Seconds()
	}
	a, b := m.points[first], m.points[last]
	return float64(b.total-a.total) / b.at.Sub(a.at).Seconds()
}

// drain is the highest rate over a window in which the group never ran out of work: when
// the window began it was as far behind as what it then committed.
func (m *moves) drain(window, watched time.Duration) float64 {
	window = min(window, watched)
	best := 0.0
	for i, from := range m.points {
		for _, to := range m.points[i+1:] {
			took := to.at.Sub(from.at)
			if took < window-watchEvery/2 {
				continue
			}
			if did := to.total - from.total; did > 0 && from.lag >= did && took > 0 {
				best = max(best, float64(did)/took.Seconds())
			}
			break
		}
	}
	return best
}

func median[T time.Duration | float64](of []T) T {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}
