package cutover

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gantry/kafka"
	"gantry/plan"
)

// Watch lets the guards of the plan look at the functions for as long as it says. A guard
// that trips gives the work back by itself (*RolledBackError).
func (p *Protocol) Watch(ctx context.Context) (Watched, error) {
	r, err := p.load(ctx)
	if err != nil {
		return Watched{}, err
	}
	if r.a.backUnderWay() {
		return Watched{}, fmt.Errorf("%w: resume it first", ErrUnderWay)
	}
	if !r.a.proven() {
		return Watched{}, ErrNotProven
	}
	if r.wish.Rehearsal {
		return Watched{}, fmt.Errorf("%w, and it is a rehearsal: resume gives the work back", ErrBegun)
	}
	w, err := do(ctx, r, plan.StepWatch, nil, r.watch)
	if err == nil || w.Tripped == "" || ctx.Err() != nil {
		return w, err
	}
	p.cfg.Tell(err.Error() + ": the work goes back to the old service")
	failed := &RolledBackError{Cause: err}
	if back, rerr := p.Rollback(ctx, err.Error()); rerr != nil {
		failed.Err = rerr
	} else {
		failed.Returned = &back
	}
	return w, failed
}

// guards are what is remembered between two looks.
type guards struct {
	w       Watched
	began   time.Time
	armed   bool // the lag that the pause made has been worked off
	window  []Progress
	stuck   map[string]stuck
	members string
	changes int
	oldEnd  plan.Offsets
	lag     time.Duration
	told    time.Time
}

type stuck struct {
	at    int64
	since time.Time
}

// catchUp is how long the lag of the pause may take before the guard of the lag counts.
const catchUp = time.Minute

// leastLag is what the old service's lag counts for at least: a lag that is measured shorter
// is a matter of when it was looked at.
const leastLag = time.Second

func (r *run) watch(ctx context.Context) (Watched, error) {
	pre, _, err1 := facts[Preflight](r.a.ahead, plan.StepPreflight)
	proof, _, err2 := facts[Proof](r.a.ahead, plan.StepProve)
	if err1 != nil || err2 != nil {
		return Watched{}, fmt.Errorf("read the proof: %w, %w", err1, err2)
	}
	g := &guards{began: time.Now(), told: time.Now(), stuck: map[string]stuck{}, oldEnd: plan.Offsets{}}
	g.w.Limit = time.Duration(float64(max(leastLag, pre.Sample.LagTime(), pre.Sample.Interval)) * r.Plan.Guards.LagFactor)
	for _, s := range proof.Seams {
		g.oldEnd.Set(s.Topic, s.Partition, s.OldEnd)
	}
	for {
		r.guard(ctx, g, pre)
		g.w.For = time.Since(g.began)
		if g.w.Tripped != "" {
			return g.w, fmt.Errorf("a guard tripped: %s", g.w.Tripped)
		}
		if g.w.For >= r.Plan.Guards.Watch {
			return g.w, nil
		}
		r.countdown(g)
		if err := sleep(ctx, min(r.Timing.Guard, r.Plan.Guards.Watch-g.w.For)); err != nil {
			return g.w, err
		}
	}
}

// countdown says from time to time what the guards see, and how long they watch still.
func (r *run) countdown(g *guards) {
	every := min(30*time.Second, max(time.Second, r.Plan.Guards.Watch/20))
	if time.Since(g.told) < every {
		return
	}
	g.told = time.Now()
	r.Tell(fmt.Sprintf("the guards watch for another %s: %d records, %d failed, lag %s of at most %s; gantry migrate abort %s gives the work back",
		(r.Plan.Guards.Watch - g.w.For).Round(time.Second), g.w.Records, g.w.Failed, g.lag.Round(time.Millisecond), g.w.Limit.Round(time.Millisecond), r.Plan.Name))
}

// guard is one look. A broker that is away for a moment is an alarm and no reason to move the
// work.
func (r *run) guard(ctx context.Context, g *guards, pre Preflight) {
	l, err := r.look(ctx, r.Plan.CutoverGroup())
	if err != nil {
		g.alarm("the functions can't be looked at: " + err.Error())
		return
	}
	logs, err := r.logs(ctx)
	if err != nil {
		g.alarm("the topics can't be looked at: " + err.Error())
		return
	}
	r.guardErrors(g, l.progress)
	r.guardLag(g, l, pre.Sample.Written)
	r.guardPartitions(g, l.at, logs.end)
	r.guardMembers(g, l.members)
	r.guardOld(ctx, g)
}

func (g *guards) alarm(text string) {
	if !slices.Contains(g.w.Alarms, text) && len(g.w.Alarms) < 100 {
		g.w.Alarms = append(g.w.Alarms, text)
	}
}

func (g *guards) trip(format string, args ...any) {
	if g.w.Tripped == "" {
		g.w.Tripped = fmt.Sprintf(format, args...)
	}
}

func (r *run) guardErrors(g *guards, p Progress) {
	if p.Oldest > r.Plan.Guards.Unresolved {
		g.trip("a batch is unresolved for %s, and may be for %s", p.Oldest.Round(time.Second), r.Plan.Guards.Unresolved)
	}
	g.w.Records, g.w.Failed = p.Records, p.Failed
	g.window = append(g.window, p)
	for len(g.window) > 2 && p.Records-g.window[1].Records >= int64(r.Plan.Guards.ErrorsOver) {
		g.window = g.window[1:]
	}
	first := g.window[0]
	if len(g.window) == 1 { // the first look: all since the start
		first = Progress{}
	}
	n, failed := p.Records-first.Records, p.Failed-first.Failed
	if n >= int64(r.Plan.Guards.ErrorsOver) && float64(failed) > r.Plan.Guards.Errors*float64(n) {
		g.trip("%d of the last %d records failed, and %.1f%% may", failed, n, 100*r.Plan.Guards.Errors)
	}
}

// guardLag holds the lag in time against the old service's. What the pause left behind is
// worked off first.
func (r *run) guardLag(g *guards, l look, written float64) {
	if written <= 0 {
		return
	}
	lag := time.Duration(float64(l.lag) / written * float64(time.Second))
	g.lag = lag
	g.armed = g.armed || lag <= g.w.Limit || time.Since(g.began) > catchUp
	if !g.armed {
		return
	}
	g.w.MaxLag = max(g.w.MaxLag, lag)
	if lag > g.w.Limit {
		g.trip("the lag is %s, and may be %s", lag.Round(time.Millisecond), g.w.Limit.Round(time.Millisecond))
	}
}

// guardPartitions finds the partition that a poison record blocks while the others go on.
func (r *run) guardPartitions(g *guards, at, end plan.Offsets) {
	each(end, func(topic string, p int32, e int64) {
		now, ok := at.At(topic, p)
		if !ok {
			return
		}
		name := named(topic, p)
		was, known := g.stuck[name]
		if !known || was.at != now || now >= e {
			g.stuck[name] = stuck{now, time.Now()}
			return
		}
		if stood := time.Since(was.since); stood > r.Plan.Guards.Unresolved {
			g.trip("%s stands at offset %d for %s, %d records before its end: is it a record that always fails?", name, now, stood.Round(time.Second), e-now)
		}
	})
}

// manyChanges of the group's members in one watch is no scaling any more.
const manyChanges = 20

func (r *run) guardMembers(g *guards, members []kafka.Member) {
	now := ""
	for _, m := range members {
		now += m.ID + " "
	}
	if g.members != "" && now != g.members {
		if g.changes++; g.changes == manyChanges {
			g.alarm(fmt.Sprintf("the functions' group changed its members %d times: each change is a rebalance", manyChanges))
		}
	}
	g.members = now
	if strangers := r.strangers(kafka.Group{Members: members}); len(strangers) > 0 {
		g.trip("group %s has a member that is not gantry's: client %s on %s", r.Plan.CutoverGroup(), strangers[0].ClientID, strangers[0].Host)
	}
}

// guardOld is the alarm for an old service that is started again. Where its group moves, it
// does the functions' work a second time.
func (r *run) guardOld(ctx context.Context, g *guards) {
	if r.Plan.Handover != plan.HandoverNew {
		return
	}
	group := r.Plan.Service.Group
	old, err := r.Admin.GroupState(ctx, group)
	if err != nil {
		g.alarm("the old group can't be looked at: " + err.Error())
		return
	}
	if !free(old) {
		g.alarm(fmt.Sprintf("the old service is back in group %s", group))
		r.Tell(fmt.Sprintf("the old service is back in group %s (%d members): stop what starts it", group, len(old.Members)))
		if r.Plan.Fence == plan.FenceWeak {
			if _, err := r.removeStrangers(ctx); err != nil {
				g.alarm("it can't be removed: " + err.Error())
			}
		}
	}
	at, err := r.committed(ctx, group)
	if err != nil {
		g.alarm("the old group can't be looked at: " + err.Error())
		return
	}
	each(g.oldEnd, func(topic string, p int32, end int64) {
		if is, ok := at.At(topic, p); ok && is != end {
			g.trip("%s: the old service went on from %d to %d, records are processed twice", named(topic, p), end, is)
		}
	})
}
