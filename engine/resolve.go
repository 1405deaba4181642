package engine

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"gantry/kafka"
	"gantry/mapping"
)

// Resolve connects to a mapping's cluster, checks its topics and writes the offset each
// partition begins at into m.Positions and the ids of the topics into m.TopicIDs. It is
// done once, at creation, so that a restart before the first batch skips nothing; a topic
// whose positions are known keeps them. The error is a diagnosis: what was tried, what
// happened, what to try.
func (e *Engine) Resolve(ctx context.Context, m *mapping.Mapping) error {
	err := e.admin(ctx, m.Source, func(a *kafka.Admin) error {
		if err := a.Check(ctx); err != nil {
			return err
		}
		positions, ids := map[string]map[int32]int64{}, map[string]string{}
		for _, topic := range m.Source.Topics {
			if known := m.Positions[topic]; len(known) > 0 {
				positions[topic], ids[topic] = known, m.TopicIDs[topic]
				continue
			}
			at, id, err := a.Positions(ctx, kafka.Origin{
				Topic: topic, Start: m.Start, At: m.StartTime, Uncommitted: m.ReadUncommitted,
			})
			if err != nil {
				return err
			}
			if err := begun(ctx, a, *m, topic, at); err != nil {
				return err
			}
			positions[topic], ids[topic] = at, id
		}
		m.Positions, m.TopicIDs = positions, ids
		return nil
	})
	return diagnosed(err)
}

// begun moves the partitions that are new to a group which has begun already to their oldest
// record. The store that knows where the group began may be another process's, or lost: a
// starting position that is resolved only now lies behind what came meanwhile.
func begun(ctx context.Context, a *kafka.Admin, m mapping.Mapping, topic string, at map[int32]int64) error {
	if m.Start == mapping.TrimHorizon {
		return nil
	}
	committed, err := a.Committed(ctx, m.GroupID)
	if err != nil || len(committed[topic]) == 0 {
		return err
	}
	oldest, _, err := a.Positions(ctx, kafka.Origin{Topic: topic, Start: mapping.TrimHorizon})
	if err != nil {
		return err
	}
	for partition := range at {
		if _, known := committed[topic][partition]; !known {
			at[partition] = oldest[partition]
		}
	}
	return nil
}

// Begins says where a mapping begins, and by which rule: the commits of its group win
// over the starting position.
func (e *Engine) Begins(ctx context.Context, m mapping.Mapping) (string, error) {
	var note string
	err := e.admin(ctx, m.Source, func(a *kafka.Admin) error {
		committed, err := a.Committed(ctx, m.GroupID)
		if err != nil {
			return err
		}
		note = beginning(m, committed)
		return nil
	})
	return note, diagnosed(err)
}

func beginning(m mapping.Mapping, committed kafka.Offsets) string {
	var known, fresh []string
	for _, topic := range m.Source.Topics {
		if len(committed[topic]) > 0 {
			known = append(known, topic)
		} else {
			fresh = append(fresh, topic)
		}
	}
	switch {
	case len(known) == 0:
		return fmt.Sprintf("begins at %s: group %s has no commits yet", m.Start, m.GroupID)
	case len(fresh) == 0:
		return fmt.Sprintf("goes on at the commits of group %s; startingPosition %s is ignored", m.GroupID, m.Start)
	}
	return fmt.Sprintf("goes on at the commits of group %s in %s, where startingPosition %s is ignored; begins at it in %s, where the group has none",
		m.GroupID, strings.Join(known, ", "), m.Start, strings.Join(fresh, ", "))
}

// admin opens the cluster of a source for one piece of work.
func (e *Engine) admin(ctx context.Context, src mapping.Source, work func(*kafka.Admin) error) error {
	cluster, err := e.cfg.Sources.Resolve(ctx, src)
	if err != nil {
		return err
	}
	a, err := kafka.Open(cluster)
	if err != nil {
		return err
	}
	defer a.Close()
	return work(a)
}

// DiagnosedError is an error of a cluster with its meaning.
type DiagnosedError struct {
	kafka.Diagnosis
	Err error
}

func (e *DiagnosedError) Error() string {
	if e.Problem == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("%s %s. Try: %s", e.Problem, e.Cause, e.Try)
}

func (e *DiagnosedError) Unwrap() error { return e.Err }

func diagnosed(err error) error {
	if err == nil {
		return nil
	}
	return &DiagnosedError{Diagnosis: kafka.Diagnose(err), Err: err}
}

// Partition is where a mapping stands in one partition. All offsets are next-to-read.
type Partition struct {
	Topic     string
	Partition int32
	Start     int64 // oldest record kept
	End       int64 // behind the newest record a consumer may read
	Committed int64 // of the group; -1 = nothing committed
	Here      bool  // this process holds the partition
	Resume    int64 // first unresolved offset here
	Tail      int64 // behind the last record polled here
	InFlight  bool
}

// Lag is what the group has not committed yet.
func (p Partition) Lag() int64 { return max(0, p.End-max(p.Committed, p.Start)) }

// Offsets compares the group's commits with the log, partition by partition, and with
// what this process has in hand.
func (e *Engine) Offsets(ctx context.Context, uuid string) ([]Partition, error) {
	m, _, err := e.mappings.Get(ctx, uuid)
	if err != nil {
		return nil, fmt.Errorf("mapping %s: %w", uuid, err)
	}
	var out []Partition
	err = e.admin(ctx, m.Source, func(a *kafka.Admin) error {
		committed, err := a.Committed(ctx, m.GroupID)
		if err != nil {
			return err
		}
		for _, topic := range m.Source.Topics {
			start, end, err := a.Bounds(ctx, topic, m.ReadUncommitted)
			if err != nil {
				return err
			}
			for _, index := range sorted(maps.Keys(end)) {
				p := Partition{Topic: topic, Partition: index, Start: start[index], End: end[index], Committed: -1}
				if at, ok := committed[topic][index]; ok {
					p.Committed = at.At
				}
				out = append(out, p)
			}
		}
		return nil
	})
	if err != nil {
		return nil, diagnosed(err)
	}
	e.addLanes(uuid, out)
	return out, nil
}

// addLanes writes what this process has in hand into the partitions.
func (e *Engine) addLanes(uuid string, out []Partition) {
	r, err := e.find(uuid)
	if err != nil {
		return
	}
	lanes, ok := r.lanes()
	if !ok {
		return
	}
	for i := range out {
		for _, l := range lanes {
			if l.Partition.Topic == out[i].Topic && l.Partition.Index == out[i].Partition {
				out[i].Here, out[i].Resume, out[i].Tail, out[i].InFlight = true, l.Resume, l.Tail, l.InFlight
			}
		}
	}
}
