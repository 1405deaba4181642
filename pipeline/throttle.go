package pipeline

import "gantry/function"

// throttle shrinks the concurrency while the target refuses for load, and lets it grow
// again: additive increase, multiplicative decrease. Zero means not throttled.
type throttle struct{ limit float64 }

func (t *throttle) note(out function.Outcome, most int) {
	switch {
	case out.Throttled:
		if t.limit == 0 {
			t.limit = float64(most)
		}
		t.limit = max(1, t.limit/2)
	case t.limit > 0 && out.Class == function.Succeeded:
		t.limit += 1 / t.limit
		if t.limit >= float64(most) {
			t.limit = 0
		}
	}
}

func (t *throttle) bound(limit int) int {
	if t.limit == 0 {
		return limit
	}
	return min(limit, int(t.limit))
}
