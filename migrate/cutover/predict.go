package cutover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gantry/plan"
)

// predict says what the cutover is going to cost, from the sample and from the cutovers
// that this journal has measured.
func (r *run) predict(pre Preflight) (Prediction, error) {
	s := pre.Sample
	p := Prediction{
		Samples: r.measured, Headroom: pre.Headroom, Lag: s.Lag, LagTime: s.LagTime(),
		Tail: sum(tailBound(s, 0, positionsOr(pre.F0, pre.Start), pre.End)),
	}
	if len(p.Samples) > 0 {
		p.Pause, p.From, p.To = median(p.Samples), slices.Min(p.Samples), slices.Max(p.Samples)
		p.Basis = fmt.Sprintf("the median of %d measured pauses of this plan", len(p.Samples))
	} else {
		gap := r.Timing.Settle
		if r.Plan.Fence == plan.FenceWeak {
			gap = r.Timing.Rejoin
		}
		p.From = gap + 500*time.Millisecond
		p.Pause, p.To = p.From+1500*time.Millisecond, p.From+r.Plan.Stop.Wait
		p.Basis = "an estimate: how long the old service takes to stop has not been measured; a rehearsal does"
	}
	if s.Moves == 0 && s.Written > 0 && len(pre.Group.Members) > 0 {
		p.NoGo = append(p.NoGo, fmt.Sprintf("records came and nothing was committed in %s: the service stands, commits more rarely than that, or keeps its positions elsewhere; look longer, or at the service", s.Watched.Round(time.Second)))
	}
	if p.Headroom > 0 && p.Headroom < p.To && len(pre.Accepted) == 0 {
		p.NoGo = append(p.NoGo, fmt.Sprintf("retention reaches the group in %s, and the pause may take %s", p.Headroom.Round(time.Second), p.To))
	}
	if len(p.NoGo) > 0 {
		return p, fmt.Errorf("%w: %s", ErrNoGo, strings.Join(p.NoGo, "; "))
	}
	return p, nil
}

// positionsOr gives positions, and where there are none those of fallback.
func positionsOr(o, fallback plan.Offsets) plan.Offsets {
	out := plan.Offsets{}
	each(fallback, func(topic string, p int32, at int64) {
		if known, ok := o.At(topic, p); ok {
			at = known
		}
		out.Set(topic, p, at)
	})
	return out
}

func sum(o plan.Offsets) (n int64) {
	each(o, func(_ string, _ int32, v int64) { n += v })
	return n
}

// pauses are those of the cutovers in a journal that ran through.
func pauses(lines []plan.Line) []time.Duration {
	var all []time.Duration
	back := false
	for _, l := range lines {
		switch {
		case l.Step == plan.StepPreflight:
			back = false
		case l.Step == plan.StepHalt:
			back = true
		case l.Step == plan.StepProve && l.Phase == plan.Did && !back:
			var p Proof
			if json.Unmarshal(l.Facts, &p) == nil && !p.Resumed && !p.Idle && p.Pause > 0 {
				all = append(all, p.Pause)
			}
		}
	}
	return all
}

// approve waits for the second operator.
func (r *run) approve(ctx context.Context, p Prediction) (Approval, error) {
	if r.Approve == nil {
		return Approval{}, fmt.Errorf("the plan wants the word of %s (approveBy), and there is no way to ask", r.Plan.ApproveBy)
	}
	key, err := r.Approve(ctx, p)
	if err == nil && key != r.Plan.ApproveBy {
		err = errors.New("it was given by " + key + ", and the plan wants " + r.Plan.ApproveBy)
	}
	if err != nil {
		return Approval{}, fmt.Errorf("approval: %w", err)
	}
	return Approval{KeyID: key}, nil
}
