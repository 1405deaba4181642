package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gantry/kafka"
	"gantry/record"
	"gantry/workload"
)

// group is a group with what was read of it.
type group struct {
	kafka.SurveyGroup
	positions map[record.Partition]kafka.GroupPosition // the latest
	readOK    bool
	lagTime   workload.Duration
}

// readGroups lists the groups, tells their kinds and reads where they stand.
func (r *reading) readGroups(ctx context.Context) error {
	r.progress("groups", 0, 1)
	listed, err := r.client.Groups(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		r.caveats.say(fmt.Sprintf("some groups may be missing: %v", err))
	}
	listed = slices.DeleteFunc(listed, func(g kafka.SurveyGroup) bool { return matches(r.LeaveOutGroups, g.ID) })
	if err := r.client.Describe(ctx, listed); err != nil {
		return err
	}
	for _, g := range listed {
		if g.Err != nil {
			r.groupFailed(g.ID, "its members are not known", g.Err)
		}
		if g.Exists && g.State != "Dead" {
			r.groups = append(r.groups, &group{SurveyGroup: g})
		}
	}
	return r.readPositions(ctx, r.groups)
}

// readPositions reads where groups stand now.
func (r *reading) readPositions(ctx context.Context, groups []*group) error {
	var share, other []string
	for _, g := range groups {
		if g.Type == "share" {
			share = append(share, g.ID)
		} else {
			other = append(other, g.ID)
		}
	}
	at, err := r.client.Positions(ctx, other)
	if err != nil {
		return err
	}
	shared, err := r.client.SharePositions(ctx, share)
	if err != nil {
		return err
	}
	for _, g := range groups {
		p, answered := at[g.ID]
		if g.Type == "share" {
			p, answered = shared[g.ID]
		}
		if p.Err != nil || !answered {
			r.groupFailed(g.ID, "its positions are not known", p.Err)
			continue
		}
		g.positions, g.readOK = p.At, true
	}
	return nil
}

func (r *reading) groupFailed(id, without string, err error) {
	var denied *kafka.Denied
	switch {
	case errors.As(err, &denied):
		r.caveats.add("group", id, fmt.Sprintf("%s is not allowed: %s", denied.Operation, without))
	case err == nil:
		r.caveats.add("group", id, without)
	default:
		r.caveats.add("group", id, fmt.Sprintf("%s: %v", without, err))
	}
}

// standing are the partitions of a group, committed or assigned, in order.
func (g *group) standing() []record.Partition {
	seen := map[record.Partition]bool{}
	for p := range g.positions {
		seen[p] = true
	}
	for _, p := range g.Assigned() {
		seen[p] = true
	}
	out := make([]record.Partition, 0, len(seen))
	for p := range seen {
		out = append(out, p)
	}
	slices.SortFunc(out, func(x, y record.Partition) int {
		if c := strings.Compare(x.Topic, y.Topic); c != 0 {
			return c
		}
		return int(x.Index - y.Index)
	})
	return out
}

// lag is how many records are behind a position; a log that was shortened past it counts
// from where it begins now.
func (r *reading) lag(p record.Partition, at int64) int64 {
	end, known := r.end[p]
	if !known {
		return 0
	}
	return max(0, end-max(at, r.start[p]))
}

// readLagTimes reads when the oldest record that a group has not committed past was
// written: the header of its batch says so.
func (r *reading) readLagTimes(ctx context.Context) error {
	r.progress("lag", 0, 1)
	wanted := map[record.Position]bool{}
	for _, g := range r.groups {
		for p, at := range g.positions {
			if r.lag(p, at.At) > 0 {
				wanted[r.behind(p, at.At)] = true
			}
		}
	}
	at := make([]record.Position, 0, len(wanted))
	for p := range wanted {
		at = append(at, p)
	}
	slices.SortFunc(at, func(x, y record.Position) int { return strings.Compare(x.String(), y.String()) })
	heads, err := r.client.Heads(ctx, at)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, g := range r.groups {
		g.lagTime = r.lagTime(g, heads, now)
	}
	return nil
}

func (r *reading) behind(p record.Partition, at int64) record.Position {
	return record.Position{Topic: p.Topic, Partition: p.Index, Offset: max(at, r.start[p])}
}

// lagTime is the age of the oldest of them; it is unknown where one is, or where its
// timestamp says nothing.
func (r *reading) lagTime(g *group, heads map[record.Position]kafka.Head, now time.Time) workload.Duration {
	if !g.readOK {
		return workload.Duration{}
	}
	var oldest time.Duration
	for p, at := range g.positions {
		if r.lag(p, at.At) == 0 {
			continue
		}
		place := r.behind(p, at.At)
		head := heads[place]
		if t := r.topics[p.Topic]; !head.Known || t != nil && !t.sane {
			return workload.Duration{}
		}
		oldest = max(oldest, now.Sub(head.At(place.Offset)))
	}
	return workload.Duration{Known: true, Value: oldest}
}

// tell makes what is told of a group.
func (r *reading) tell(g *group) workload.Group {
	out := workload.Group{
		ID: g.ID, Type: g.Type, State: g.State, Protocol: g.Protocol, Assignor: g.Assignor,
		Members: []workload.Member{}, Topics: []string{}, Positions: []workload.Position{}, LagTime: g.lagTime,
	}
	for _, m := range g.Members {
		member := workload.Member{ID: m.ID, InstanceID: m.InstanceID, ClientID: m.ClientID, Host: m.Host}
		for _, p := range m.Partitions {
			if member.Assigned == nil {
				member.Assigned = map[string][]int32{}
			}
			member.Assigned[p.Topic] = append(member.Assigned[p.Topic], p.Index)
		}
		out.Members = append(out.Members, member)
	}
	for _, p := range g.standing() {
		at, committed := g.positions[p]
		if !committed {
			at.At = -1
		}
		out.Positions = append(out.Positions, workload.Position{
			Topic: p.Topic, Partition: p.Index, Committed: at.At, Start: r.start[p], End: r.end[p], Metadata: at.Metadata,
		})
		if committed {
			out.Lag += r.lag(p, at.At)
		}
		if !slices.Contains(out.Topics, p.Topic) {
			out.Topics = append(out.Topics, p.Topic)
		}
	}
	out.Commits = r.watched.cadence(g.ID)
	out.Class, out.Why = classify(r.evidence(g))
	return out
}
