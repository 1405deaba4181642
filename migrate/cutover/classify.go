package cutover

import (
	"context"
	"fmt"

	"gantry/kafka"
	"gantry/plan"
	"gantry/workload"
)

// Classifier says what reads by a group, and from what that was seen.
type Classifier func(ctx context.Context, group string) (workload.Class, string, error)

// classify goes by the group and by the sample.
func classify(g kafka.Group, f0 plan.Offsets, s Sample) (workload.Class, string) {
	switch {
	case g.Type == "share":
		return workload.Share, "its type is share"
	case g.Type == "streams":
		return workload.Streams, "its type is streams"
	case g.Protocol == "connect":
		return workload.Connect, "its members speak the protocol connect"
	case g.Assignor == "stream":
		return workload.Streams, "its members share their work by the assignor stream"
	case g.Protocol != "" && g.Protocol != "consumer":
		return workload.Unknown, "its members speak the protocol " + g.Protocol
	case len(g.Members) == 0 && s.Moves > 0:
		return workload.Manual, fmt.Sprintf("it has no members, and its commits moved %d times in %s", s.Moves, s.Watched)
	case len(g.Members) == 0:
		return workload.Idle, "it has no members, and its commits stand still"
	case len(f0) == 0 && s.Written > 0:
		return workload.Outside, fmt.Sprintf("it has %d members and never committed an offset", len(g.Members))
	}
	return workload.Plain, fmt.Sprintf("%d members of type %s that commit", len(g.Members), g.Type)
}

// Refusal says why a class can be neither moved nor run in shadow; "" = it can.
func Refusal(group string, class workload.Class, why string) string {
	text := map[workload.Class]string{
		workload.Streams: "a Kafka Streams application keeps state stores and internal topics that belong to its offsets, and functions would have neither: move it as a container, with its group",
		workload.Connect: "Kafka Connect starts its tasks again wherever its group is free, and its connectors may keep positions of their own: stop the connector and give its topics to a ready-made function, with offsets of its own choice",
		workload.Share:   "a share group has no position that could be handed over: records are acknowledged one by one, in no order",
		workload.Manual:  "its partitions are assigned by hand, so the broker can neither refuse nor remove the reader, and there is no fence: let it read by a group first, or stop it for good and set the positions by hand",
		workload.Outside: "its positions are kept outside Kafka, so what it has done can't be known here: let it commit to Kafka as well, or hand over by hand",
		workload.Unknown: "what it is can't be told, so what a fence would do to it isn't known",
	}[class]
	if text == "" {
		return ""
	}
	return fmt.Sprintf("group %s is refused: %s (%s): %s", group, class, why, text)
}
