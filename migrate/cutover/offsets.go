package cutover

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"gantry/kafka"
	"gantry/plan"
	"gantry/record"
)

// plain takes the leader epochs off: none is ever committed by a migration.
func plain(o kafka.Offsets) plan.Offsets {
	out := plan.Offsets{}
	for topic, partitions := range o {
		for p, at := range partitions {
			out.Set(topic, p, at.At)
		}
	}
	return out
}

func committable(o plan.Offsets) kafka.Offsets {
	out := kafka.Offsets{}
	for topic, partitions := range o {
		out[topic] = map[int32]record.Offset{}
		for p, at := range partitions {
			out[topic][p] = record.Offset{At: at, Epoch: -1}
		}
	}
	return out
}

// of keeps the topics of the plan.
func (r *run) of(o plan.Offsets) plan.Offsets {
	out := plan.Offsets{}
	for _, topic := range r.Plan.Service.Topics {
		if o[topic] != nil {
			out[topic] = maps.Clone(o[topic])
		}
	}
	return out
}

func same(a, b plan.Offsets) bool {
	return maps.EqualFunc(a, b, maps.Equal[map[int32]int64])
}

// each goes through partitions in order.
func each(o plan.Offsets, do func(topic string, partition int32, at int64)) {
	for _, topic := range slices.Sorted(maps.Keys(o)) {
		for _, p := range slices.Sorted(maps.Keys(o[topic])) {
			do(topic, p, o[topic][p])
		}
	}
}

func named(topic string, partition int32) string { return fmt.Sprintf("%s-%d", topic, partition) }

// behind counts records between positions and ends.
func behind(at, end plan.Offsets) (n int64) {
	each(end, func(topic string, p int32, e int64) {
		if a, ok := at.At(topic, p); ok && e > a {
			n += e - a
		}
	})
	return n
}

// logs are the ends of the plan's topics.
type logs struct {
	start, end plan.Offsets // oldest and last stable offsets
	ids        map[string]string
}

// logs reads them anew, so that a partition that was added is seen.
func (r *run) logs(ctx context.Context) (logs, error) {
	l := logs{plan.Offsets{}, plan.Offsets{}, map[string]string{}}
	for _, name := range r.Plan.Service.Topics {
		topic, err := r.Admin.Topic(ctx, name)
		if err != nil {
			return l, err
		}
		start, end, err := r.Admin.Bounds(ctx, name, false)
		if err != nil {
			return l, err
		}
		l.ids[name], l.start[name], l.end[name] = topic.ID, start, end
	}
	return l, nil
}

// outputEnds are the ends of the topics that the service writes, as far as they can be read.
func (r *run) outputEnds(ctx context.Context) plan.Offsets {
	ends := plan.Offsets{}
	for _, o := range r.Plan.Outputs {
		if _, end, err := r.Admin.Bounds(ctx, o.Topic, true); err == nil { // they are for a report
			ends[o.Topic] = end
		}
	}
	return ends
}

// committed reads what a group has committed of the plan's topics.
func (r *run) committed(ctx context.Context, group string) (plan.Offsets, error) {
	o, err := r.Admin.Settled(ctx, group)
	return r.of(plain(o)), err
}

// empty waits until a group has no members, at most for d. It gives the members that are
// left.
func (r *run) empty(ctx context.Context, group string, d time.Duration) ([]kafka.Member, error) {
	return r.emptyBut(ctx, group, d, func([]kafka.Member) bool { return false })
}

// emptyBut is empty, ended early where waiting on is no use.
func (r *run) emptyBut(ctx context.Context, group string, d time.Duration, enough func([]kafka.Member) bool) ([]kafka.Member, error) {
	until := time.Now().Add(d)
	for {
		g, err := r.Admin.GroupState(ctx, group)
		if err != nil {
			return nil, err
		}
		if free(g) || time.Now().After(until) || enough(g.Members) {
			return g.Members, nil
		}
		if err := sleep(ctx, r.Timing.Poll); err != nil {
			return nil, err
		}
	}
}

// free says that a group has nobody who could commit. Its type came from the list of groups:
// by a classic description alone a live KIP-848 group is Dead.
func free(g kafka.Group) bool {
	return !g.Exists || len(g.Members) == 0 && (g.State == "Empty" || g.State == "Dead")
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
