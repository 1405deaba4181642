package cutover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gantry/kafka"
	"gantry/plan"
)

// settle reads where the old group stands, for good: twice, with its group empty both times
// and more time between than a member needs to come back.
func (r *run) settle(ctx context.Context, pre Preflight) (Settled, error) {
	group := r.Plan.Service.Group
	var s Settled
	f1, came, err := r.standstill(ctx)
	s.Came = came
	if err != nil {
		return s, err
	}
	logs, err := r.logs(ctx)
	if err != nil {
		return s, err
	}
	s.F1, s.Start, s.End, s.Resolved = f1, logs.start, logs.end, plan.Offsets{}
	if err := r.resolve(pre, &s); err != nil {
		return s, err
	}
	if err := errors.Join(invariants(pre, s, logs.ids), r.withinLogs(ctx, s)); err != nil {
		return s, err
	}
	if len(s.Resolved) > 0 { // so that the old group is whole as a rollback token
		if err := r.Admin.Commit(ctx, group, committable(s.Resolved)); err != nil {
			return s, err
		}
	}
	return s, nil
}

// standstill gives the positions when they have not moved between two looks.
func (r *run) standstill(ctx context.Context) (f1 plan.Offsets, came int, err error) {
	gap := r.Timing.Settle // behind a fence nobody comes back; one that was on its way is refused within it
	if r.Plan.Fence == plan.FenceWeak {
		gap = r.Timing.Rejoin
	}
	until := time.Now().Add(r.Plan.Stop.Wait + 4*gap)
	for {
		left, err := r.empty(ctx, r.Plan.Service.Group, time.Until(until))
		if err != nil {
			return nil, came, err
		}
		if len(left) > 0 || time.Now().After(until) {
			return nil, came, fmt.Errorf("group %s does not stay empty: members came back %d times, and %d are there: something starts the old service again, stop that first", r.Plan.Service.Group, came, len(left))
		}
		first, err := r.stable(ctx, r.Plan.Service.Group)
		if err != nil {
			return nil, came, err
		}
		if still, err := r.staysEmpty(ctx, gap); err != nil {
			return nil, came, err
		} else if !still {
			came++
			continue
		}
		second, err := r.stable(ctx, r.Plan.Service.Group)
		if err != nil || same(first, second) {
			return second, came, err
		}
		came++
	}
}

// staysEmpty watches the group for a while.
func (r *run) staysEmpty(ctx context.Context, d time.Duration) (bool, error) {
	for until := time.Now().Add(d); ; {
		g, err := r.Admin.GroupState(ctx, r.Plan.Service.Group)
		if err != nil || !free(g) {
			return false, err
		}
		if time.Now().After(until) {
			return true, nil
		}
		if err := sleep(ctx, r.Timing.Poll); err != nil {
			return false, err
		}
	}
}

// pendingPatience is how long an open transaction that can't be listed is waited for: the
// broker's default for the longest there may be.
const pendingPatience = 15 * time.Minute

// stable reads a group's positions, and waits while a transaction holds some of them. Nothing
// is ever committed over one.
func (r *run) stable(ctx context.Context, group string) (plan.Offsets, error) {
	var until time.Time
	for {
		f, err := r.committed(ctx, group)
		if !errors.Is(err, kafka.ErrPending) {
			return f, err
		}
		open, lerr := r.Admin.OpenTransactions(ctx, r.Plan.Service.Topics...)
		if until.IsZero() {
			until = time.Now().Add(patience(open))
			r.Tell("the positions of group " + group + " wait for an open transaction: " + pendingText(open))
		}
		if time.Now().After(until) {
			return nil, errors.Join(fmt.Errorf("it does not end: %s: %w", pendingText(open), err), lerr)
		}
		if err := sleep(ctx, r.Timing.Kick); err != nil {
			return nil, err
		}
	}
}

func patience(open []kafka.OpenTransaction) time.Duration {
	longest := time.Duration(0)
	for _, t := range open {
		if t.Offsets {
			longest = max(longest, t.Timeout)
		}
	}
	if longest == 0 {
		return pendingPatience
	}
	return longest + 30*time.Second
}

// resolve gives a position to partitions without one: one that is new begins at its oldest
// record, another where the old service would have begun.
func (r *run) resolve(pre Preflight, s *Settled) error {
	var faults []string
	each(s.End, func(topic string, p int32, end int64) {
		if _, ok := s.F1.At(topic, p); ok {
			return
		}
		start, _ := s.Start.At(topic, p)
		at := start
		switch _, known := pre.End.At(topic, p); {
		case !known:
			s.Added = append(s.Added, named(topic, p))
		case r.Plan.Service.NoPosition == plan.ResetLatest:
			at = end
		case r.Plan.Service.NoPosition == plan.ResetNone:
			faults = append(faults, named(topic, p)+" has no position, and service.noPosition is none")
		}
		s.F1.Set(topic, p, at)
		s.Resolved.Set(topic, p, at)
	})
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "; "))
	}
	return nil
}

// invariants hold whatever the old service did; where they don't, something else moved its
// positions or its records.
func invariants(pre Preflight, s Settled, ids map[string]string) error {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	for topic, id := range ids {
		if was := pre.TopicIDs[topic]; was != id {
			fault("topic %s was deleted and made again (its id was %s and is %s)", topic, was, id)
		}
	}
	each(s.F1, func(topic string, p int32, at int64) {
		start, _ := s.Start.At(topic, p)
		if f0, ok := pre.F0.At(topic, p); ok && at < f0 {
			fault("%s: the position went back from %d to %d", named(topic, p), f0, at)
		}
		if at < start {
			fault("%s: the position is %d, and retention has removed what is before %d", named(topic, p), at, start)
		}
	})
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "; "))
	}
	return nil
}

// withinLogs holds positions against the ends. A service that reads uncommitted records may
// stand behind the last stable offset, and none behind the end.
func (r *run) withinLogs(ctx context.Context, s Settled) error {
	var errs []error
	each(s.F1, func(topic string, p int32, at int64) {
		if end, _ := s.End.At(topic, p); at <= end {
			return
		}
		_, high, err := r.Admin.Bounds(ctx, topic, true)
		if err == nil && at > high[p] {
			err = fmt.Errorf("%s: the position %d is behind the log's end %d", named(topic, p), at, high[p])
		}
		errs = append(errs, err)
	})
	return errors.Join(errs...)
}
