package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gantry/cloud"
	"gantry/engine"
	"gantry/mapping"
	"gantry/store"
)

// Summary is a mapping in one line.
type Summary struct {
	UUID         string    `json:"uuid"`
	Name         string    `json:"name,omitempty"`
	Function     string    `json:"function"` // the names of all, where there are several
	Topic        string    `json:"topic"`    // the names of all, where there are several
	Topics       []string  `json:"topics"`
	Group        string    `json:"group"`
	State        string    `json:"state"`
	Reason       string    `json:"reason,omitempty"`
	Result       string    `json:"result"`
	Detail       string    `json:"detail,omitempty"`
	Waiting      int       `json:"waiting"`       // records polled and not resolved here
	InFlight     int       `json:"inFlight"`      // invocations
	Blocked      int       `json:"blocked"`       // lanes that stand
	Lag          *int64    `json:"lag,omitempty"` // sum over the partitions held here; absent where it is not known
	Polled       int64     `json:"polled"`        // since this process runs the mapping
	Committed    int64     `json:"committed"`
	DeadLetters  int64     `json:"deadLetters"` // records the destination has accepted since this process runs the mapping
	Declared     bool      `json:"declared"`
	HandedOver   string    `json:"handedOver,omitempty"` // to whom and when; it stays off until it is resumed
	LastModified time.Time `json:"lastModified"`
}

// list of mappings, as GET /gantry/v1/mappings answers.
type mappingList struct {
	Mappings []Summary `json:"mappings"`
}

func (s *Server) listMappings(ctx context.Context, _ call[none]) (mappingList, error) {
	items, err := s.mappings.List(ctx)
	if err != nil {
		return mappingList{}, err
	}
	out := mappingList{Mappings: []Summary{}}
	lags := s.cfg.Engine.Lags(ctx)
	for _, item := range items {
		line := s.summary(item.Value)
		if lag, ok := lags[item.ID]; ok {
			line.Lag = &lag.Sum
		}
		out.Mappings = append(out.Mappings, line)
	}
	slices.SortFunc(out.Mappings, func(a, b Summary) int {
		return cmp.Or(cmp.Compare(b.Blocked, a.Blocked), cmp.Compare(badness(b), badness(a)), cmp.Compare(a.Name, b.Name), cmp.Compare(a.UUID, b.UUID))
	})
	return out, nil
}

// badness sorts the worst first.
func badness(m Summary) int {
	switch {
	case m.Result != mapping.OK && m.Result != mapping.NoRecords:
		return 2
	case m.State != string(mapping.Enabled):
		return 1
	}
	return 0
}

func (s *Server) summary(m mapping.Mapping) Summary {
	status := s.cfg.Engine.Status(m.UUID)
	out := Summary{
		UUID: m.UUID, Name: m.Name, Function: functionsIn(m), Topic: m.Source.TopicNames(), Topics: m.Source.Topics, Group: m.GroupID,
		State: string(cmp.Or(status.State, mapping.Creating)), Reason: status.Reason,
		Result: cmp.Or(status.ProcessingResult, mapping.NoRecords), Detail: s.cfg.MaskText(status.Detail),
		Declared: m.Declared, LastModified: m.LastModified,
	}
	if m.HandedOver != nil {
		out.HandedOver = m.HandedOver.String()
	}
	if run, err := s.cfg.Engine.One(m.UUID); err == nil {
		out.InFlight = run.Snapshot.Flying
		out.Polled, out.Committed = run.Counts.Polled.Load(), run.Counts.Committed.Load()
		out.DeadLetters = run.Counts.Delivered.Load()
		for _, l := range run.Snapshot.Lanes {
			out.Waiting += l.Waiting
			if stands(l) {
				out.Blocked++
			}
		}
		out.Blocked += len(run.Snapshot.Losses)
	}
	return out
}

// functionsIn is the function of a mapping in one word; the names of all where there are several.
func functionsIn(m mapping.Mapping) string { return strings.Join(m.Names(), ",") }

// find looks a mapping up by UUID, or by its name in a file.
func (s *Server) find(ctx context.Context, id string) (mapping.Mapping, error) {
	items, err := s.mappings.List(ctx)
	if err != nil {
		return mapping.Mapping{}, err
	}
	for _, item := range items {
		if item.ID == id || item.Value.Name == id && id != "" {
			return item.Value, nil
		}
	}
	return mapping.Mapping{}, fmt.Errorf("mapping %q: %w", id, store.ErrNotFound)
}

// change edits a mapping, versioned and audited.
func (s *Server) change(ctx context.Context, id, operation string, edit func(*mapping.Mapping) error) (mapping.Mapping, error) {
	before, err := s.find(ctx, id)
	if err != nil {
		return before, err
	}
	by := s.by(ctx, operation)
	after, _, err := s.mappings.Change(ctx, before.UUID, by, func(m *mapping.Mapping) error {
		m.LastModified = time.Now().UTC()
		return edit(m)
	})
	if err == nil {
		s.cfg.Audit.Record(ctx, store.Change{By: by, Action: operation, Kind: store.Mappings, ID: before.UUID, Before: before, After: after})
	}
	return after, err
}

// changed is the answer to a change: the mapping in one line.
type changed struct {
	Mapping Summary `json:"mapping"`
}

func (s *Server) pauseMapping(ctx context.Context, c call[none]) (changed, error) {
	m, err := s.change(ctx, c.path("id"), "pause", func(m *mapping.Mapping) error { m.Enabled = false; return notDeleting(m) })
	return s.afterwards(m, err)
}

func (s *Server) resumeMapping(ctx context.Context, c call[none]) (changed, error) {
	m, err := s.change(ctx, c.path("id"), "resume", func(m *mapping.Mapping) error {
		m.Enabled, m.HandedOver = true, nil
		return notDeleting(m)
	})
	return s.afterwards(m, err)
}

func (s *Server) deleteMapping(ctx context.Context, c call[none]) (changed, error) {
	m, err := s.change(ctx, c.path("id"), "delete", func(m *mapping.Mapping) error { m.Deleting = true; return nil })
	return s.afterwards(m, err)
}

func notDeleting(m *mapping.Mapping) error {
	if m.Deleting {
		return &apiError{409, "ResourceConflictException", "mapping " + m.UUID + " is being deleted"}
	}
	return nil
}

func (s *Server) afterwards(m mapping.Mapping, err error) (changed, error) {
	if err != nil {
		return changed{}, err
	}
	return changed{s.summary(m)}, nil
}

// status is this process at a glance.
type status struct {
	Version  string         `json:"version"`
	Process  string         `json:"process"`
	Listen   string         `json:"listen"`
	Started  time.Time      `json:"startedAt"`
	Standing []standingView `json:"standing"` // partitions that do not get on, the worst first
	Mappings []Summary      `json:"mappings"`

	Async []asyncView `json:"async,omitempty"` // functions for which events wait

	AWS []cloud.Identity `json:"aws,omitempty"` // credentials for AWS that were asked for
}

func (s *Server) identities() []cloud.Identity {
	if s.cfg.Identities == nil {
		return nil
	}
	return s.cfg.Identities()
}

func (s *Server) getStatus(ctx context.Context, _ call[none]) (status, error) {
	list, err := s.listMappings(ctx, call[none]{})
	return status{s.cfg.Version, s.cfg.Process, s.cfg.Listen, s.cfg.Started, s.standing(ctx), list.Mappings, s.async(), s.identities()}, err
}

var _ Engine = (*engine.Engine)(nil)
