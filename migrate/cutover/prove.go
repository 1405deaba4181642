package cutover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gantry/kafka"
	"gantry/plan"
	"gantry/record"
)

// proving is what a proof is made of.
type proving struct {
	pre     Preflight
	stopped Stopped
	fenced  Fenced
	handed  Handed
	started Started
	keep    *keeper
}

// look is one look at who owns a group and how far it is.
type look struct {
	members  []kafka.Member
	open     []string // partitions that nobody has
	at       plan.Offsets
	lag      int64
	progress Progress
}

// prove shows that the functions took over without a gap: they alone are in their group and
// have every partition, none began elsewhere than the old service ended, the lag falls, and
// the old group stands as it stood. Anything else is an error, and the work goes back.
func (r *run) prove(ctx context.Context, of proving) (Proof, error) {
	p := Proof{Group: of.handed.Group, Seams: of.handed.Seams, Resumed: r.resumed}
	from := newStarts(of.handed.Seams)
	if err := r.firstCommit(ctx, of, from, &p); err != nil {
		return p, err
	}
	until := time.Now().Add(r.Timing.Prove)
	first := true
	for {
		l, err := r.look(ctx, of.handed.Group)
		if err != nil {
			return p, err
		}
		p.note(l, &first)
		if err := r.contradiction(of, from, l); err != nil {
			return p, err
		}
		missing := r.missing(of, l, p)
		if missing == "" {
			break
		}
		if time.Now().After(until) {
			return p, fmt.Errorf("within %s the functions have not shown that they work: %s", r.Timing.Prove, missing)
		}
		if err := sleep(ctx, r.Timing.Poll); err != nil {
			return p, err
		}
	}
	p.Removed, p.At = of.keep.count(), time.Now()
	return p, r.oldStands(ctx, of)
}

func (p *Proof) note(l look, first *bool) {
	p.Members, p.Name = nil, l.progress.Name
	for _, m := range l.members {
		p.Members = append(p.Members, m.ClientID+" "+m.Host)
	}
	if *first {
		p.LagFirst, *first = l.lag, false
	}
	p.LagLast = l.lag
}

// firstCommit measures the pause: it ends with the first commit behind a seam, or, where
// nothing is there to process, when the group has all partitions.
func (r *run) firstCommit(ctx context.Context, of proving, from plan.Offsets, p *Proof) error {
	until := time.Now().Add(r.Timing.Prove)
	for {
		at, err := r.committed(ctx, of.handed.Group)
		if err != nil && !errors.Is(err, kafka.ErrPending) { // one of the functions' own transactions
			return err
		}
		if err == nil && behind(from, at) > 0 {
			p.Pause = time.Since(of.stopped.Began)
			return nil
		}
		logs, err := r.logs(ctx)
		if err != nil {
			return err
		}
		if behind(from, logs.end) == 0 {
			l, err := r.look(ctx, of.handed.Group)
			if err != nil {
				return err
			}
			if len(l.open) == 0 {
				p.Pause, p.Idle = time.Since(of.stopped.Began), true
				return nil
			}
		}
		if time.Now().After(until) {
			return fmt.Errorf("within %s the functions have committed nothing behind the seam%s", r.Timing.Prove, r.problem(ctx, of.handed.Group))
		}
		if err := sleep(ctx, r.Timing.Poll); err != nil {
			return err
		}
	}
}

func (r *run) problem(ctx context.Context, group string) string {
	progress, err := r.Mappings.Progress(ctx, group)
	if err != nil || progress.Problem == "" {
		return ""
	}
	return "; the mapping says: " + progress.Problem
}

func (r *run) look(ctx context.Context, group string) (look, error) {
	var l look
	g, err := r.Admin.GroupState(ctx, group)
	if err != nil {
		return l, err
	}
	logs, err := r.logs(ctx)
	if err != nil {
		return l, err
	}
	if l.at, err = r.committed(ctx, group); err != nil && !errors.Is(err, kafka.ErrPending) {
		return l, err
	}
	l.members = g.Members
	l.open = unassigned(g, logs.end)
	l.lag = behind(l.at, logs.end)
	l.progress, err = r.Mappings.Progress(ctx, group)
	return l, err
}

func unassigned(g kafka.Group, partitions plan.Offsets) []string {
	var open []string
	each(partitions, func(topic string, p int32, _ int64) {
		has := slices.ContainsFunc(g.Members, func(m kafka.Member) bool {
			return slices.ContainsFunc(m.Partitions, func(of record.Partition) bool { return of.Topic == topic && of.Index == p })
		})
		if !has {
			open = append(open, named(topic, p))
		}
	})
	return open
}

// contradiction is what no waiting mends.
func (r *run) contradiction(of proving, from plan.Offsets, l look) error {
	var faults []string
	if strangers := r.strangers(kafka.Group{Members: l.members}); len(strangers) > 0 && r.Plan.Handover == plan.HandoverNew {
		faults = append(faults, fmt.Sprintf("group %s has a member that is not gantry's: client %s on %s", of.handed.Group, strangers[0].ClientID, strangers[0].Host))
	}
	each(from, func(topic string, p int32, want int64) {
		if began, ok := l.progress.Started.At(topic, p); ok && (began < want || began > want && !r.resumed) {
			faults = append(faults, fmt.Sprintf("%s: the old service ended at %d and the functions began at %d", named(topic, p), want, began))
		}
		if at, ok := l.at.At(topic, p); ok && at < want {
			faults = append(faults, fmt.Sprintf("%s: the functions committed %d, before the seam at %d", named(topic, p), at, want))
		}
	})
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "; "))
	}
	return nil
}

// missing is what time may still bring.
func (r *run) missing(of proving, l look, p Proof) string {
	switch calm := int64(of.pre.Sample.Written) + 10; {
	case len(l.open) > 0:
		return "nobody has " + strings.Join(l.open, ", ")
	case len(r.strangers(kafka.Group{Members: l.members})) > 0:
		return "members of the old service are still in the group"
	case l.progress.Problem != "":
		return "the mapping says: " + l.progress.Problem
	case l.lag > calm && l.lag >= p.LagFirst:
		return fmt.Sprintf("the lag does not fall: %d records, and it was %d", l.lag, p.LagFirst)
	}
	return ""
}

// oldStands looks once more at the old group, when every member that was removed has had the
// time to come back: it is empty, and stands where it stood.
func (r *run) oldStands(ctx context.Context, of proving) error {
	if r.Plan.Handover != plan.HandoverNew {
		return nil
	}
	if err := sleep(ctx, time.Until(of.fenced.At.Add(r.Timing.Rejoin))); err != nil {
		return err
	}
	group := r.Plan.Service.Group
	if r.Plan.Fence != plan.FenceWeak { // there the removal loop has the last word
		g, err := r.Admin.GroupState(ctx, group)
		if err != nil {
			return err
		}
		if !free(g) {
			return fmt.Errorf("the old service is back: group %s has %d members behind its fence", group, len(g.Members))
		}
	}
	at, err := r.committed(ctx, group)
	if err != nil {
		return err
	}
	var moved error
	for _, s := range of.handed.Seams {
		if is, ok := at.At(s.Topic, s.Partition); ok && is != s.OldEnd {
			moved = errors.Join(moved, fmt.Errorf("%s: the old service went on from %d to %d behind its fence", named(s.Topic, s.Partition), s.OldEnd, is))
		}
	}
	return moved
}
