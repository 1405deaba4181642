package migrate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gantry/migrate/cutover"
	"gantry/migrate/shadow"
	"gantry/plan"
	"gantry/store"
)

// Shadow runs the functions beside the old service, without effect, until it is ended or has
// lasted for as long as it should, and writes down what it showed.
func (m *Migrations) Shadow(ctx context.Context, o Order) error {
	return m.act(ctx, o, func(a *acting) error {
		if err := a.may("run in shadow", plan.Planned, plan.Shadowed, plan.RolledBack, plan.Shadowing); err != nil {
			return err
		}
		if a.state != plan.Shadowing {
			if err := a.shadowable(ctx); err != nil {
				return err
			}
		}
		return a.shadow(ctx)
	})
}

func (a *acting) drop(ctx context.Context, why string) error {
	return shadow.Drop(ctx, a.journal, &shadowed{a.m.functionsOf(a.stored.Plan, a.order.By)}, why)
}

func (a *acting) shadow(ctx context.Context) error {
	if why, ok := shadow.Dropped(a.l.Lines()); ok {
		return a.drop(ctx, why)
	}
	name := a.stored.Plan.Name
	said := time.Now()
	s, err := shadow.Run(ctx, shadow.Config{
		Plan: a.stored.Plan, Admin: a.admin, Journal: a.journal, Functions: &shadowed{a.m.functionsOf(a.stored.Plan, a.order.By)},
		Tell: func(text string) { a.tell(Event{Text: text, State: a.state}) }, End: a.order.end, For: a.order.For,
		Show: func(s plan.Shadow) {
			a.m.keepShadow(name, s)
			if time.Since(said) >= 10*time.Second {
				said = time.Now()
				a.tell(Event{Text: inShort(s), State: a.state})
			}
		},
		Measure: a.measure, Timing: a.m.cfg.Shadow,
	})
	if err == nil {
		a.tell(Event{Text: inShort(s), State: a.state})
	}
	return err
}

// measure is what the functions took, each with the records of the whole mapping.
func (a *acting) measure() (all []plan.Measured) {
	if a.m.cfg.Measure == nil {
		return nil
	}
	f := &shadowed{a.m.functionsOf(a.stored.Plan, a.order.By)}
	did, err := a.m.cfg.Progress(f.id())
	if err != nil {
		return nil
	}
	for _, fn := range a.stored.Plan.Functions {
		m := a.m.cfg.Measure(fn.Name)
		m.Function, m.Records = fn.Name, did.Records
		all = append(all, m)
	}
	return all
}

func inShort(s plan.Shadow) string {
	var judged, wrong, pending int64
	for i := range s.Outputs {
		o := &s.Outputs[i]
		judged += o.Judged()
		wrong += o.Judged() - o.Equal - o.Masked
		pending += o.Pending
	}
	gates := "its gates are passed"
	if !s.Passed {
		gates = "not passed: " + strings.Join(unmet(s), ", ")
	}
	return fmt.Sprintf("%d records processed by both, %d outputs compared, %d differ, %d pending; %s", s.Inputs, judged, wrong, pending, gates)
}

func unmet(s plan.Shadow) (names []string) {
	for _, g := range s.Gates {
		if !g.Passed {
			names = append(names, fmt.Sprintf("%s (want %s, have %s)", g.Name, g.Want, g.Have))
		}
	}
	return names
}

// Result is what the shadow run of a plan shows now, or showed when it ended.
func (m *Migrations) Result(ctx context.Context, name string) (plan.Shadow, error) {
	m.mu.Lock()
	s, ok := m.shadows[name]
	m.mu.Unlock()
	if ok && m.shadowing(name) {
		return s, nil
	}
	lines, err := m.Lines(ctx, name)
	if err != nil {
		return plan.Shadow{}, err
	}
	s, ok, err = shadow.Last(lines)
	if err == nil && !ok {
		err = fmt.Errorf("plan %s: no shadow run of it has ended, and none is under way in this gantry; gantry migrate shadow %s begins one: %w", name, name, store.ErrNotFound)
	}
	return s, err
}

func (m *Migrations) keepShadow(name string, s plan.Shadow) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.shadows[name] = s
}

// shadowing says whether a shadow run is under way here.
func (m *Migrations) shadowing(name string) bool {
	r := m.Running(name)
	if r == nil || r.Ended() {
		return false
	}
	s, err := m.Get(context.Background(), name)
	return err == nil && (s.State == plan.Shadowing || r.Act == ActShadow)
}

// dropShadow ends a shadow run without a word of what it showed.
func (m *Migrations) dropShadow(ctx context.Context, o Order) error {
	return m.act(ctx, o, func(a *acting) error {
		return a.drop(ctx, "aborted by "+o.By.Actor+": "+o.By.Reason)
	})
}

// gates refuses to go on where no shadow run of the plan has shown what it demands, unless
// somebody takes that on himself.
func (a *acting) gates(ctx context.Context) error {
	no := a.m.gatesUnmet(ctx, a.stored.Plan, a.l.Lines())
	switch {
	case no == "":
		return nil
	case a.order.Waive:
		return a.Write(ctx, plan.StepWaive, plan.Did, map[string]string{"unmet": no, "by": a.order.By.Actor, "reason": a.order.By.Reason})
	}
	return fmt.Errorf("plan %s: %s: %w", a.stored.Plan.Name, no, ErrState)
}

// gatesUnmet says why a cutover would go on without what the gates demand; "" = it would not.
func (m *Migrations) gatesUnmet(ctx context.Context, p plan.Plan, lines []plan.Line) string {
	const or = "; gantry migrate shadow shows it, or --without-shadow goes on all the same, which the ledger keeps with your reason"
	s, ok, err := shadow.Last(lines)
	switch {
	case err != nil:
		return err.Error()
	case !ok:
		return "no shadow run has shown what gates: demands since the plan was written" + or
	case !s.Passed:
		return "the last shadow run did not pass: " + strings.Join(unmet(s), ", ") + or
	}
	if err := m.functionsOf(p, store.Write{}).sameFunctions(ctx, lines); err != nil {
		return err.Error() + or
	}
	return ""
}

// ready looks once more right before the old service is asked to stop: a second operator may
// have thought for hours.
func (a *acting) ready(ctx context.Context) error {
	if a.order.Waive {
		return nil
	}
	if no := a.m.gatesUnmet(ctx, a.stored.Plan, a.l.Lines()); no != "" {
		return fmt.Errorf("plan %s: %s: %w", a.stored.Plan.Name, no, ErrState)
	}
	return nil
}

// lookFor is how long the old group's commits are watched: longer than the 5 s in which Java's
// consumer commits by itself.
const lookFor = 6 * time.Second

// shadowable names everything that stands against a shadow run, and changes nothing.
func (a *acting) shadowable(ctx context.Context) error {
	p := a.stored.Plan
	a.tell(Event{Text: "looks at the old service for some seconds", State: a.state})
	looking := a.config()
	looking.Timing.Sample = min(looking.Timing.Sample, lookFor) // nothing is predicted by it
	if looking.Timing.Sample == 0 {
		looking.Timing.Sample = lookFor
	}
	pre, _, err := cutover.New(looking).Look(ctx)
	if err != nil {
		return err
	}
	var faults []string
	switch {
	case !pre.Group.Exists:
		faults = append(faults, fmt.Sprintf("the cluster has no group %s: its name in the plan is wrong, or it has expired", p.Service.Group))
	case cutover.Refusal(p.Service.Group, pre.Class, pre.Why) != "":
		faults = append(faults, cutover.Refusal(p.Service.Group, pre.Class, pre.Why))
	}
	f := &shadowed{a.m.functionsOf(p, a.order.By)}
	if faults = append(faults, f.check(ctx)...); len(faults) > 0 {
		return fmt.Errorf("run plan %s in shadow: %w", p.Name, &cutover.FaultsError{Faults: faults})
	}
	return nil
}
