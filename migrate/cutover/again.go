package cutover

import (
	"context"
	"encoding/json"
	"time"

	"gantry/plan"
)

// A service that a fence removes in the middle of its work, and that is quick to come back,
// does what it had not committed again: alone, and before the seam. Kafka does not show which
// records these are, but between which positions they lie.

// before gives the positions of the old group when the fence is about to be set: what its
// service does twice by itself from then on lies behind them. A transaction may hide them;
// older ones bound it as well.
func (r *run) before(ctx context.Context, pre Preflight) plan.Offsets {
	at, err := r.committed(ctx, r.Plan.Service.Group)
	if err != nil {
		return pre.F0
	}
	return at
}

// fencedFrom reads them from the first line that intends a fence: one that was begun again
// found the service where the first had left it.
func fencedFrom(ahead []plan.Line) plan.Offsets {
	for _, l := range ahead {
		var i Intent
		if l.Step == plan.StepFence && l.Phase == plan.Intends && json.Unmarshal(l.Facts, &i) == nil {
			return i.From
		}
	}
	return nil
}

// moved counts, by partition, how far positions have come.
func moved(from, to plan.Offsets) plan.Offsets {
	counts := plan.Offsets{}
	each(from, func(topic string, p int32, at int64) {
		if now, ok := to.At(topic, p); ok && now > at {
			counts.Set(topic, p, now-at)
		}
	})
	return counts
}

// again lists what the old service may have done twice by itself when it has its work back:
// what it committed since the fence was about to be set, and, where it did not leave by
// itself, what it had in hand.
func (r *run) again(ctx context.Context, given Given) ([]Range, error) {
	from := fencedFrom(r.a.ahead)
	if from == nil {
		return nil, nil // nobody was removed
	}
	pre, _, err := facts[Preflight](r.a.ahead, plan.StepPreflight)
	if err != nil {
		return nil, err
	}
	stopped, _, err := facts[Stopped](r.a.ahead, plan.StepStop)
	if err != nil {
		return nil, err
	}
	logs, err := r.logs(ctx)
	if err != nil {
		return nil, err
	}
	back := given.Found
	if back == nil { // a transaction hid it
		if back, err = r.committed(ctx, r.Plan.Service.Group); err != nil {
			return nil, err
		}
	}
	inHand := plan.Offsets{}
	if stopped.Alive || len(moved(from, back)) > 0 {
		inHand = tailBound(pre.Sample, notice+time.Second+given.Took, back, logs.end)
	}
	counts := plan.Offsets{}
	each(from, func(topic string, p int32, at int64) {
		found, ok := back.At(topic, p)
		more, _ := inHand.At(topic, p)
		if n := max(found, at) - at + more; ok && n > 0 {
			counts.Set(topic, p, n)
		}
	})
	return rangesOf(from, counts, logs.end), nil
}
