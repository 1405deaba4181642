package admin

import (
	"context"
	"slices"
	"strings"
	"time"

	"gantry/engine"
	"gantry/mapping"
	"gantry/record"
	"gantry/store"
)

// Partition is where a mapping stands in one partition; offsets are next-to-read.
type Partition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Start     int64  `json:"start"`
	End       int64  `json:"end"`
	Committed int64  `json:"committed"` // -1 = nothing
	Lag       int64  `json:"lag"`
	Here      bool   `json:"here"` // held by this process; the next three are its view
	Resume    int64  `json:"resume"`
	Tail      int64  `json:"tail"`
	InFlight  bool   `json:"inFlight"`
}

type offsetList struct {
	UUID       string      `json:"uuid"`
	Group      string      `json:"group"`
	Partitions []Partition `json:"partitions"`
}

func (s *Server) getOffsets(ctx context.Context, c call[none]) (offsetList, error) {
	m, err := s.find(ctx, c.path("id"))
	if err != nil {
		return offsetList{}, err
	}
	partitions, err := s.cfg.Engine.Offsets(ctx, m.UUID)
	if err != nil {
		return offsetList{}, err
	}
	out := offsetList{UUID: m.UUID, Group: m.GroupID, Partitions: []Partition{}}
	for _, p := range partitions {
		out.Partitions = append(out.Partitions, view(p))
	}
	return out, nil
}

func view(p engine.Partition) Partition {
	return Partition{
		Topic: p.Topic, Partition: p.Partition, Start: p.Start, End: p.End, Committed: p.Committed, Lag: p.Lag(),
		Here: p.Here, Resume: p.Resume, Tail: p.Tail, InFlight: p.InFlight,
	}
}

// lossView is a run of records that left the source before they were read.
type lossView struct {
	Topic     string     `json:"topic"`
	Partition int32      `json:"partition"`
	First     int64      `json:"first"`
	Last      int64      `json:"last"`
	Count     int64      `json:"count"`  // an upper bound: offsets have holes
	Resume    int64      `json:"resume"` // where reading goes on once it is accepted
	Reason    string     `json:"reason"`
	Since     *time.Time `json:"since,omitempty"`
}

func lossesOf(losses []mapping.Loss) []lossView {
	views := make([]lossView, 0, len(losses))
	for _, l := range losses {
		views = append(views, lossView{l.Topic, l.Partition, l.First, l.Last, l.Count, l.Resume, l.Reason, known(l.Since)})
	}
	return views
}

type lossList struct {
	UUID   string     `json:"uuid"`
	Losses []lossView `json:"losses"`
}

func (s *Server) listLosses(ctx context.Context, c call[none]) (lossList, error) {
	m, err := s.find(ctx, c.path("id"))
	if err != nil {
		return lossList{}, err
	}
	losses, err := s.cfg.Engine.Losses(m.UUID)
	return lossList{m.UUID, lossesOf(losses)}, err
}

// partitionName is a partition in a request.
type partitionName struct {
	Topic     string `json:"topic"` // needed where the mapping reads several
	Partition int32  `json:"partition"`
}

// named are the partitions of a request, or every topic that is wrong in it.
func named(m mapping.Mapping, in []partitionName) ([]record.Partition, error) {
	var out []record.Partition
	var faults []string
	for _, p := range in {
		topic, err := m.Source.Topic(p.Topic)
		if err != nil && !slices.Contains(faults, err.Error()) {
			faults = append(faults, err.Error())
		}
		out = append(out, record.Partition{Topic: topic, Index: p.Partition})
	}
	if len(faults) > 0 {
		return nil, badInput(strings.Join(faults, "; "))
	}
	return out, nil
}

// acceptance is the owner's word that records are given up: those that the preview of the
// token showed. Without a token it asks for a preview.
type acceptance struct {
	Partitions []partitionName `json:"partitions"`
	Reason     string          `json:"reason"`
	Token      string          `json:"token"`
}

// accepted is what is given up, or in a preview would be.
type accepted struct {
	Token    string     `json:"token,omitempty"` // of a preview
	Losses   []lossView `json:"losses,omitempty"`
	Accepted []lossView `json:"accepted,omitempty"`
}

// because says who moves offsets and why. A move without a reason is refused: the audit
// is read by people who were not there.
func (s *Server) because(ctx context.Context, operation, reason string) (store.Write, error) {
	if strings.TrimSpace(reason) == "" {
		return store.Write{}, badInput("reason: is missing; say why, it goes to the audit log")
	}
	return s.by(ctx, operation+": "+reason), nil
}

func (s *Server) acceptLoss(ctx context.Context, c call[acceptance]) (accepted, error) {
	m, err := s.find(ctx, c.path("id"))
	if err != nil {
		return accepted{}, err
	}
	only, err := named(m, c.In.Partitions)
	if err != nil {
		return accepted{}, err
	}
	if c.In.Token == "" {
		losses, token, err := s.cfg.Engine.PreviewLoss(ctx, m.UUID, only)
		return accepted{Token: token, Losses: lossesOf(losses)}, err
	}
	by, err := s.because(ctx, "accept-loss", c.In.Reason)
	if err != nil {
		return accepted{}, err
	}
	losses, err := s.cfg.Engine.AcceptLoss(ctx, m.UUID, c.In.Token, only, by)
	if err != nil {
		return accepted{}, err
	}
	s.cfg.Audit.Record(ctx, store.Change{By: by, Action: "accept-loss", Kind: store.Mappings, ID: m.UUID, Before: lossesOf(losses)})
	return accepted{Accepted: lossesOf(losses)}, nil
}
