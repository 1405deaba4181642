package engine

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"gantry/function"
	"gantry/mapping"
	"gantry/pipeline/invoke"
	"gantry/store"
)

// functions are the targets of this process: one for each function that is used, made
// at its first use and replaced when the function changes.
type functions struct {
	cfg  Config
	docs store.Typed[function.Function]

	mu      sync.Mutex // guards the maps; never held while a target is made or closed
	live    map[place]*live
	gates   map[string]*invoke.Gate
	counts  map[string]*FunctionCounts
	retired sync.WaitGroup
}

func newFunctions(cfg Config) *functions {
	return &functions{
		cfg: cfg, docs: store.FunctionsOf(cfg.Store),
		live: map[place]*live{}, gates: map[string]*invoke.Gate{}, counts: map[string]*FunctionCounts{},
	}
}

// place tells the targets of a function apart: one for each of the surroundings it runs in.
type place struct{ function, surroundings string }

func placeOf(name string, in *mapping.Surroundings) place {
	if in == nil {
		return place{function: name}
	}
	return place{name, in.Name}
}

// live is a target in use. Retired, it is closed when its last invocation has ended.
type live struct {
	fn      function.Function
	in      *mapping.Surroundings
	version int64
	gate    *invoke.Gate
	counts  *FunctionCounts

	once   sync.Once
	target Target
	err    error
	ready  atomic.Bool // target and err are set

	mu      sync.Mutex
	calls   int
	retired bool
	idle    chan struct{} // closed when retired and without calls
}

// Invoke implements function.Invoker.
func (l *live) Invoke(ctx context.Context, in function.Invocation) function.Outcome {
	if !l.begin() {
		return function.Outcome{Class: function.NotReached, Message: "the function was replaced a moment ago"}
	}
	defer l.end()
	out := l.target.Invoke(ctx, in)
	l.counts.note(out)
	return out
}

// prepared is the target once there is one, for those who only look.
func (l *live) prepared() Target {
	if l.ready.Load() && l.err == nil {
		return l.target
	}
	return nil
}

func (l *live) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retired {
		return false
	}
	l.calls++
	return true
}

func (l *live) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls--; l.calls == 0 && l.retired {
		close(l.idle)
	}
}

func (l *live) retire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.retired && l.calls == 0 {
		close(l.idle)
	}
	l.retired = true
}

// use gives the target of a function in its surroundings, made now if need be. ErrNotFound
// where there is no such function.
func (f *functions) use(ctx context.Context, name string, in *mapping.Surroundings) (*live, error) {
	fn, version, err := f.docs.Get(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("there is no function %s any more: create it again, or give the mapping another one: %w", name, err)
	}
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", name, err)
	}
	l := f.current(fn, in, version)
	l.once.Do(func() { l.target, l.err = f.cfg.Targets(ctx, fn, in); l.ready.Store(true) })
	if l.err != nil {
		f.forget(placeOf(name, in), l) // the next use tries again
		return nil, fmt.Errorf("prepare function %s: %w", name, l.err)
	}
	return l, nil
}

// current is the live target of a version; one of another version is retired.
func (f *functions) current(fn function.Function, in *mapping.Surroundings, version int64) *live {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := placeOf(fn.Name, in)
	l := f.live[at]
	if l != nil && reflect.DeepEqual(l.in, in) && (l.version == version || reflect.DeepEqual(made(l.fn), made(fn))) {
		l.version = version
		f.gateOf(fn)
		return l
	}
	f.drop(l)
	l = &live{fn: fn, in: in, version: version, gate: f.gateOf(fn), counts: f.countsOf(fn.Name), idle: make(chan struct{})}
	f.live[at] = l
	return l
}

// made is a function as far as its target was made of it: a change of the rest needs no
// new processes.
func made(fn function.Function) function.Function {
	fn.Description, fn.Tags, fn.Policy, fn.Concurrency, fn.Declared = "", nil, nil, nil, false
	fn.Async, fn.RevisionID, fn.File, fn.LastModified = nil, "", "", time.Time{}
	return fn
}

// drop retires a target and closes it once it is idle. The caller holds the lock.
func (f *functions) drop(l *live) {
	if l == nil {
		return
	}
	l.retire()
	f.retired.Go(func() {
		<-l.idle
		l.once.Do(func() { l.err = errors.New("retired before its first use") })
		if l.target == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if err := l.target.Close(ctx); err != nil {
			f.cfg.Log.Warn("closing a replaced function", "function", l.fn.Name, "error", err)
		}
	})
}

const closeTimeout = 30 * time.Second

func (f *functions) forget(at place, l *live) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live[at] == l {
		delete(f.live, at)
	}
}

// gateOf is the function's gate with its limit as it is declared now.
func (f *functions) gateOf(fn function.Function) *invoke.Gate {
	limit := -1
	if fn.Concurrency != nil {
		limit = *fn.Concurrency
	}
	g := f.gates[fn.Name]
	if g == nil {
		g = invoke.NewGate(limit)
		f.gates[fn.Name] = g
	}
	g.SetLimit(limit)
	return g
}

// countsOf are the counts of a function of that name. The caller holds the lock.
func (f *functions) countsOf(name string) *FunctionCounts {
	c := f.counts[name]
	if c == nil {
		c = &FunctionCounts{}
		f.counts[name] = c
	}
	return c
}

func (f *functions) gate(name string) *invoke.Gate {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gates[name]
}

// sync retires what the store does not know any more, moves the limits, and gives the
// version of each function.
func (f *functions) sync(ctx context.Context) (map[string]int64, error) {
	items, err := f.docs.List(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	versions := map[string]int64{}
	for _, item := range items {
		versions[item.ID] = item.Version
		if f.gates[item.ID] != nil {
			f.gateOf(item.Value)
		}
	}
	for at, l := range f.live {
		if versions[at.function] == 0 {
			f.drop(l)
			delete(f.live, at)
			delete(f.gates, at.function)
			delete(f.counts, at.function)
		}
	}
	return versions, nil
}

// close retires everything and waits until it is closed or ctx ends.
func (f *functions) close(ctx context.Context) error {
	f.mu.Lock()
	for at, l := range f.live {
		f.drop(l)
		delete(f.live, at)
	}
	f.mu.Unlock()
	closed := make(chan struct{})
	go func() { f.retired.Wait(); close(closed) }()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close the functions: %w", context.Cause(ctx))
	}
}
