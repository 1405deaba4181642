package admin

import (
	"context"
	"time"

	"gantry/engine"
	"gantry/store"
)

// resetOrder sets where a paused mapping reads on: as the preview of the token showed.
// Without a token it asks for a preview, and to says where to.
type resetOrder struct {
	To         resetTo         `json:"to"`
	Partitions []partitionName `json:"partitions"` // none = all
	Reason     string          `json:"reason"`
	Token      string          `json:"token"`
}

type resetTo struct {
	Kind   string     `json:"kind"` // earliest, latest, time, offset, shift
	Time   *time.Time `json:"time"`
	Offset int64      `json:"offset"` // for offset and shift
}

// resetAnswer is what was done, or in a preview what would be.
type resetAnswer struct {
	Token      string     `json:"token,omitempty"`
	Done       bool       `json:"done"`
	Group      string     `json:"group"`
	Partitions []moveView `json:"partitions"`
	Refusals   []string   `json:"refusals,omitempty"` // what stands in the way now
}

// moveView is what happens to one partition. Counts are upper bounds: offsets have holes.
type moveView struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Committed int64  `json:"committed"` // -1 = nothing
	Old       int64  `json:"old"`
	New       int64  `json:"new"`
	Start     int64  `json:"start"`
	End       int64  `json:"end"`
	Replayed  int64  `json:"replayed"`
	Skipped   int64  `json:"skipped"`
	Moved     bool   `json:"moved,omitempty"` // the wish was outside of the log
}

func (s *Server) resetOffsets(ctx context.Context, c call[resetOrder]) (resetAnswer, error) {
	m, err := s.find(ctx, c.path("id"))
	if err != nil {
		return resetAnswer{}, err
	}
	if c.In.Token == "" {
		to, err := c.In.To.read()
		if err != nil {
			return resetAnswer{}, err
		}
		only, err := named(m, c.In.Partitions)
		if err != nil {
			return resetAnswer{}, err
		}
		plan, err := s.cfg.Engine.PreviewReset(ctx, m.UUID, to, only)
		return resetOf(plan, false), err
	}
	by, err := s.because(ctx, "offsets reset", c.In.Reason)
	if err != nil {
		return resetAnswer{}, err
	}
	plan, err := s.cfg.Engine.Reset(ctx, m.UUID, c.In.Token, by)
	if err != nil {
		return resetAnswer{}, err
	}
	done := resetOf(plan, true)
	s.cfg.Audit.Record(ctx, store.Change{By: by, Action: "offsets-reset", Kind: store.Mappings, ID: m.UUID, Before: done})
	return done, nil
}

func (t resetTo) read() (engine.ResetTo, error) {
	to := engine.ResetTo{Kind: engine.ResetKind(t.Kind), N: t.Offset}
	switch to.Kind {
	case engine.ToTime:
		if t.Time == nil {
			return to, badInput("to.time: is missing")
		}
		to.At = *t.Time
	case engine.ToEarliest, engine.ToLatest, engine.ToOffset, engine.ToShift:
	default:
		return to, badInput("to.kind: want earliest, latest, time, offset or shift")
	}
	return to, nil
}

func resetOf(plan engine.ResetPlan, done bool) resetAnswer {
	out := resetAnswer{Token: plan.Token, Done: done, Group: plan.Group, Partitions: []moveView{}, Refusals: plan.Refusals}
	for _, m := range plan.Moves {
		out.Partitions = append(out.Partitions, moveView{
			m.Topic, m.Partition, m.Committed, m.Old, m.New, m.Start, m.End, m.Replayed(), m.Skipped(), m.Moved,
		})
	}
	return out
}
