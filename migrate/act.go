package migrate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"gantry/kafka"
	"gantry/migrate/cutover"
	"gantry/plan"
	"gantry/store"
)

// Order is one step that somebody asks for.
type Order struct {
	Plan            string
	SkipTail        bool          // begin behind what the old service may have processed and not committed
	KeepFence       bool          // of a release: the old principal is retired instead
	AcceptRetention bool          // of a cutover or a rehearsal: retention may remove unread records meanwhile
	Waive           bool          // of a cutover or a rehearsal: without what the gates demand of a shadow run
	ApproveBy       string        // of a cutover: key id of the second operator, over the plan's; "" = the plan's
	For             time.Duration // of a shadow run; 0 = until it is ended
	By              store.Write   // the reason of a rollback is By.Reason
	Tell            func(Event)   // nil = nobody listens

	end <-chan struct{} // closed when a shadow run is to end; nil = never
}

// acting is a step at work: the ledger is this process's.
type acting struct {
	*journal
	m        *Migrations
	order    Order
	stored   Stored
	admin    *kafka.Admin
	protocol *cutover.Protocol
}

// act takes the migration, runs do and lets go.
func (m *Migrations) act(ctx context.Context, o Order, do func(*acting) error) error {
	if o.Tell == nil {
		o.Tell = func(Event) {}
	}
	free, err := m.take(o.Plan)
	if err != nil {
		return err
	}
	defer free()
	s, err := m.Get(ctx, o.Plan)
	if err != nil {
		return err
	}
	j, err := m.open(ctx, s, o.By, o.Tell)
	if err != nil {
		return err
	}
	defer j.l.Close()
	cluster, err := m.cluster(ctx, s.Plan.Service.Cluster)
	if err != nil {
		return err
	}
	admin, err := kafka.Open(cluster)
	if err != nil {
		return err
	}
	defer admin.Close()
	s.Plan.ApproveBy = cmp.Or(o.ApproveBy, s.Plan.ApproveBy)
	a := &acting{journal: j, m: m, order: o, stored: s, admin: admin}
	a.protocol = cutover.New(a.config())
	return do(a)
}

func (a *acting) config() cutover.Config {
	return cutover.Config{
		Plan: a.stored.Plan, Admin: a.admin, Journal: a.journal, Mappings: a.m.functionsOf(a.stored.Plan, a.order.By),
		Approve: a.approve,
		Skip:    a.order.SkipTail, AcceptRetention: a.order.AcceptRetention,
		Confirm: a.confirm,
		Ready:   a.ready,
		Tell:    func(text string) { a.tell(Event{Text: text, State: a.state}) },
		Timing:  a.m.cfg.Timing,
	}
}

// may refuses a step that the migration's state does not have.
func (a *acting) may(what string, from ...plan.State) error {
	for _, s := range from {
		if a.state == s {
			return nil
		}
	}
	return fmt.Errorf("%s plan %s: it is %s, and that can be done where it is %v: %w", what, a.stored.Plan.Name, a.state, from, ErrState)
}

// Cutover takes the service's work over, or goes on with a cutover that was begun, and
// watches until the guards are satisfied. What fails is given back by itself.
func (m *Migrations) Cutover(ctx context.Context, o Order) error {
	return m.act(ctx, o, func(a *acting) error {
		if err := a.may("cut over", plan.Planned, plan.Shadowed, plan.RolledBack, plan.CuttingOver, plan.Watching); err != nil {
			return err
		}
		if a.state == plan.Planned || a.state == plan.Shadowed || a.state == plan.RolledBack {
			if err := a.gates(ctx); err != nil {
				return err
			}
		}
		if a.state != plan.Watching {
			if _, err := a.protocol.Cutover(ctx); err != nil {
				return err
			}
		}
		_, err := a.protocol.Watch(ctx)
		return err
	})
}

// Rollback gives the work back to the old service, from any step.
func (m *Migrations) Rollback(ctx context.Context, o Order) error {
	return m.act(ctx, o, func(a *acting) error {
		if err := a.may("roll back", plan.CuttingOver, plan.Watching, plan.Moved, plan.RollingBack); err != nil {
			return err
		}
		_, err := a.protocol.Rollback(ctx, o.By.Reason)
		return err
	})
}

// Rehearse takes the work over and gives it back at once, each timed.
func (m *Migrations) Rehearse(ctx context.Context, o Order) error {
	return m.act(ctx, o, func(a *acting) error {
		if err := a.may("rehearse", plan.Planned, plan.Shadowed, plan.RolledBack); err != nil {
			return err
		}
		if err := a.gates(ctx); err != nil {
			return err
		}
		_, err := a.protocol.Rehearse(ctx)
		return err
	})
}

// Resume goes on with whatever the ledger says was under way when a gantry died.
func (m *Migrations) Resume(ctx context.Context, o Order) error {
	return m.act(ctx, o, func(a *acting) error {
		if a.state == plan.Shadowing {
			return a.shadow(ctx)
		}
		return a.protocol.Resume(ctx)
	})
}

// Look says what a cutover would meet and cost. It changes nothing, and takes nobody's
// ledger over. What the order takes on itself (Waive, AcceptRetention) is left out.
func (m *Migrations) Look(ctx context.Context, o Order) (cutover.Preflight, cutover.Prediction, error) {
	name := o.Plan
	s, err := m.Get(ctx, name)
	if err != nil {
		return cutover.Preflight{}, cutover.Prediction{}, err
	}
	cluster, err := m.cluster(ctx, s.Plan.Service.Cluster)
	if err != nil {
		return cutover.Preflight{}, cutover.Prediction{}, err
	}
	admin, err := kafka.Open(cluster)
	if err != nil {
		return cutover.Preflight{}, cutover.Prediction{}, err
	}
	defer admin.Close()
	protocol := cutover.New(cutover.Config{
		Plan: s.Plan, Admin: admin, Journal: readOnly{m, name}, Mappings: m.functionsOf(s.Plan, store.Write{}), Timing: m.cfg.Timing, AcceptRetention: o.AcceptRetention,
	})
	pre, said, err := protocol.Look(ctx)
	if err != nil || o.Waive {
		return pre, said, err
	}
	lines, err := m.Lines(ctx, name)
	if known, _, unread := stands(lines); unread != nil || !reflect.DeepEqual(plain(known), plain(s.Plan)) {
		lines = nil // they are of another plan than the one kept now
	}
	if no := m.gatesUnmet(ctx, s.Plan, lines); err == nil && no != "" {
		said.NoGo = append(said.NoGo, no)
	}
	return pre, said, err
}

// Release ends a migration: the fence is lifted and there is no way back any more.
func (m *Migrations) Release(ctx context.Context, o Order) error {
	return m.act(ctx, o, func(a *acting) error {
		if err := a.may("release", plan.Moved); err != nil {
			return err
		}
		return a.protocol.Release(ctx, o.KeepFence)
	})
}

// Answer is what a person says to a step that waits: the second operator's approval, or that
// something was done. The key id counts.
func (m *Migrations) Answer(ctx context.Context, name string, by store.Write) error {
	if _, err := m.Get(ctx, name); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	q := m.waiting[name]
	switch {
	case q == nil:
		return fmt.Errorf("approve plan %s: nothing waits for it; begin the cutover, it tells when it waits: %w", name, ErrState)
	case q.key != "" && q.key != by.Actor:
		return fmt.Errorf("approve plan %s: it wants the word of key %s, not of %s: %w", name, q.key, by.Actor, ErrState)
	}
	delete(m.waiting, name)
	q.answer <- by.Actor // has room for one
	return nil
}

// question waits for a person's word.
type question struct {
	key    string // whose; "" = anybody's
	answer chan string
}

// ask tells a question and waits for its answer.
func (a *acting) ask(ctx context.Context, key, text string) (actor string, err error) {
	name, q := a.stored.Plan.Name, &question{key, make(chan string, 1)}
	a.m.mu.Lock()
	a.m.waiting[name] = q
	a.m.mu.Unlock()
	defer func() {
		a.m.mu.Lock()
		delete(a.m.waiting, name)
		a.m.mu.Unlock()
	}()
	a.tell(Event{Text: text, State: a.state})
	select {
	case <-ctx.Done():
		return "", errors.Join(context.Cause(ctx), fmt.Errorf("nobody answered: %s", text))
	case actor := <-q.answer:
		return actor, nil
	}
}

func (a *acting) approve(ctx context.Context, p cutover.Prediction) (string, error) {
	key := a.stored.Plan.ApproveBy
	if a.order.By.Actor == key {
		return "", fmt.Errorf("key %s began the cutover and can't approve it as well: %w", key, ErrState)
	}
	return a.ask(ctx, key, fmt.Sprintf("waits for key %s (gantry migrate approve %s): a pause of about %s, at most %d records twice",
		key, a.stored.Plan.Name, p.Pause.Round(10*time.Millisecond), p.Tail))
}

func (a *acting) confirm(ctx context.Context, what string) error {
	_, err := a.ask(ctx, "", fmt.Sprintf("%s; then: gantry migrate approve %s", what, a.stored.Plan.Name))
	return err
}
