package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"gantry/migrate/cutover"
	"gantry/migrate/ledger"
	"gantry/plan"
	"gantry/store"
)

// journal is what a protocol writes to: the ledger, with the state each step leads to, and a
// copy of the state in the store.
type journal struct {
	m     *Migrations
	l     *ledger.Ledger
	name  string
	by    store.Write
	state plan.State
	tell  func(Event)
}

// Event is one thing that is told of a step while it runs.
type Event struct {
	At    time.Time  `json:"at"`
	Text  string     `json:"text,omitempty"`
	Line  *plan.Line `json:"line,omitempty"`
	State plan.State `json:"state,omitempty"`
	Error string     `json:"error,omitempty"`
	Done  bool       `json:"done,omitempty"`
}

// open takes a migration's ledger over and makes sure that it holds the plan as it is now.
func (m *Migrations) open(ctx context.Context, s Stored, by store.Write, tell func(Event)) (*journal, error) {
	cluster, err := m.cluster(ctx, s.Plan.Service.Cluster)
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(ctx, ledger.Config{
		Cluster: cluster, Topic: m.cfg.Topic, Like: s.Plan.Service.Topics[0], Plan: s.Plan.Name, File: m.file(s.Plan.Name),
	})
	if err != nil {
		return nil, err
	}
	j := &journal{m: m, l: l, name: s.Plan.Name, by: by, state: plan.Planned, tell: tell}
	opened := false
	defer func() {
		if !opened {
			l.Close()
		}
	}()
	if err := j.agree(ctx, s.Plan); err != nil {
		return nil, err
	}
	opened = true
	return j, nil
}

// agree brings the ledger and the store to the same plan and the same state.
func (j *journal) agree(ctx context.Context, p plan.Plan) error {
	lines := j.l.Lines()
	known, state, unread := stands(lines)
	same := unread == nil && reflect.DeepEqual(plain(known), plain(p))
	_, _, err := j.m.plans.Change(ctx, j.name, j.by, func(s *Stored) error {
		s.Epoch = j.l.Epoch()
		if same { // a gantry that died right behind a line has not kept the state it led to
			s.State = state
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(lines) > 0 {
		j.state = state
	}
	switch {
	case same:
		return nil
	case j.state.Owner() != "old service":
		return fmt.Errorf("plan %s is %s by its ledger, and that is another plan than the one kept here; gantry migrate recover takes the ledger's: %w", j.name, j.state, ErrState)
	}
	return j.Write(ctx, plan.StepPlan, plan.Did, p)
}

// plain is a plan as JSON has it: without the difference of nil and empty.
func plain(p plan.Plan) any {
	body, _ := json.Marshal(p)
	var v map[string]any
	_ = json.Unmarshal(body, &v)
	delete(v["service"].(map[string]any), "cluster") // what this gantry calls it
	return v
}

// Write implements cutover.Journal.
func (j *journal) Write(ctx context.Context, step plan.Step, phase plan.Phase, facts any) error {
	body, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	state := cutover.StateAfter(j.state, step, phase)
	line, err := j.l.Append(ctx, plan.Line{Actor: j.by.Actor, Reason: j.by.Reason, Step: step, Phase: phase, State: state, Facts: body})
	if err != nil {
		return err
	}
	j.tell(Event{Line: &line, State: state})
	if state == j.state {
		return nil
	}
	j.state = state
	if _, _, err := j.m.plans.Change(ctx, j.name, j.by, func(s *Stored) error { s.State = state; return nil }); err != nil {
		j.m.cfg.Log.Error("the state of a migration is in its ledger and not in the store", "plan", j.name, "state", state, "error", err)
	}
	return nil
}

// Lines implements cutover.Journal.
func (j *journal) Lines(context.Context) ([]plan.Line, error) { return j.l.Lines(), nil }

// readOnly is the ledger of a migration for one who only looks.
type readOnly struct {
	m    *Migrations
	name string
}

// Write implements cutover.Journal: nothing is written.
func (readOnly) Write(context.Context, plan.Step, plan.Phase, any) error {
	return errors.New("nothing is written by one who only looks")
}

// Lines implements cutover.Journal.
func (r readOnly) Lines(ctx context.Context) ([]plan.Line, error) { return r.m.Lines(ctx, r.name) }
