package collect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gantry/record"
	"gantry/workload"
)

// evidence is what tells what reads by a group.
type evidence struct {
	id, kind, protocol, assignor string
	failed                       error    // it could not be described
	clients                      []string // client ids of the members
	internal                     []string // topics that Kafka Streams would keep for an application of this name
	assigned, committed          int      // partitions
	positions                    bool     // what is committed could be read
	waiting                      int64    // records in what is assigned
	moved                        int64    // records its commits moved over while they were watched
	watched                      time.Duration
}

// classify gives the class and why. What Kafka says by itself comes before what names
// hint at, and a hint that somebody else's machinery reads here wins over plain: a plain
// consumer may be joined and fenced, and nothing else may.
func classify(e evidence) (workload.Class, string) {
	for _, rule := range []func(evidence) (workload.Class, string){byType, byStreams, byConnect, byProtocol, byMembers} {
		if class, why := rule(e); class != "" {
			return class, why
		}
	}
	return byCommits(e)
}

func byType(e evidence) (workload.Class, string) {
	switch e.kind {
	case "share":
		return workload.Share, "ListGroups gives its type as share"
	case "streams":
		return workload.Streams, "ListGroups gives its type as streams (KIP-1071)"
	}
	return "", ""
}

func byStreams(e evidence) (workload.Class, string) {
	if strings.HasPrefix(strings.ToLower(e.assignor), "stream") {
		return workload.Streams, fmt.Sprintf("its members chose the assignor %q", e.assignor)
	}
	if strings.HasPrefix(strings.ToLower(e.protocol), "stream") {
		return workload.Streams, fmt.Sprintf("its protocol type is %q", e.protocol)
	}
	if at := slices.IndexFunc(e.clients, func(id string) bool { return strings.Contains(id, "-StreamThread-") }); at >= 0 {
		return workload.Streams, fmt.Sprintf("client id %s is of a thread of Kafka Streams", e.clients[at])
	}
	if len(e.internal) > 0 && len(e.clients) == 0 {
		return workload.Streams, fmt.Sprintf("topic %s is named as Kafka Streams names what it keeps for an application %s", e.internal[0], e.id)
	}
	return "", ""
}

func byConnect(e evidence) (workload.Class, string) {
	if e.protocol == "connect" {
		return workload.Connect, "its protocol type is connect: workers of Kafka Connect"
	}
	if at := slices.IndexFunc(e.clients, func(id string) bool { return strings.HasPrefix(id, "connector-consumer-") }); at >= 0 {
		return workload.Connect, fmt.Sprintf("client id %s is of a sink connector's task", e.clients[at])
	}
	if strings.HasPrefix(e.id, "connect-") {
		return workload.Connect, "its name begins with connect-, as the groups of sink connectors do"
	}
	return "", ""
}

func byProtocol(e evidence) (workload.Class, string) {
	switch {
	case e.failed != nil:
		return workload.Unknown, fmt.Sprintf("it could not be described: %v", e.failed)
	case e.kind != "classic" && e.kind != "consumer":
		return workload.Unknown, fmt.Sprintf("its type is %q", e.kind)
	case e.protocol != "" && e.protocol != "consumer":
		return workload.Unknown, fmt.Sprintf("its protocol type is %q, not consumer", e.protocol)
	}
	return "", ""
}

func byMembers(e evidence) (workload.Class, string) {
	members := len(e.clients)
	switch {
	case members == 0:
		return "", ""
	case !e.positions:
		return workload.Unknown, fmt.Sprintf("%s, but its positions could not be read", plural(members, "member"))
	case e.committed > 0:
		return workload.Plain, fmt.Sprintf("%s of the consumer protocol, positions committed in %s", plural(members, "member"), plural(e.committed, "partition"))
	case e.waiting == 0:
		return workload.Plain, fmt.Sprintf("%s of the consumer protocol; nothing committed, and no records to commit", plural(members, "member"))
	default:
		return workload.Outside, fmt.Sprintf("%s hold %s with records and have never committed", plural(members, "member"), plural(e.assigned, "partition"))
	}
}

func byCommits(e evidence) (workload.Class, string) {
	switch {
	case !e.positions:
		return workload.Unknown, "no members, and its positions could not be read"
	case e.moved > 0:
		return workload.Manual, fmt.Sprintf("no members, and commits moved over %s within %s", plural(int(e.moved), "record"), e.watched.Round(time.Second))
	case e.watched == 0:
		return workload.Idle, "no members; whether commits move was not watched"
	case e.protocol == "":
		return workload.Idle, fmt.Sprintf("no members and no protocol type: nobody ever joined it, and commits did not move within %s", e.watched.Round(time.Second))
	default:
		return workload.Idle, fmt.Sprintf("no members, and commits did not move within %s", e.watched.Round(time.Second))
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// evidence gathers what was read of a group.
func (r *reading) evidence(g *group) evidence {
	e := evidence{
		id: g.ID, kind: g.Type, protocol: g.Protocol, assignor: g.Assignor, failed: g.Err,
		internal: r.streamsTopics(g.ID), committed: len(g.positions), positions: g.readOK,
	}
	for _, m := range g.Members {
		e.clients = append(e.clients, m.ClientID)
	}
	counted := map[record.Partition]bool{}
	for _, p := range g.Assigned() {
		if !counted[p] {
			counted[p] = true
			e.assigned++
			e.waiting += r.end[p] - r.start[p]
		}
	}
	e.moved, e.watched = r.watched.moved(g.ID)
	return e
}

// streamsTopics are the topics Kafka Streams would keep for an application: its name, a
// dash, and an ending of theirs. Where one application's name begins another's, the
// longest name has the topic.
func (r *reading) streamsTopics(id string) []string {
	var out []string
	for _, t := range r.layout.Topics {
		kept := strings.HasSuffix(t.Name, "-changelog") || strings.HasSuffix(t.Name, "-repartition")
		if kept && strings.HasPrefix(t.Name, id+"-") && !r.longer(id, t.Name) {
			out = append(out, t.Name)
		}
	}
	return out
}

func (r *reading) longer(id, topic string) bool {
	return slices.ContainsFunc(r.groups, func(g *group) bool {
		return len(g.ID) > len(id) && strings.HasPrefix(topic, g.ID+"-")
	})
}
