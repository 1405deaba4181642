package admin

import (
	"context"

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

type lossList struct {
	UUID   string         `json:"uuid"`
	Losses []mapping.Loss `json:"losses"`
}

func (s *Server) listLosses(ctx context.Context, c call[none]) (lossList, error) {
	m, err := s.find(ctx, c.path("id"))
	if err != nil {
		return lossList{}, err
	}
	losses, err := s.cfg.Engine.Losses(m.UUID)
	return lossList{m.UUID, append([]mapping.Loss{}, losses...)}, err
}

// acceptance is the owner's word that records are given up.
type acceptance struct {
	Partitions []struct {
		Topic     string `json:"topic"`
		Partition int32  `json:"partition"`
	} `json:"partitions"`
	Reason string `json:"reason"`
}

type accepted struct {
	Accepted []mapping.Loss `json:"accepted"`
}

func (s *Server) acceptLoss(ctx context.Context, c call[acceptance]) (accepted, error) {
	m, err := s.find(ctx, c.path("id"))
	if err != nil {
		return accepted{}, err
	}
	var only []record.Partition
	for _, p := range c.In.Partitions {
		only = append(only, record.Partition{Topic: p.Topic, Index: p.Partition})
	}
	by := s.by(ctx, "accept-loss: "+c.In.Reason)
	losses, err := s.cfg.Engine.AcceptLoss(ctx, m.UUID, only, by)
	if err != nil {
		return accepted{}, err
	}
	s.cfg.Audit.Record(ctx, store.Change{By: by, Action: "accept-loss", Kind: store.Mappings, ID: m.UUID, Before: losses})
	return accepted{losses}, nil
}
