package handover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// forward goes through the steps; each does what is left of it.
func (r *run) forward(ctx context.Context) error {
	remote, err := r.There.Look(ctx)
	if err != nil {
		return err
	}
	asked, _, err := r.Here.Paused(ctx)
	if err != nil {
		return err
	}
	if asked && (remote.State == "Enabled" || remote.State == "Enabling") {
		r.given = true
		if err := r.keepOff(ctx); err != nil {
			return err
		}
		r.say("enable", OK, "was done before: AWS's mapping is %s and %s is paused", remote.State, r.Name)
		if r.final, err = r.Here.Offsets(ctx); err != nil {
			return err
		}
		return r.watch(ctx)
	}
	for _, step := range []func(context.Context) error{r.pause, r.settled, r.enable, r.watch} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pause stops the mapping here and waits until the group has no member.
func (r *run) pause(ctx context.Context) error {
	if err := r.keepOff(ctx); err != nil {
		return err
	}
	r.say("pause", Begun, "%s is to stop", r.Name)
	var stopped bool
	err := r.until(ctx, func(ctx context.Context) (bool, error) {
		var err error
		_, stopped, err = r.Here.Paused(ctx)
		return stopped, err
	}, func() string { return r.Name + " has not stopped: an invocation is still running" })
	if err != nil {
		return err
	}
	r.say("pause", OK, "%s has stopped", r.Name)
	return r.empty(ctx)
}

// keepOff stops the mapping here, and keeps it off where its owner had paused it before.
func (r *run) keepOff(ctx context.Context) error {
	if err := r.Here.Pause(ctx); err != nil {
		return fmt.Errorf("pause %s: %w", r.Name, err)
	}
	return nil
}

// empty waits until the group has no member: not what an API answered counts, but what the
// coordinator says.
func (r *run) empty(ctx context.Context) error {
	var last Group
	err := r.until(ctx, func(ctx context.Context) (bool, error) {
		g, err := r.Here.Group(ctx)
		if err == nil { // one that was cut has a state and no members yet
			last = g
		}
		return len(g.Members) == 0 && slices.Contains([]string{"Empty", "Dead", ""}, g.State), err
	}, func() string {
		return fmt.Sprintf("group %s is %s with %s", r.Want.Group, last.State, cmp.Or(strings.Join(last.Members, ", "), "no member"))
	})
	if err == nil {
		r.say("empty", OK, "group %s has no member", r.Want.Group)
	}
	return err
}

// settled reads the final offsets: twice the same, and for every partition a place that is
// still there, because AWS begins elsewhere in a partition without one.
func (r *run) settled(ctx context.Context) error {
	var before []Partition
	err := r.until(ctx, func(ctx context.Context) (bool, error) {
		now, err := r.Here.Offsets(ctx)
		same := err == nil && before != nil && slices.EqualFunc(before, now, func(x, y Partition) bool { return x.Committed == y.Committed })
		before = now
		return same, err
	}, func() string { return "the committed offsets of group " + r.Want.Group + " do not come to rest" })
	if err != nil {
		return err
	}
	var without []string
	for _, p := range before {
		if p.Committed < 0 || p.Committed < p.Start {
			without = append(without, fmt.Sprintf("%s-%d", p.Topic, p.Index))
		}
	}
	if len(without) > 0 {
		return fmt.Errorf("group %s has no place in %s that is still there: AWS would begin at its StartingPosition", r.Want.Group, strings.Join(without, ", "))
	}
	r.final = before
	r.say("settle", OK, "the last commits: %s", places(before))
	return nil
}

func places(list []Partition) string {
	var out []string
	for _, p := range list {
		out = append(out, fmt.Sprintf("%s-%d at %d of %d", p.Topic, p.Index, p.Committed, p.End))
	}
	return strings.Join(out, ", ")
}

func (r *run) enable(ctx context.Context) error {
	r.given = true // from here on it may have been, whatever the answer is
	if err := r.inAWS(ctx, true); err != nil {
		return err
	}
	r.say("enable", Begun, "AWS's mapping is to start")
	return nil
}

// inAWS turns AWS's mapping on or off, as soon as what it does before is done.
func (r *run) inAWS(ctx context.Context, on bool) error {
	var said error
	err := r.until(ctx, func(ctx context.Context) (bool, error) {
		said = r.There.Enable(ctx, on)
		return said == nil, nil
	}, func() string { return fmt.Sprintf("AWS does not take Enabled=%t: %v", on, said) })
	if err == nil {
		r.Audit("UpdateEventSourceMapping", fmt.Sprintf("Enabled=%t", on))
	}
	return err
}

// watch waits until AWS's members have committed. Where there is nothing to read there is
// nothing to commit, and that they are members is the proof there is.
func (r *run) watch(ctx context.Context) error {
	var remote Remote
	var group Group
	var idle bool
	err := r.until(ctx, func(ctx context.Context) (bool, error) {
		var err error
		if remote, err = r.There.Look(ctx); err != nil || remote.State != "Enabled" {
			return false, err
		}
		if group, err = r.Here.Group(ctx); err != nil || group.State != "Stable" || len(group.Members) == 0 {
			return false, err
		}
		now, err := r.Here.Offsets(ctx)
		var moved bool
		moved, idle = compare(r.final, now)
		return err == nil && (moved || idle), err
	}, func() string {
		return fmt.Sprintf("AWS's mapping is %s (%s %s), group %s is %s with %d members, and nothing was committed", remote.State, remote.Result, remote.Reason, r.Want.Group, cmp.Or(group.State, "not there"), len(group.Members))
	})
	switch {
	case err != nil:
		return err
	case idle:
		r.say("watch", OK, "AWS has joined (%s); there is nothing to read, so there is no commit to see yet", strings.Join(group.Members, ", "))
	default:
		r.say("watch", OK, "AWS has joined (%s) and has committed", strings.Join(group.Members, ", "))
	}
	return nil
}

// compare says whether a group moved on, and whether it is at the end of every partition.
func compare(before, now []Partition) (moved, idle bool) {
	idle = true
	for _, p := range now {
		at := slices.IndexFunc(before, func(b Partition) bool { return b.Topic == p.Topic && b.Index == p.Index })
		moved = moved || at >= 0 && p.Committed > before[at].Committed
		idle = idle && p.Committed >= p.End
	}
	return moved, idle
}

// back goes on here. Where AWS may have been enabled it is disabled first and the group is
// waited for until it is empty: with AWS's members in it both would read.
func (r *run) back(ctx context.Context, why error) error {
	r.say("give back", Begun, "%v", why)
	within, cancel := context.WithTimeout(ctx, r.Within)
	defer cancel()
	if r.given {
		if err := r.takeBack(within); err != nil {
			return r.broken(fmt.Sprintf("%s stays paused and AWS's mapping may still read: disable it, wait until group %s is empty, then gantry resume %s", r.Name, r.Want.Group, r.Name), errors.Join(why, err))
		}
	}
	if err := r.Here.Resume(within); err != nil {
		return r.broken(fmt.Sprintf("AWS's mapping is disabled and %s is still paused: gantry resume %s", r.Name, r.Name), errors.Join(why, err))
	}
	r.say("give back", Given, "%s goes on here; AWS's mapping is disabled", r.Name)
	return fmt.Errorf("%w: %w", ErrGivenBack, why)
}

// takeBack disables AWS's mapping and waits until it has left.
func (r *run) takeBack(within context.Context) error {
	remote, err := r.There.Look(within)
	if err == nil && remote.State != "Disabled" {
		err = r.inAWS(within, false)
	}
	if err == nil {
		err = r.until(within, func(ctx context.Context) (bool, error) {
			remote, err := r.There.Look(ctx)
			return remote.State == "Disabled", err
		}, func() string { return "AWS's mapping is not disabled yet" })
	}
	if err == nil {
		err = r.empty(within)
	}
	return err
}

// until looks again and again. An error of a look is told when time is up: networks and
// coordinators come and go.
func (r *run) until(ctx context.Context, done func(ctx context.Context) (bool, error), waiting func() string) error {
	var last error
	for {
		ok, err := done(ctx)
		if ok && err == nil {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("time is up: %s", waiting()), last)
		case <-time.After(r.Poll):
		}
	}
}
