package cutover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gantry/plan"
)

// attempt is the part of a journal that counts: one cutover from its preflight on, and its
// rollback if there was one.
type attempt struct {
	ahead []plan.Line // up to the first halt
	back  []plan.Line // from it on
}

// attemptIn finds the last one.
func attemptIn(lines []plan.Line) attempt {
	from := -1
	for i, l := range lines {
		if l.Step == plan.StepPreflight && l.Phase == plan.Intends {
			from = i
		}
	}
	if from < 0 {
		return attempt{}
	}
	a := attempt{ahead: lines[from:]}
	if halt := slices.IndexFunc(a.ahead, func(l plan.Line) bool { return l.Step == plan.StepHalt }); halt >= 0 {
		a.ahead, a.back = a.ahead[:halt], a.ahead[halt:]
	}
	return a
}

func last(lines []plan.Line, step plan.Step, phase plan.Phase) (plan.Line, bool) {
	for _, l := range slices.Backward(lines) {
		if l.Step == step && l.Phase == phase {
			return l, true
		}
	}
	return plan.Line{}, false
}

func has(lines []plan.Line, step plan.Step, phase plan.Phase) bool {
	_, ok := last(lines, step, phase)
	return ok
}

// intended says whether a step of the cutover may have changed something.
func (a attempt) intended(step plan.Step) bool { return has(a.ahead, step, plan.Intends) }

func (a attempt) proven() bool  { return has(a.ahead, plan.StepProve, plan.Did) && len(a.back) == 0 }
func (a attempt) watched() bool { return has(a.ahead, plan.StepWatch, plan.Did) && len(a.back) == 0 }

// wish is what people asked for when it began.
func (a attempt) wish() (w Wish) {
	if l, ok := last(a.ahead, plan.StepPreflight, plan.Intends); ok {
		_ = json.Unmarshal(l.Facts, &w) // lines without one wish nothing
	}
	return w
}

// underWay says that it may have changed something and has not come to its end.
func (a attempt) underWay() bool {
	switch {
	case a.backUnderWay(), a.releasing():
		return true
	case a.over(), a.watched():
		return false
	}
	return a.intended(plan.StepStop)
}

// releasing says that a release was cut: neither done, nor failed.
func (a attempt) releasing() bool {
	for _, l := range slices.Backward(a.ahead) {
		if l.Step == plan.StepRelease {
			return l.Phase == plan.Intends
		}
	}
	return false
}

func (a attempt) keepsFence() bool {
	var i Intent
	l, ok := last(a.ahead, plan.StepRelease, plan.Intends)
	return ok && json.Unmarshal(l.Facts, &i) == nil && i.Keep
}

func (a attempt) backUnderWay() bool {
	return len(a.back) > 0 && !has(a.back, plan.StepProve, plan.Did)
}

// over says that the next cutover is a new one: the work was given back, or nothing was
// changed when it failed.
func (a attempt) over() bool {
	if len(a.back) > 0 {
		return has(a.back, plan.StepProve, plan.Did)
	}
	if len(a.ahead) == 0 || a.intended(plan.StepStop) {
		return false
	}
	return a.ahead[len(a.ahead)-1].Phase == plan.Failed
}

// facts reads what a step wrote when it did something, or the zero value.
func facts[T any](lines []plan.Line, step plan.Step) (T, bool, error) {
	var f T
	l, ok := last(lines, step, plan.Did)
	if !ok {
		return f, false, nil
	}
	if err := json.Unmarshal(l.Facts, &f); err != nil {
		return f, false, fmt.Errorf("read what step %s wrote: %w", step, err)
	}
	return f, true, nil
}

// run is one call: the configuration, and what was done before it.
type run struct {
	Config
	a        attempt
	back     bool // it is a rollback that writes
	resumed  bool // an earlier call began it
	wish     Wish
	measured []time.Duration // pauses of the cutovers in the journal
}

func (p *Protocol) load(ctx context.Context) (*run, error) {
	lines, err := p.cfg.Journal.Lines(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the journal of plan %s: %w", p.cfg.Plan.Name, err)
	}
	a := attemptIn(lines)
	return &run{Config: p.cfg, a: a, wish: a.wish(), measured: pauses(lines)}, nil
}

// write puts a line into the journal, and into what this run knows.
func (r *run) write(ctx context.Context, step plan.Step, phase plan.Phase, f any) error {
	if err := r.Journal.Write(ctx, step, phase, f); err != nil {
		return fmt.Errorf("write %s %s: %w: %w", step, phase, errJournal, err)
	}
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("write %s %s: %w: %w", step, phase, errJournal, err)
	}
	line := plan.Line{Step: step, Phase: phase, Facts: text}
	if r.back {
		r.a.back = append(slices.Clip(r.a.back), line)
	} else {
		r.a.ahead = append(slices.Clip(r.a.ahead), line)
	}
	return nil
}

// do takes one step: not again if it is done, and with what it intends in the journal
// before it acts. A step that was cut (ctx ended, the process died) has no end in the
// journal, and is taken again; so each looks at the world before it acts.
func do[T any](ctx context.Context, r *run, step plan.Step, intends any, act func(context.Context) (T, error)) (T, error) {
	lines := r.a.ahead
	if r.back {
		lines = r.a.back
	}
	if f, done, err := facts[T](lines, step); done || err != nil {
		return f, err
	}
	var none T
	if err := r.write(ctx, step, plan.Intends, intends); err != nil {
		return none, err
	}
	f, err := act(ctx)
	if err != nil {
		if ctx.Err() == nil {
			err = errors.Join(err, r.write(ctx, step, plan.Failed, Failure{Error: err.Error(), Facts: f}))
		}
		return f, fmt.Errorf("%s: %w", step, err)
	}
	return f, r.write(ctx, step, plan.Did, f)
}

// StateAfter says in which state a migration is when a step has written a line, from the
// state before it.
func StateAfter(before plan.State, step plan.Step, phase plan.Phase) plan.State {
	to := before
	switch {
	case step == plan.StepShadow && phase == plan.Intends:
		to = plan.Shadowing
	case step == plan.StepShadow && phase == plan.Failed:
		to = plan.Planned
	case step == plan.StepReport && phase == plan.Did:
		to = plan.Shadowed
	case step == plan.StepStop && phase == plan.Intends:
		to = plan.CuttingOver
	case step == plan.StepHalt && phase == plan.Intends:
		to = plan.RollingBack
	case step == plan.StepProve && phase == plan.Did && before == plan.CuttingOver:
		to = plan.Watching
	case step == plan.StepProve && phase == plan.Did && before == plan.RollingBack:
		to = plan.RolledBack
	case step == plan.StepWatch && phase == plan.Did:
		to = plan.Moved
	case step == plan.StepRelease && phase == plan.Did:
		to = plan.Released
	}
	if before.May(to) {
		return to
	}
	return before
}
