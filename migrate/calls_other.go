package migrate

import (
	"fmt"
	"strings"

	"gantry/plan"
)

func shadowCalls(p plan.Plan) []string {
	topics := strings.Join(p.Service.Topics, ", ")
	var outputs, made []string
	for _, o := range p.Outputs {
		outputs, made = append(outputs, o.Topic), append(made, p.ShadowTopic(o.Topic))
		if o.Second != "" {
			outputs = append(outputs, o.Second)
		}
	}
	made = append(made, p.ShadowFailed())
	way := "as they are declared"
	if cutOff(p) {
		way = "in a network namespace with ways out to: " + none(waysOut(p))
	}
	return []string{
		fmt.Sprintf("preflight  ListGroups, ConsumerGroupDescribe or DescribeGroups, OffsetFetch %s for some seconds; changes nothing", p.Service.Group),
		fmt.Sprintf("capture    Metadata, DescribeConfigs %s; CreateTopics %s", none(outputs), strings.Join(made, ", ")),
		fmt.Sprintf("shadow     OffsetFetch %s (stable); ListOffsets %s; OffsetCommit %s: those positions, leader epoch -1", p.Service.Group, topics, p.ShadowGroup()),
		fmt.Sprintf("start      mapping %s on %s by group %s; processes run %s", ShadowMappingName(p.Name), topics, p.ShadowGroup(), way),
		fmt.Sprintf("compare    Fetch of %s and of what is captured, without a group; OffsetFetch %s, %s and ListOffsets again and again", none(outputs), p.Service.Group, p.ShadowGroup()),
	}
}

func none(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

func endCalls(p plan.Plan) []string {
	return []string{
		fmt.Sprintf("end        waits, at most a minute, until %s and %s are beyond what is there", p.Service.Group, p.ShadowGroup()),
		fmt.Sprintf("stop       mapping %s is disabled; captured topics stay", ShadowMappingName(p.Name)),
		"report     what was shown goes to the ledger",
	}
}

func rollbackCalls(p plan.Plan) []string {
	old, group := p.Service.Group, p.CutoverGroup()
	steps := []string{fmt.Sprintf("halt       mapping %s is disabled; ListGroups until %s is empty, LeaveGroup for members that stay; OffsetFetch %s (stable)", MappingName(p.Name), group, group)}
	switch {
	case p.Rollback == plan.Replay:
		steps = append(steps, fmt.Sprintf("return     OffsetCommit %s: where the old service had stopped", old))
	default:
		steps = append(steps, fmt.Sprintf("return     OffsetCommit %s: behind what the functions did (the positions of %s), leader epoch -1", old, group))
	}
	if p.Fence != plan.FenceWeak {
		steps = append(steps, "unfence    "+unfenceOf(p))
	}
	if len(p.Stop.Start) > 0 {
		steps = append(steps, "restart    runs "+strings.Join(p.Stop.Start, " "))
	} else {
		steps = append(steps, "restart    asks people to start the old service")
	}
	return append(steps, fmt.Sprintf("prove      OffsetFetch, ListGroups %s: it goes on exactly there; lists what the functions did meanwhile", old))
}

func unfenceOf(p plan.Plan) string {
	deny := fmt.Sprintf("the DENY of READ on group %s for %s", p.Service.Group, p.Service.Principal)
	if p.Fence == plan.FenceOperator {
		return "prints the kafka-acls line that takes " + deny + " away; waits until DescribeAcls shows it gone"
	}
	return "DeleteAcls: " + deny
}

func releaseCalls(p plan.Plan) []string {
	if p.Fence == plan.FenceWeak {
		return []string{"release    there is no fence; the old group's positions are not kept up any more"}
	}
	return []string{"release    " + unfenceOf(p) + " (not with --keep-fence); the old group's positions are not kept up any more"}
}

// resumeCalls are those of what is under way; a step that is done is not done again.
func resumeCalls(p plan.Plan, state plan.State) []string {
	const rest = "where the ledger ends, the rest of:"
	switch state {
	case plan.Shadowing:
		return append([]string{rest}, Calls(ActShadow, p, state)...)
	case plan.CuttingOver, plan.Watching:
		return append([]string{rest}, cutoverCalls(p)...)
	case plan.RollingBack:
		return append([]string{rest}, rollbackCalls(p)...)
	}
	return []string{"nothing    the migration is " + string(state) + ": no step is under way"}
}

func abortCalls(p plan.Plan, state plan.State) []string {
	switch state {
	case plan.Shadowing:
		return []string{fmt.Sprintf("stop       mapping %s is disabled; nothing is reported", ShadowMappingName(p.Name))}
	case plan.CuttingOver, plan.Watching:
		return append([]string{"cut        the step that is under way ends at its next line of the ledger; then:"}, rollbackCalls(p)...)
	}
	return []string{"nothing    the migration is " + string(state) + ": no step is under way"}
}
