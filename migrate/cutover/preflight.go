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
	"gantry/workload"
)

// FaultsError is everything that stands against a cutover, found at once.
type FaultsError struct{ Faults []string }

func (e *FaultsError) Error() string {
	return fmt.Sprintf("%d faults, nothing was changed:\n- %s", len(e.Faults), strings.Join(e.Faults, "\n- "))
}

// preflight looks at everything and changes nothing.
func (r *run) preflight(ctx context.Context) (Preflight, error) {
	pre := Preflight{Faults: planFaults(r.Plan)}
	if len(pre.Faults) > 0 {
		return pre, &FaultsError{pre.Faults} // what follows is of no use without a whole plan
	}
	add := func(faults ...string) { pre.Faults = append(pre.Faults, faults...) }
	group := r.Plan.Service.Group
	g, err := r.Admin.GroupState(ctx, group)
	if err != nil {
		return pre, err
	}
	pre.Group = g
	if !g.Exists || g.State == "Dead" {
		add(fmt.Sprintf("the cluster has no group %s: its name in the plan is wrong, or it has expired", group))
	} else if err := r.lookAtGroup(ctx, &pre); err != nil {
		return pre, err
	}
	if err := r.lookAtFence(ctx, &pre); err != nil {
		return pre, err
	}
	if err := r.lookAtNewGroup(ctx, &pre); err != nil {
		return pre, err
	}
	add(r.Mappings.Check(ctx, r.Plan.CutoverGroup())...)
	if len(pre.Faults) > 0 {
		return pre, &FaultsError{pre.Faults}
	}
	return pre, nil
}

// planFaults are those of what a cutover needs of its plan.
func planFaults(p plan.Plan) (faults []string) {
	need := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	need(p.Service.Group != "", "service.group: it is missing")
	need(len(p.Service.Topics) > 0, "service.topics: there is none")
	need(p.Guards.Unresolved > 0, "guards.unresolved: it must be set, how long a batch may stand")
	need(p.Guards.Errors > 0 && p.Guards.Errors <= 1, "guards.errors: it must be set, a share above 0 and up to 1")
	need(p.Guards.ErrorsOver > 0, "guards.errorsOver: it must be set, over how many records errors are counted")
	need(p.Guards.LagFactor > 0, "guards.lagFactor: it must be set, × the old service's lag")
	need(p.Guards.Watch > 0, "guards.watch: it must be set, how long the guards watch")
	need(p.Stop.Wait > 0, "stop.wait: it must be set, how long the old service may take to stop")
	need(slices.Contains([]plan.Fence{plan.FenceStrong, plan.FenceOperator, plan.FenceWeak}, p.Fence), "fence: %q is none of strong, operator, weak", p.Fence)
	need(slices.Contains([]plan.Handover{plan.HandoverNew, plan.HandoverSame}, p.Handover), "handover: %q is none of new, same", p.Handover)
	need(slices.Contains([]plan.Rollback{plan.Resume, plan.Replay}, p.Rollback), "rollback: %q is none of resume, replay", p.Rollback)
	need(slices.Contains([]plan.Reset{plan.ResetEarliest, plan.ResetLatest, plan.ResetNone}, p.Service.NoPosition), "service.noPosition: %q is none of earliest, latest, none", p.Service.NoPosition)
	need(p.Fence == plan.FenceWeak || p.Service.Principal != "", "service.principal: a fence that is %s denies it, so it must be named (User:…)", p.Fence)
	return faults
}

func (r *run) lookAtGroup(ctx context.Context, pre *Preflight) error {
	group := r.Plan.Service.Group
	logs, err := r.logs(ctx)
	if err != nil {
		if errors.Is(err, kafka.ErrUnknownTopic) {
			pre.Faults = append(pre.Faults, err.Error())
			return nil
		}
		return err
	}
	pre.Start, pre.End, pre.TopicIDs = logs.start, logs.end, logs.ids
	if pre.Sample, err = r.sample(ctx); err != nil {
		return err
	}
	all, err := r.between(ctx, group)
	if errors.Is(err, kafka.ErrPending) {
		pre.Pending, err = r.Admin.OpenTransactions(ctx, r.Plan.Service.Topics...)
		pre.Faults = append(pre.Faults, "offsets of the group are part of an open transaction: "+pendingText(pre.Pending))
	}
	if err != nil {
		return err
	}
	pre.F0 = r.of(plain(all))
	pre.Class, pre.Why = classify(pre.Group, pre.F0, pre.Sample)
	if r.Classify != nil {
		if pre.Class, pre.Why, err = r.Classify(ctx, group); err != nil {
			return err
		}
	}
	if no := Refusal(group, pre.Class, pre.Why); no != "" {
		pre.Faults = append(pre.Faults, no)
	}
	r.compareTopics(pre, plain(all))
	r.comparePositions(pre)
	return r.lookAtRetention(ctx, pre)
}

// between reads the positions between two transactions: a service that commits by them has
// one open most of the time, and only one that does not end is a fault.
func (r *run) between(ctx context.Context, group string) (kafka.Offsets, error) {
	for until := time.Now().Add(r.Timing.Sample); ; {
		all, err := r.Admin.Settled(ctx, group)
		if !errors.Is(err, kafka.ErrPending) || time.Now().After(until) {
			return all, err
		}
		if err := sleep(ctx, r.Timing.Poll); err != nil {
			return nil, err
		}
	}
}

func pendingText(open []kafka.OpenTransaction) string {
	var all []string
	for _, t := range open {
		if t.Offsets {
			all = append(all, fmt.Sprintf("%s (%s since %s, aborted after %s)", t.ID, t.State, t.Since.UTC().Format(time.TimeOnly), t.Timeout))
		}
	}
	if len(all) == 0 {
		return "which one may not be listed (Describe on transactional ids)"
	}
	return strings.Join(all, ", ")
}

// compareTopics holds what the group reads against the plan: a topic that is left out would
// be read by nobody.
func (r *run) compareTopics(pre *Preflight, all plan.Offsets) {
	assigned := map[string]bool{}
	for _, m := range pre.Group.Members {
		for _, p := range m.Partitions {
			assigned[p.Topic] = true
		}
	}
	for topic := range assigned {
		if !slices.Contains(r.Plan.Service.Topics, topic) {
			pre.Faults = append(pre.Faults, fmt.Sprintf("the group reads topic %s, which is not in service.topics: nobody would read it", topic))
		}
	}
	for topic := range all {
		switch {
		case assigned[topic], slices.Contains(r.Plan.Service.Topics, topic):
		case len(assigned) == 0: // nobody is there to show what is read still
			pre.Faults = append(pre.Faults, fmt.Sprintf("the group has committed topic %s, which is not in service.topics: if the service reads it, nobody would; name it there, start the service, or take the commits away (kafka-consumer-groups --delete-offsets)", topic))
		default:
			pre.Notes = append(pre.Notes, fmt.Sprintf("the group has committed topic %s in former times; it stays with the old group", topic))
		}
	}
	for _, topic := range r.Plan.Service.Topics {
		switch _, committed := all[topic]; {
		case len(assigned) > 0 && !assigned[topic]:
			pre.Faults = append(pre.Faults, fmt.Sprintf("the group does not read topic %s of service.topics", topic))
		case len(assigned) == 0 && len(all) > 0 && !committed:
			pre.Faults = append(pre.Faults, fmt.Sprintf("the group has committed nothing of topic %s of service.topics, and nobody reads it now", topic))
		}
	}
	slices.Sort(pre.Faults)
}

func (r *run) comparePositions(pre *Preflight) {
	each(pre.End, func(topic string, p int32, end int64) {
		at, ok := pre.F0.At(topic, p)
		start, _ := pre.Start.At(topic, p)
		switch {
		case !ok:
			pre.Unset = append(pre.Unset, named(topic, p))
			if r.Plan.Service.NoPosition == plan.ResetNone {
				pre.Faults = append(pre.Faults, fmt.Sprintf("%s has no position in group %s, and service.noPosition is none", named(topic, p), r.Plan.Service.Group))
			}
		case at < start:
			pre.Faults = append(pre.Faults, fmt.Sprintf("%s: the group stands at %d and the log begins at %d: retention has removed %d records it has not read", named(topic, p), at, start, start-at))
		case at > end:
			pre.Notes = append(pre.Notes, fmt.Sprintf("%s: the group stands at %d, behind the last stable offset %d", named(topic, p), at, end))
		}
	})
}

func (r *run) lookAtFence(ctx context.Context, pre *Preflight) error {
	who := r.Plan.Service.Principal
	if r.Plan.Fence != plan.FenceWeak && r.Plan.Handover == plan.HandoverSame && who == r.Mappings.Principal() {
		pre.Faults = append(pre.Faults, fmt.Sprintf("the functions log in as %s, as the old service does, and would be denied with it: hand over to a new group (handover: new), or give one of them another principal", who))
	}
	if r.Plan.Fence != plan.FenceWeak && who == r.Principal {
		pre.Faults = append(pre.Faults, fmt.Sprintf("gantry itself logs in as %s and would shut itself out of the group: give it a principal of its own, or plan fence: weak", who))
	}
	denied, err := r.Admin.DeniedGroup(ctx, r.Plan.Service.Group)
	var refused *kafka.Denied
	switch {
	case errors.Is(err, kafka.ErrNoAuthorizer):
		if r.Plan.Fence != plan.FenceWeak {
			pre.Faults = append(pre.Faults, fmt.Sprintf("fence: %s needs ACLs, and the cluster has no authorizer: plan fence: weak (a stop hook, members removed as often as they come back)", r.Plan.Fence))
		}
		return nil
	case errors.As(err, &refused):
		r.lookAtBlindFence(pre, err)
		return nil
	case err != nil:
		return err
	}
	if r.Plan.Fence != plan.FenceWeak && slices.Contains(denied, who) {
		pre.Faults = append(pre.Faults, fmt.Sprintf("%s is denied already to read by group %s: the fence of an earlier cutover, or somebody's own; remove it first", who, r.Plan.Service.Group))
	}
	if r.Plan.Fence == plan.FenceStrong {
		may, err := r.Admin.MayAlterACLs(ctx)
		if err != nil {
			return err
		}
		if !may {
			pre.Faults = append(pre.Faults, "fence: strong sets an ACL, and gantry may not: allow it Alter on the cluster (kafka-acls --add --allow-principal User:NAME --operation Alter --cluster), or plan fence: operator")
		}
	}
	return nil
}

// lookAtBlindFence is where gantry may not read ACLs.
func (r *run) lookAtBlindFence(pre *Preflight, err error) {
	switch {
	case r.Plan.Fence == plan.FenceStrong:
		pre.Faults = append(pre.Faults, "fence: strong sets ACLs and must see them: "+err.Error())
	case r.Plan.Fence == plan.FenceOperator && r.Confirm == nil:
		pre.Faults = append(pre.Faults, "fence: operator waits until it sees the refusal, and there is nobody to ask: "+err.Error())
	default:
		pre.Notes = append(pre.Notes, "ACLs may not be read: "+err.Error())
	}
}

func (r *run) lookAtNewGroup(ctx context.Context, pre *Preflight) error {
	if r.Plan.Handover != plan.HandoverNew {
		return nil
	}
	group := r.Plan.NewGroup()
	g, err := r.Admin.GroupState(ctx, group)
	if err != nil {
		return err
	}
	if !free(g) {
		pre.Faults = append(pre.Faults, fmt.Sprintf("the new group %s has %d members: whatever reads by it must stop first", group, len(g.Members)))
	}
	if pre.Class == workload.Idle {
		pre.Notes = append(pre.Notes, "the old service does not run: nothing is there to stop")
	}
	return nil
}
