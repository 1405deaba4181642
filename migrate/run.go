package migrate

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"gantry/plan"
)

// Act names what a run does.
type Act string

// The acts.
const (
	ActCutover  Act = "cutover"
	ActRollback Act = "rollback"
	ActRehearse Act = "rehearse"
	ActResume   Act = "resume"
	ActRelease  Act = "release"
	ActShadow   Act = "shadow"
	ActEnd      Act = "end"   // ends a shadow run: what it showed is written down
	ActAbort    Act = "abort" // ends another, and rolls it back
	actDrop     Act = "drop"  // what becomes of a shadow run that was aborted
)

// Run is one act, under way or over. It goes on when the one who asked for it has gone;
// whoever likes follows it.
type Run struct {
	Act  Act
	Plan string

	cancel context.CancelCauseFunc
	over   chan struct{}
	end    chan struct{} // closed when a shadow run is to end
	ended  sync.Once

	mu      sync.Mutex
	events  []Event
	changed chan struct{} // closed at the next event
}

// ErrAborted is why a run that somebody aborted ended.
var ErrAborted = errors.New("aborted")

// Run lets acts begin until ctx ends, takes up what was under way when gantry ended, and
// waits for what is under way: it ends at the next line of its ledger, and can be resumed.
func (m *Migrations) Run(ctx context.Context) {
	m.takeup(ctx)
	<-ctx.Done()
	m.end(ErrStopping)
	m.acts.Wait()
}

// ErrStopping is why a run ended when gantry stopped.
var ErrStopping = errors.New("gantry stops; the step goes on when it is started again")

// end cuts every act, and lets none begin.
func (m *Migrations) end(cause error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopping = true
	for _, r := range m.runs {
		r.cancel(cause)
	}
}

// Start begins an act and returns when it is under way.
func (m *Migrations) Start(ctx context.Context, act Act, o Order) (*Run, error) {
	if _, err := m.Get(ctx, o.Plan); err != nil {
		return nil, err
	}
	do := map[Act]func(context.Context, Order) error{
		ActCutover: m.Cutover, ActRollback: m.Rollback, ActRehearse: m.Rehearse, ActResume: m.Resume, ActRelease: m.Release, ActShadow: m.Shadow, actDrop: m.dropShadow,
	}[act]
	if do == nil {
		return nil, fmt.Errorf("there is no act %q", act)
	}
	running, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	r := &Run{Act: act, Plan: o.Plan, cancel: cancel, over: make(chan struct{}), end: make(chan struct{}), changed: make(chan struct{})}
	m.mu.Lock()
	if m.stopping {
		m.mu.Unlock()
		cancel(nil)
		return nil, ErrStopping
	}
	if before := m.runs[o.Plan]; m.busy[o.Plan] || before != nil && !before.Ended() {
		m.mu.Unlock()
		cancel(nil)
		return nil, fmt.Errorf("%s plan %s: %w; gantry migrate watch %s shows it", act, o.Plan, ErrBusy, o.Plan)
	}
	m.runs[o.Plan] = r
	m.acts.Add(1)
	m.mu.Unlock()
	o.Tell, o.end = r.tell, r.end
	go func() {
		defer m.acts.Done()
		defer cancel(nil)
		err := do(running, o)
		last := Event{Done: true}
		if s, getErr := m.Get(context.WithoutCancel(running), o.Plan); getErr == nil {
			last.State = s.State
		}
		if err != nil {
			if cause := context.Cause(running); cause != nil && !errors.Is(err, cause) {
				err = errors.Join(cause, err)
			}
			last.Error = err.Error()
			m.cfg.Log.Error("a migration's step failed", "plan", o.Plan, "act", act, "state", last.State, "error", err)
		}
		close(r.over)
		r.tell(last)
	}()
	return r, nil
}

// Running gives the last run of a plan, or nil.
func (m *Migrations) Running(name string) *Run {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runs[name]
}

// End has a shadow run end: both implementations finish what is there, and what was shown is
// written down. It gives the run, to be followed.
func (m *Migrations) End(o Order) (*Run, error) {
	r := m.Running(o.Plan)
	if r == nil || r.Ended() || !m.shadowing(o.Plan) {
		return nil, fmt.Errorf("end the shadow run of plan %s: there is none under way: %w", o.Plan, ErrState)
	}
	r.ended.Do(func() { close(r.end) })
	return r, nil
}

// Abort ends a run at the next line of the ledger and, where the old service was asked to
// stop, gives the work back to it.
func (m *Migrations) Abort(ctx context.Context, o Order) (*Run, error) {
	r := m.Running(o.Plan)
	if r == nil || r.Ended() {
		return nil, fmt.Errorf("abort plan %s: nothing is under way: %w", o.Plan, ErrState)
	}
	if r.Act == ActRollback {
		return nil, fmt.Errorf("abort plan %s: it is giving the work back already: %w", o.Plan, ErrState)
	}
	r.cancel(fmt.Errorf("%w by %s: %s", ErrAborted, o.By.Actor, o.By.Reason))
	select {
	case <-r.over:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	state, err := m.stands(ctx, o.Plan)
	switch {
	case err != nil:
		return nil, fmt.Errorf("abort plan %s: the step has ended, and where it stands can't be told; gantry migrate rollback gives the work back: %w", o.Plan, err)
	case state == plan.Shadowing:
		return m.Start(ctx, actDrop, o)
	case state.Owner() == "old service":
		return r, nil
	}
	return m.Start(ctx, ActRollback, o)
}

// Ended says whether it is over.
func (r *Run) Ended() bool {
	select {
	case <-r.over:
		return true
	default:
		return false
	}
}

func (r *Run) tell(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.At = clock()
	r.events = append(r.events, e)
	close(r.changed)
	r.changed = make(chan struct{})
}

// Follow gives event number n of a run, counted from 0, as soon as there is one; false when
// the run is over, or ctx.
func (r *Run) Follow(ctx context.Context, n int) (Event, bool) {
	for {
		r.mu.Lock()
		changed := r.changed
		if n < len(r.events) {
			e := r.events[n]
			r.mu.Unlock()
			return e, true
		}
		done := len(r.events) > 0 && r.events[len(r.events)-1].Done
		r.mu.Unlock()
		if done {
			return Event{}, false
		}
		select {
		case <-ctx.Done():
			return Event{}, false
		case <-changed:
		}
	}
}
