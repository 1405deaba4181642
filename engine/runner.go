package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"gantry/mapping"
	"gantry/record"
	"gantry/store"
)

// wish is what the store says about a mapping.
type wish struct {
	mapping  mapping.Mapping
	version  int64
	function string // versions of its functions
	gone     bool   // the document is not there any more
}

func (w wish) on() bool { return !w.gone && w.mapping.Enabled && !w.mapping.Deleting }

// runner carries out the wishes for one mapping, one after the other.
type runner struct {
	e    *Engine
	uuid string

	wishes chan struct{} // signals a newer wish
	orders chan order    // acts that need the runner to itself
	quit   context.CancelFunc
	ended  chan struct{}

	mu       sync.Mutex // guards what others may look at
	wanted   wish
	state    mapping.State
	cause    error // why it can't run
	since    time.Time
	version  int64
	running  *running
	watchers watchers
}

// order is an act on a mapping that is neither start nor stop: accepting a loss.
type order struct {
	act  func(ctx context.Context) error
	done chan error
}

func newRunner(e *Engine, uuid string) *runner {
	ctx, quit := context.WithCancel(context.Background())
	r := &runner{
		e: e, uuid: uuid, quit: quit, since: time.Now(),
		wishes: make(chan struct{}, 1), orders: make(chan order), ended: make(chan struct{}),
	}
	go r.run(ctx)
	return r
}

// want leaves the newest wish; one that was not carried out yet is forgotten.
func (r *runner) want(w wish) {
	r.mu.Lock()
	same := r.wanted.version == w.version && r.wanted.function == w.function && r.wanted.gone == w.gone && w.version != 0
	r.wanted = w
	r.mu.Unlock()
	if same {
		return
	}
	select {
	case r.wishes <- struct{}{}:
	default:
	}
}

// How long a mapping that can't run waits before it is tried again.
const (
	retryFirst = time.Second
	retryMost  = 30 * time.Second
)

func (r *runner) run(ctx context.Context) {
	defer close(r.ended)
	again := time.NewTimer(time.Hour)
	defer again.Stop()
	wait := retryFirst
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-r.orders:
			o.done <- o.act(ctx)
			continue
		case <-r.wishes:
			wait = retryFirst
		case <-again.C:
		}
		if r.carryOut(ctx) {
			return
		}
		again.Reset(time.Hour)
		if r.failed() {
			again.Reset(wait)
			wait = min(2*wait, retryMost)
		}
	}
}

// carryOut makes the newest wish true. It reports true when the mapping is gone.
func (r *runner) carryOut(ctx context.Context) (over bool) {
	w := r.wish()
	if !w.on() {
		r.stopRunning(ctx, w)
		if w.gone {
			return true
		}
		if w.mapping.Deleting {
			return r.remove(ctx, w)
		}
		r.note(mapping.Disabled, nil, w.version)
		return false
	}
	r.note(r.on(w), nil, 0)
	err := r.bring(ctx, w)
	r.note(mapping.Enabled, err, w.version)
	if err != nil && ctx.Err() == nil {
		r.e.cfg.Log.Error("mapping can't run, it is tried again", "mapping", r.uuid, "error", err)
	}
	return false
}

// on is the state on the way to Enabled.
func (r *runner) on(w wish) mapping.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.state == "":
		return mapping.Creating
	case r.state == mapping.Disabled:
		return mapping.Enabling
	case r.version != w.version && r.running != nil:
		return mapping.Updating
	}
	return r.state
}

// bring starts the mapping, or changes what runs. The group is only left where the
// change can't be made otherwise: another source, login, group, isolation or way out.
func (r *runner) bring(ctx context.Context, w wish) error {
	s, err := r.e.settings(ctx, w.mapping)
	if err != nil {
		return err
	}
	if r.running != nil && reflect.DeepEqual(identity(r.running.mapping), identity(w.mapping)) {
		return r.running.update(ctx, w.mapping, s)
	}
	r.stopRunning(ctx, w)
	if w.mapping, err = r.resolved(ctx, w); err != nil {
		return err
	}
	s.pipe.Mapping = w.mapping
	return r.start(ctx, w, s, nil)
}

// resolved fixes where the mapping begins, for one declared while its cluster could not
// be reached. It is written down before the first fetch.
func (r *runner) resolved(ctx context.Context, w wish) (mapping.Mapping, error) {
	if w.mapping.Positioned() {
		return w.mapping, nil
	}
	asking, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	if err := r.e.Resolve(asking, &w.mapping); err != nil {
		return w.mapping, err
	}
	by := store.Write{Actor: "gantry", Reason: "the starting position was resolved"}
	m, _, err := r.e.mappings.Change(ctx, r.uuid, by, func(m *mapping.Mapping) error {
		m.Positions, m.TopicIDs = w.mapping.Positions, w.mapping.TopicIDs
		return nil
	})
	return m, err
}

// resolveTimeout bounds one attempt to resolve a starting position.
const resolveTimeout = 20 * time.Second

func (r *runner) start(ctx context.Context, w wish, s settings, accepted map[record.Partition]mapping.Loss) error {
	run, err := r.e.start(ctx, startOf{mapping: w.mapping, settings: s, accepted: accepted, watch: &r.watchers})
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.running = run
	r.mu.Unlock()
	return nil
}

// identity is the part of a mapping that a running member can't change.
func identity(m mapping.Mapping) mapping.Mapping {
	return mapping.Mapping{
		UUID: m.UUID, Source: m.Source, GroupID: m.GroupID,
		ReadUncommitted: m.ReadUncommitted, SessionTimeout: m.SessionTimeout, TopicIDs: m.TopicIDs,
		Output: wayOut(m.Output),
	}
}

// wayOut is the part of an output that a running member can't change: where it goes to and
// how it is committed.
func wayOut(o *mapping.Output) *mapping.Output {
	if o == nil || (o.Cluster == "" && !o.Transactional) {
		return nil
	}
	way := mapping.Output{Cluster: o.Cluster, Transactional: o.Transactional}
	if o.Transactional {
		way.Timeout = o.Timeout
	}
	return &way
}

func (r *runner) stopRunning(ctx context.Context, w wish) {
	if r.running == nil {
		return
	}
	state := mapping.Disabling
	switch {
	case w.mapping.Deleting || w.gone:
		state = mapping.Deleting
	case w.on():
		state = mapping.Updating
	}
	r.note(state, nil, 0)
	if err := r.running.stop(ctx); err != nil {
		r.e.cfg.Log.Warn("stopping a mapping", "mapping", r.uuid, "error", err)
	}
	r.mu.Lock()
	r.running = nil
	r.mu.Unlock()
}

// remove takes the document of a deleted mapping out of the store, now that it stands.
func (r *runner) remove(ctx context.Context, w wish) bool {
	by := store.Write{Actor: "gantry", Reason: "the mapping was deleted and has stopped"}
	err := r.e.mappings.Delete(ctx, r.uuid, w.version, by)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		r.note(mapping.Deleting, err, 0)
		return false
	}
	_ = r.e.cfg.Store.Withdraw(ctx, r.e.cfg.Process, store.Mappings, r.uuid)
	return true
}

func (r *runner) wish() wish {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wanted
}

// failed says that the mapping should run and can't, or could not be removed.
func (r *runner) failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cause != nil
}

// note keeps what is observed and reports a change to the store. Version 0 leaves the
// version that was carried out last.
func (r *runner) note(state mapping.State, cause error, version int64) {
	r.mu.Lock()
	changed := r.state != state || (r.cause == nil) != (cause == nil)
	if changed {
		r.since = time.Now()
	}
	r.state, r.cause = state, cause
	if version != 0 {
		r.version = version
	}
	r.mu.Unlock()
	if !changed {
		return
	}
	body, err := json.Marshal(map[string]any{"state": state, "since": time.Now().UTC(), "problem": fmt.Sprint(cause)})
	if err == nil {
		err = r.e.cfg.Store.Report(context.Background(), r.e.cfg.Process, store.Mappings, r.uuid, body)
	}
	if err != nil {
		r.e.cfg.Log.Warn("reporting the state of a mapping", "mapping", r.uuid, "error", err)
	}
}

// end stops the mapping for good: gantry is going down.
func (r *runner) end(stop context.Context) error {
	r.quit()
	select {
	case <-r.ended:
	case <-stop.Done():
		return fmt.Errorf("stop mapping %s: %w", r.uuid, context.Cause(stop))
	}
	if r.running == nil {
		return nil
	}
	return r.running.stop(stop)
}

// do has the runner carry out an act between two wishes.
func (r *runner) do(ctx context.Context, act func(context.Context) error) error {
	o := order{act: act, done: make(chan error, 1)}
	select {
	case r.orders <- o:
		return <-o.done
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ended:
		return fmt.Errorf("mapping %s: %w", r.uuid, store.ErrNotFound)
	}
}
