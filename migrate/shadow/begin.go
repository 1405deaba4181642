package shadow

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

// captured are the topics that a run makes.
func captured(p plan.Plan) []string {
	topics := []string{p.ShadowFailed()}
	for _, o := range p.Outputs {
		topics = append(topics, p.ShadowTopic(o.Topic))
	}
	return topics
}

// begin makes the topics and gives the shadow group its positions.
func (r *run) begin(ctx context.Context) (Begun, error) {
	b := Begun{Group: r.Plan.ShadowGroup(), Old: plan.Offsets{}, Seam: plan.Offsets{}, New: plan.Offsets{}, Failed: plan.Offsets{}, For: r.For}
	var err error
	if b.Functions, err = r.Functions.Revisions(ctx); err != nil { // before the first of them works
		return b, err
	}
	if err := r.capture(ctx, &b); err != nil {
		return b, err
	}
	if err := r.Functions.Disable(ctx); err != nil { // of an earlier run
		return b, err
	}
	if err := r.Functions.Prepare(ctx); err != nil {
		return b, err
	}
	for _, o := range r.Plan.Outputs {
		for _, topic := range read(o) {
			if b.Old[topic], err = r.Admin.After(ctx, topic, time.Now().Add(-before)); err != nil {
				return b, err
			}
		}
	}
	b.At = time.Now().UTC()
	if b.F0, err = r.positions(ctx); err != nil {
		return b, err
	}
	for _, o := range r.Plan.Outputs { // behind F0: what was written for records before it lies before these ends
		if _, b.Seam[o.Topic], err = r.Admin.Bounds(ctx, o.Topic, false); err != nil {
			return b, err
		}
	}
	return b, r.commit(ctx, b)
}

// read are the topics of the old code for one output.
func read(o plan.Output) []string {
	if o.Second == "" {
		return []string{o.Topic}
	}
	return []string{o.Topic, o.Second}
}

func (r *run) capture(ctx context.Context, b *Begun) error {
	for _, o := range r.Plan.Outputs {
		topic := r.Plan.ShadowTopic(o.Topic)
		if err := r.Admin.MakeTwin(ctx, topic, o.Topic, Kept); err != nil {
			return err
		}
		_, end, err := r.Admin.Bounds(ctx, topic, false)
		if err != nil {
			return err
		}
		b.New[topic] = end
	}
	failed := r.Plan.ShadowFailed()
	if err := r.Admin.MakeTwin(ctx, failed, r.Plan.Service.Topics[0], Kept); err != nil {
		return err
	}
	_, end, err := r.Admin.Bounds(ctx, failed, false)
	b.Failed[failed] = end
	return err
}

// positions are those of the old group; a partition without one begins where the service
// would have begun.
func (r *run) positions(ctx context.Context) (plan.Offsets, error) {
	found, err := r.settled(ctx)
	if err != nil {
		return nil, err
	}
	f0 := plan.Offsets{}
	var faults []string
	for _, topic := range r.Plan.Service.Topics {
		start, end, err := r.Admin.Bounds(ctx, topic, false)
		if err != nil {
			return nil, err
		}
		for p := range end {
			at, ok := found.At(topic, p)
			switch {
			case ok:
			case r.Plan.Service.NoPosition == plan.ResetEarliest:
				at = start[p]
			case r.Plan.Service.NoPosition == plan.ResetLatest:
				at = end[p]
			default:
				faults = append(faults, fmt.Sprintf("%s-%d has no position in group %s, and service.noPosition is none", topic, p, r.Plan.Service.Group))
			}
			if ok && at < start[p] {
				faults = append(faults, fmt.Sprintf("%s-%d: group %s stands at %d and the log begins at %d", topic, p, r.Plan.Service.Group, at, start[p]))
			}
			f0.Set(topic, p, at)
		}
	}
	if len(faults) > 0 {
		slices.Sort(faults)
		return nil, errors.New(strings.Join(faults, "; "))
	}
	return f0, nil
}

// settled reads the old group's positions between two transactions.
func (r *run) settled(ctx context.Context) (plan.Offsets, error) {
	for until := time.Now().Add(30 * time.Second); ; {
		o, err := r.Admin.Settled(ctx, r.Plan.Service.Group)
		if err == nil {
			return plain(o), nil
		}
		if !errors.Is(err, kafka.ErrPending) || time.Now().After(until) {
			return nil, err
		}
		if err := wait(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// commit gives the shadow group its positions, once nobody of an earlier run is in it.
func (r *run) commit(ctx context.Context, b Begun) error {
	to := kafka.Offsets{}
	for topic, partitions := range b.F0 {
		to[topic] = map[int32]record.Offset{}
		for p, at := range partitions {
			to[topic][p] = record.Offset{At: at, Epoch: -1}
		}
	}
	for until := time.Now().Add(time.Minute); ; {
		err := r.Admin.Commit(ctx, b.Group, to)
		if !errors.Is(err, kafka.ErrGroupBusy) || time.Now().After(until) {
			return err
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

func plain(o kafka.Offsets) plan.Offsets {
	out := plan.Offsets{}
	for topic, partitions := range o {
		for p, at := range partitions {
			out.Set(topic, p, at.At)
		}
	}
	return out
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
