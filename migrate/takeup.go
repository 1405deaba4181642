package migrate

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"gantry/migrate/cutover"
	"gantry/plan"
	"gantry/store"
)

// takeupEvery is how often a ledger that can't be read when gantry starts is tried again.
const takeupEvery = 30 * time.Second

// takeup resumes what was under way here when gantry ended. A cluster that does not answer is
// asked again until ctx ends: its migration must not stand because a broker came up later.
func (m *Migrations) takeup(ctx context.Context) {
	looked := map[string]bool{}
	for first := true; ; first = false {
		names, err := m.unfinished(ctx, looked)
		if err != nil && first {
			m.cfg.Log.Error("migrations that were under way could not be looked at: gantry migrate resume goes on with them", "error", err)
		}
		for _, name := range names {
			m.cfg.Log.Warn("a migration was under way when gantry ended: it goes on", "plan", name)
			if _, err := m.Start(ctx, ActResume, Order{Plan: name, By: store.Write{Actor: "gantry", Reason: "gantry was started again"}}); err != nil {
				m.cfg.Log.Error("a migration can't go on", "plan", name, "error", err)
			}
		}
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(takeupEvery):
		}
	}
}

// Unfinished names the migrations that were under way here when gantry ended, and that
// nobody else has taken up since. The ledgers say it: a gantry that dies right behind a line
// has not kept the state that the line led to. States kept here are brought up to them.
func (m *Migrations) Unfinished(ctx context.Context) ([]string, error) {
	return m.unfinished(ctx, map[string]bool{})
}

// unfinished leaves out what was looked at, and what an act has begun on since.
func (m *Migrations) unfinished(ctx context.Context, looked map[string]bool) (names []string, failed error) {
	all, err := m.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		name := s.Plan.Name
		if looked[name] || s.Epoch == 0 || s.State == plan.Released || m.Running(name) != nil {
			continue
		}
		goesOn, err := m.catchUp(ctx, s)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("plan %s, which is %s by what is kept here: %w", name, s.State, err))
			continue
		}
		looked[name] = true
		if goesOn {
			names = append(names, name)
		}
	}
	return names, failed
}

// catchUp says whether an act of a migration was cut here, and keeps the state that its ledger
// led to. One that another gantry has written to since is that one's.
func (m *Migrations) catchUp(ctx context.Context, s Stored) (goesOn bool, err error) {
	lines, err := m.Lines(ctx, s.Plan.Name)
	if err != nil || len(lines) == 0 || lines[len(lines)-1].Epoch > s.Epoch {
		return false, err
	}
	known, state, err := stands(lines)
	if err != nil {
		return false, err
	}
	goesOn = state == plan.Shadowing || cutover.UnderWay(lines)
	if state == s.State || !goesOn && !reflect.DeepEqual(plain(known), plain(s.Plan)) { // a plan that was put since begins anew
		return goesOn, nil
	}
	_, _, err = m.plans.Change(ctx, s.Plan.Name, store.Write{Actor: "gantry", Reason: "the ledger says so"}, func(s *Stored) error {
		s.State = state
		return nil
	})
	return goesOn, err
}

// stands is where a migration stands by its ledger, or, where there is none, by the store.
func (m *Migrations) stands(ctx context.Context, name string) (plan.State, error) {
	s, err := m.Get(ctx, name)
	if err != nil {
		return "", err
	}
	lines, err := m.Lines(ctx, name)
	if err != nil || len(lines) == 0 {
		return s.State, err
	}
	return lines[len(lines)-1].State, nil
}
