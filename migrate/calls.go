package migrate

import (
	"fmt"
	"strings"

	"gantry/plan"
)

// Calls says what an act by a plan asks of Kafka and of people, in order: each step with the
// requests it makes. state is where the migration stands; it counts for what goes on with, or
// ends, another act.
func Calls(act Act, p plan.Plan, state plan.State) []string {
	switch act {
	case ActShadow:
		return append(shadowCalls(p), endCalls(p)...)
	case ActEnd:
		return endCalls(p)
	case ActRollback:
		return rollbackCalls(p)
	case ActRehearse:
		return append(cutoverCalls(p), rollbackCalls(p)...)
	case ActRelease:
		return releaseCalls(p)
	case ActResume:
		return resumeCalls(p, state)
	case ActAbort:
		return abortCalls(p, state)
	}
	return cutoverCalls(p)
}

func cutoverCalls(p plan.Plan) []string {
	old, group := p.Service.Group, p.CutoverGroup()
	topics := strings.Join(p.Service.Topics, ", ")
	steps := []string{
		fmt.Sprintf("preflight  ListGroups, then ConsumerGroupDescribe or DescribeGroups %s; OffsetFetch %s (stable); ListOffsets start, end of %s; DescribeAcls; changes nothing", old, old, topics),
		fmt.Sprintf("predict    OffsetFetch %s and ListOffsets %s, again and again for 15 s; changes nothing", old, topics),
	}
	if p.ApproveBy != "" {
		steps = append(steps, "approve    waits for key "+p.ApproveBy)
	}
	steps = append(steps, stopOf(p), fenceOf(p),
		fmt.Sprintf("settle     ListGroups until %s is empty, twice; OffsetFetch %s (stable); where a partition was never committed: OffsetCommit %s by noPosition: %s", old, old, old, p.Service.NoPosition),
		fmt.Sprintf("tail       Fetch of what %s may have processed and not committed; changes nothing", old),
	)
	if p.Handover == plan.HandoverNew {
		steps = append(steps, fmt.Sprintf("handover   OffsetCommit %s: the positions of %s, leader epoch -1; %s stays as it is", group, old, old))
	} else {
		steps = append(steps, fmt.Sprintf("handover   none: the functions read by %s", old))
	}
	names := make([]string, len(p.Functions))
	for i, f := range p.Functions {
		names[i] = f.Name
	}
	return append(steps,
		fmt.Sprintf("start      mapping %s on %s by group %s, enabled: functions %s", MappingName(p.Name), topics, group, strings.Join(names, ", ")),
		fmt.Sprintf("prove      OffsetFetch, ConsumerGroupDescribe %s: for every partition old end = new start, only gantry's members; otherwise the work goes back", group),
		fmt.Sprintf("watch      for %s: unresolved %s, errors %.3g %% over %d records, lag × %g; otherwise the work goes back", p.Guards.Watch, p.Guards.Unresolved, p.Guards.Errors*100, p.Guards.ErrorsOver, p.Guards.LagFactor),
	)
}

func stopOf(p plan.Plan) string {
	if len(p.Stop.Hook) > 0 {
		return fmt.Sprintf("stop       runs %s; waits up to %s for %s to be empty", strings.Join(p.Stop.Hook, " "), p.Stop.Wait, p.Service.Group)
	}
	return fmt.Sprintf("stop       asks people to stop the old service; waits up to %s for %s to be empty", p.Stop.Wait, p.Service.Group)
}

func fenceOf(p plan.Plan) string {
	deny := fmt.Sprintf("DENY READ on group %s for %s", p.Service.Group, p.Service.Principal)
	switch p.Fence {
	case plan.FenceStrong:
		return "fence      CreateAcls " + deny + "; LeaveGroup for each member"
	case plan.FenceOperator:
		return "fence      prints the kafka-acls lines for " + deny + " and those that undo it; waits until DescribeAcls shows it; LeaveGroup for each member"
	default:
		return "fence      none but LeaveGroup for each member, every 500 ms (weak: there is no authorizer)"
	}
}
