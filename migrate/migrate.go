// Package migrate moves one service from its old implementation to functions, with a way
// back: it keeps the plans, opens a migration's ledger, and runs the protocols of its
// children on it. It acts through the store and Kafka: the mapping that takes a service over
// is a mapping like any other, which the engine finds in the store.
//
// What a migration is and where it stands is in its ledger (migrate/ledger), from the first
// step that may change something on; the store holds the plan and a copy of the state for
// lists. One step of a migration runs at a time: within a process a second one is refused,
// another process takes the ledger over and fences the first.
package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/migrate/cutover"
	"gantry/migrate/ledger"
	"gantry/migrate/shadow"
	"gantry/plan"
	"gantry/store"
)

// Errors a caller branches on.
var (
	ErrBusy  = errors.New("a step of this migration is under way")
	ErrState = errors.New("the migration does not stand where this can be done")
)

// Sources find out how to reach a cluster.
type Sources interface {
	Resolve(ctx context.Context, src mapping.Source) (kafka.Cluster, error)
}

// Config is what migrations need of the rest of gantry. All of it is required but Timing.
type Config struct {
	Store   store.Store
	Sources Sources
	// Resolve finds the topic's id and the positions of a mapping before it is stored.
	Resolve func(ctx context.Context, m *mapping.Mapping) error
	// Egress says why processes can't be cut off from the network here; nil = they can.
	Egress func() error
	// Code gives a digest of the content of a function's code, of one that runs from a folder or
	// in AWS; an error says why it can't be known. nil = nobody can be asked.
	Code func(ctx context.Context, fn function.Function) (string, error)
	// Measure says what a function took since this process began; nil = nobody measures.
	Measure func(function string) plan.Measured
	// Progress says how a mapping does in this process.
	Progress  func(uuid string) (cutover.Progress, error)
	Dir       string // where copies of ledgers lie
	Topic     string // of the ledgers; "" = ledger.DefaultTopic
	Region    string // part of a mapping's identity
	AccountID string
	Process   string // part of the instance ids of this process's members
	Log       *slog.Logger
	Timing    cutover.Timing
	Shadow    shadow.Timing
}

// Migrations are the migrations of a gantry. Safe for use by many goroutines.
type Migrations struct {
	cfg   Config
	plans store.Typed[Stored]

	mu      sync.Mutex
	busy    map[string]bool        // plans of which a step is under way
	waiting map[string]*question   // … and waits for a person
	runs    map[string]*Run        // the last one of each plan
	shadows map[string]plan.Shadow // what shadow runs show, while they are under way here

	stopping bool
	acts     sync.WaitGroup
}

// Stored is a migration as the store keeps it.
type Stored struct {
	Plan  plan.Plan  `json:"plan"`
	State plan.State `json:"state"` // of the last line this gantry wrote
	Epoch int64      `json:"epoch"` // of the ledger when this gantry opened it last
}

// New makes the migrations; nothing is asked or changed.
func New(cfg Config) *Migrations {
	return &Migrations{cfg: cfg, plans: store.Of[Stored](cfg.Store, store.Plans), busy: map[string]bool{}, waiting: map[string]*question{}, runs: map[string]*Run{}, shadows: map[string]plan.Shadow{}}
}

// Put keeps a plan. One that is there is replaced while the old service owns its work.
func (m *Migrations) Put(ctx context.Context, p plan.Plan, by store.Write) (Stored, error) {
	free, err := m.take(p.Name)
	if err != nil {
		return Stored{}, err
	}
	defer free()
	item, err := m.plans.Item(ctx, p.Name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		item = store.Item[Stored]{ID: p.Name, Value: Stored{State: plan.Planned}}
	case err != nil:
		return Stored{}, err
	case item.Value.State.Owner() != "old service", item.Value.State == plan.Shadowing:
		return item.Value, fmt.Errorf("replace plan %s: it is %s: %w", p.Name, item.Value.State, ErrState)
	}
	item.Value.Plan = p
	if err := m.conflicts(ctx, p); err != nil {
		return item.Value, err
	}
	_, err = m.plans.Put(ctx, item, by)
	return item.Value, err
}

// conflicts refuses two migrations of one group.
func (m *Migrations) conflicts(ctx context.Context, p plan.Plan) error {
	all, err := m.plans.List(ctx)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.ID != p.Name && other.Value.Plan.Service.Cluster == p.Service.Cluster && other.Value.Plan.Service.Group == p.Service.Group {
			return fmt.Errorf("plan %s: plan %s moves group %s already: %w", p.Name, other.ID, p.Service.Group, store.ErrConflict)
		}
	}
	return nil
}

// Get gives a migration, or store.ErrNotFound.
func (m *Migrations) Get(ctx context.Context, name string) (Stored, error) {
	s, _, err := m.plans.Get(ctx, name)
	return s, err
}

// List gives every migration, by name.
func (m *Migrations) List(ctx context.Context) ([]Stored, error) {
	items, err := m.plans.List(ctx)
	out := make([]Stored, 0, len(items))
	for _, i := range items {
		out = append(out, i.Value)
	}
	return out, err
}

// Delete forgets a plan of which nothing is under way. Its ledger stays.
func (m *Migrations) Delete(ctx context.Context, name string, by store.Write) error {
	free, err := m.take(name)
	if err != nil {
		return err
	}
	defer free()
	s, version, err := m.plans.Get(ctx, name)
	if err != nil {
		return err
	}
	if s.State != plan.Planned && s.State != plan.Shadowed && s.State != plan.RolledBack && s.State != plan.Released {
		return fmt.Errorf("delete plan %s: it is %s; roll it back or release it first: %w", name, s.State, ErrState)
	}
	if err := (&shadowed{m.functionsOf(s.Plan, by)}).remove(ctx); err != nil {
		return err
	}
	return m.plans.Delete(ctx, name, version, by)
}

// Lines gives a migration's ledger, checked, without taking it over.
func (m *Migrations) Lines(ctx context.Context, name string) ([]plan.Line, error) {
	s, err := m.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	cluster, err := m.cluster(ctx, s.Plan.Service.Cluster)
	if err != nil {
		return nil, err
	}
	return ledger.Read(ctx, cluster, m.topic(), name)
}

// Recover takes a migration up that another gantry began: its plan and its state come from
// the ledger. Without a name it gives the plans that the ledger's topic holds.
func (m *Migrations) Recover(ctx context.Context, cluster, name string, by store.Write) ([]string, error) {
	reach, err := m.cluster(ctx, cluster)
	if err != nil {
		return nil, err
	}
	names, err := ledger.Plans(ctx, reach, m.topic())
	if err != nil || name == "" {
		return names, err
	}
	free, err := m.take(name) // a step that is under way here is not pulled away from under itself
	if err != nil {
		return nil, err
	}
	defer free()
	lines, err := ledger.Read(ctx, reach, m.topic(), name)
	if err != nil {
		return nil, err
	}
	p, state, err := stands(lines)
	if err != nil {
		return nil, fmt.Errorf("recover plan %s from topic %s: %w; it holds the ledgers of: %s", name, m.topic(), err, strings.Join(names, ", "))
	}
	item, err := m.plans.Item(ctx, name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	p.Service.Cluster = cluster // another gantry may call it otherwise
	item.ID, item.Value = name, Stored{Plan: p, State: state}
	_, err = m.plans.Put(ctx, item, by)
	return []string{name}, err
}

// stands reads the newest plan and the state out of a ledger.
func stands(lines []plan.Line) (p plan.Plan, s plan.State, err error) {
	found := false
	for _, l := range lines {
		if l.Step == plan.StepPlan && l.Phase == plan.Did {
			p = plan.Plan{}
			if err := json.Unmarshal(l.Facts, &p); err != nil {
				return p, s, fmt.Errorf("line %d: %w", l.Sequence, err)
			}
			found = true
		}
		s = l.State
	}
	if !found {
		return p, s, fmt.Errorf("its ledger holds no plan: %w", store.ErrNotFound)
	}
	return p, s, nil
}

func (m *Migrations) cluster(ctx context.Context, name string) (kafka.Cluster, error) {
	return m.cfg.Sources.Resolve(ctx, mapping.Source{Cluster: name})
}

func (m *Migrations) topic() string {
	if m.cfg.Topic == "" {
		return ledger.DefaultTopic
	}
	return m.cfg.Topic
}

// take keeps two steps of one migration apart in this process.
func (m *Migrations) take(name string) (free func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.busy[name] {
		return nil, fmt.Errorf("plan %s: %w", name, ErrBusy)
	}
	m.busy[name] = true
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.busy, name)
	}, nil
}

// file is where the copy of a ledger lies.
func (m *Migrations) file(name string) string {
	return filepath.Join(m.cfg.Dir, name+".ledger")
}

// clock is when things are said to have happened.
func clock() time.Time { return time.Now().UTC() }
