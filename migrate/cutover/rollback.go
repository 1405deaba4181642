package cutover

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gantry/kafka"
	"gantry/plan"
)

// Rollback gives the work back to the old service, from any step, or goes on with a rollback
// that was begun. ErrNothing where the old service was never asked to stop.
func (p *Protocol) Rollback(ctx context.Context, reason string) (Returned, error) {
	r, err := p.load(ctx)
	if err != nil {
		return Returned{}, err
	}
	if !r.a.intended(plan.StepStop) || r.a.over() {
		return Returned{}, ErrNothing
	}
	if r.a.intended(plan.StepRelease) {
		return Returned{}, ErrReleased
	}
	r.resumed, r.back = len(r.a.back) > 0, true
	halted, err := do(ctx, r, plan.StepHalt, Intent{Group: r.Plan.CutoverGroup(), Reason: reason}, r.halt)
	if err != nil {
		return Returned{}, err
	}
	to, err := r.target(ctx, halted)
	if err != nil {
		return Returned{}, err
	}
	given, err := do(ctx, r, plan.StepReturn, Intent{Group: r.Plan.Service.Group, To: to}, func(ctx context.Context) (Given, error) { return r.giveBack(ctx, to) })
	if err != nil {
		return Returned{}, err
	}
	if r.a.intended(plan.StepFence) && r.Plan.Fence != plan.FenceWeak {
		if _, err := do(ctx, r, plan.StepUnfence, r.fenceIntent(), r.unfence); err != nil {
			return Returned{}, err
		}
	}
	restarted, err := do(ctx, r, plan.StepRestart, Intent{Group: r.Plan.Service.Group, Command: r.Plan.Stop.Start}, r.restart)
	if err != nil {
		return Returned{}, err
	}
	return do(ctx, r, plan.StepProve, nil, func(ctx context.Context) (Returned, error) {
		return r.proveReturn(ctx, halted, given, restarted)
	})
}

// halt stops the functions and reads where they stand, for good.
func (r *run) halt(ctx context.Context) (Halted, error) {
	group := r.Plan.CutoverGroup()
	h := Halted{Began: r.asked(), Group: group, Ran: r.a.intended(plan.StepStart)}
	if !h.Ran {
		return h, nil
	}
	if err := r.Mappings.Disable(ctx, group); err != nil {
		return h, fmt.Errorf("disable the mapping: %w", err)
	}
	if err := r.vacate(ctx, group); err != nil {
		return h, err
	}
	f2, err := r.stable(ctx, group)
	if err != nil {
		return h, err
	}
	h.F2, h.Outputs, h.Took = f2, r.outputEnds(ctx), time.Since(h.Began)
	return h, nil
}

// asked is when the first word to halt was written.
func (r *run) asked() time.Time {
	for _, l := range r.a.back {
		if l.Step == plan.StepHalt && !l.At.IsZero() {
			return l.At
		}
	}
	return time.Now()
}

// vacate waits until the functions' group is empty twice. An API that answers has not
// disabled anything yet: the group knows. Members of a process that died are removed.
func (r *run) vacate(ctx context.Context, group string) error {
	left, err := r.empty(ctx, group, r.Plan.Stop.Wait)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		r.Tell(fmt.Sprintf("%d members of group %s did not leave within %s: they are removed", len(left), group, r.Plan.Stop.Wait))
	}
	for range 2 {
		if _, err := r.removeAll(ctx, group, r.Timing.Poll); err != nil {
			return err
		}
		if err := sleep(ctx, r.Timing.Settle); err != nil {
			return err
		}
	}
	g, err := r.Admin.GroupState(ctx, group)
	if err == nil && !free(g) {
		err = fmt.Errorf("group %s does not stay empty: the mapping runs somewhere else", group)
	}
	return err
}

// target is where the old service is to go on; nil = its positions were never changed, or
// nothing has changed them.
func (r *run) target(ctx context.Context, halted Halted) (plan.Offsets, error) {
	settled, done, err := facts[Settled](r.a.ahead, plan.StepSettle)
	if err != nil || !done {
		return nil, err
	}
	if !halted.Ran || r.Plan.Rollback == plan.Replay {
		return settled.F1, nil // after a week in an empty group it has expired there, and is here
	}
	logs, err := r.logs(ctx)
	if err != nil {
		return nil, err
	}
	to := plan.Offsets{}
	each(logs.start, func(topic string, p int32, start int64) {
		at, ok := halted.F2.At(topic, p)
		if f1, known := settled.F1.At(topic, p); known && (!ok || at < f1) {
			at, ok = f1, true
		}
		if !ok { // a partition that was added and that nobody has read
			at = start
		}
		to.Set(topic, p, at)
	})
	return to, nil
}

// giveBack sets the old group's positions. The broker refuses it while the old service is
// there, so it happens behind the fence.
func (r *run) giveBack(ctx context.Context, to plan.Offsets) (Given, error) {
	g := Given{Way: r.Plan.Rollback, To: to}
	group, began := r.Plan.Service.Group, time.Now()
	found, err := r.committed(ctx, group)
	if errors.Is(err, kafka.ErrPending) && to != nil {
		found, err = r.stable(ctx, group)
	}
	if err != nil && to != nil {
		return g, err
	}
	g.Found = found
	if to == nil || same(found, to) {
		g.Untouched = true
		return g, nil
	}
	err = r.commitBehind(ctx, group, to)
	g.Took = time.Since(began)
	return g, err
}

// commitBehind commits while the old service is kept away. Where no ACL does that it may be
// back already: it is asked to stop once more, and the commit falls between two of its
// returns.
func (r *run) commitBehind(ctx context.Context, group string, to plan.Offsets) error {
	there, err := r.empty(ctx, group, 0)
	if err != nil {
		return err
	}
	if len(there) > 0 {
		if hook := r.Plan.Stop.Hook; len(hook) == 0 {
			r.Tell(fmt.Sprintf("the old service is in group %s already: stop it, so that its positions can be set", group))
		} else if err := r.hook(ctx, plan.StepStop, hook); err != nil {
			return fmt.Errorf("the stop hook failed: %w", err)
		}
	}
	for until := time.Now().Add(r.Plan.Stop.Wait); ; {
		if _, err := r.removeAll(ctx, group, r.Timing.Poll); err != nil {
			return err
		}
		err := r.commit(ctx, group, to)
		if !errors.Is(err, kafka.ErrGroupBusy) || time.Now().After(until) {
			return err
		}
	}
}

func (r *run) unfence(ctx context.Context) (Unfenced, error) {
	if r.Plan.Fence == plan.FenceOperator {
		_, err := r.byOperator(ctx, false)
		return Unfenced{Removed: err == nil}, err
	}
	removed, err := r.Admin.UndenyGroup(ctx, r.Plan.Service.Principal, r.Plan.Service.Group)
	if err == nil {
		err = r.denied(ctx, false)
	}
	return Unfenced{Removed: removed}, err
}

// restart asks the old service to start and waits until its group has members. Where it did
// not run before the cutover nobody is waited for.
func (r *run) restart(ctx context.Context) (Restarted, error) {
	s := Restarted{At: time.Now()}
	pre, _, err := facts[Preflight](r.a.ahead, plan.StepPreflight)
	if err != nil {
		return s, err
	}
	if hook := r.Plan.Stop.Start; len(hook) > 0 {
		if err := r.hook(ctx, plan.StepRestart, hook); err != nil {
			return s, fmt.Errorf("the start hook failed: %w", err)
		}
	} else if len(pre.Group.Members) > 0 {
		r.Tell(fmt.Sprintf("start the service of group %s now; gantry waits %s for its members. A member that was refused may not come back by itself: start it anew", r.Plan.Service.Group, r.Plan.Stop.Wait))
	}
	if len(pre.Group.Members) == 0 && len(r.Plan.Stop.Start) == 0 {
		return s, nil
	}
	until := time.Now().Add(r.Plan.Stop.Wait)
	for {
		g, err := r.Admin.GroupState(ctx, r.Plan.Service.Group)
		if err != nil {
			return s, err
		}
		if s.Members = len(g.Members); s.Members > 0 {
			return s, nil
		}
		if time.Now().After(until) {
			return s, fmt.Errorf("group %s has no members %s after the old service was asked to start: start it, then resume", r.Plan.Service.Group, r.Plan.Stop.Wait)
		}
		if err := sleep(ctx, r.Timing.Poll); err != nil {
			return s, err
		}
	}
}

// proveReturn shows that the old service works again, from where it was to.
func (r *run) proveReturn(ctx context.Context, h Halted, given Given, restarted Restarted) (Returned, error) {
	reason := reasonOf(r.a.back)
	ret := Returned{Reason: reason}
	from := given.To
	each(from, func(topic string, p int32, at int64) {
		end := at
		if f2, ok := h.F2.At(topic, p); ok {
			end = f2
		}
		ret.Seams = append(ret.Seams, plan.Seam{Topic: topic, Partition: p, OldEnd: end, NewStart: at})
	})
	if restarted.Members > 0 {
		if err := r.worksAgain(ctx, h, from, &ret); err != nil {
			return ret, err
		}
	}
	var err error
	if ret.Again, err = r.again(ctx, given); err != nil {
		return ret, err
	}
	ret.Meanwhile = r.meanwhile(ctx, h)
	return ret, nil
}

func (r *run) worksAgain(ctx context.Context, h Halted, from plan.Offsets, ret *Returned) error {
	group := r.Plan.Service.Group
	until := time.Now().Add(r.Timing.Prove + r.Plan.Stop.Wait)
	for {
		g, err := r.Admin.GroupState(ctx, group)
		if err != nil {
			return err
		}
		logs, err := r.logs(ctx)
		if err != nil {
			return err
		}
		at, err := r.Admin.Settled(ctx, group)
		now := r.of(plain(at))
		if from == nil { // its positions were never changed: the first look counts
			from = now
		}
		moved, left := behind(from, now) > 0, behind(from, logs.end) > 0
		if err == nil && (moved || !left) && ret.Pause == 0 {
			ret.Pause, ret.Idle = time.Since(h.Began), !moved
		}
		open := unassigned(g, logs.end)
		if ret.Pause > 0 && len(open) == 0 {
			ret.Members = clients(g)
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("the old service has not shown that it works: %d members, nobody has %v, committed behind the seam: %t", len(g.Members), open, moved)
		}
		if err := sleep(ctx, r.Timing.Poll); err != nil {
			return err
		}
	}
}

func clients(g kafka.Group) []string {
	var all []string
	for _, m := range g.Members {
		all = append(all, m.ClientID+" "+m.Host)
	}
	return all
}
