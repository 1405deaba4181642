// Package engine makes the running pipelines match the stored mappings, and nothing
// else: it reads desired state, starts, updates and stops, and says what it observes.
//
// Run watches the store. Each mapping has a runner: one goroutine that is told the
// newest wish and carries it out before it looks at the next, so that a slow start or a
// long drain of one mapping holds no other. Functions are shared: every mapping of a
// function, and the Invoke API, use the same processes and the same gate.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gantry/engine/async"
	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/pipeline/invoke"
	"gantry/schema"
	"gantry/store"
)

// Sources finds out how to reach a mapping's cluster (kafka.Resolver).
type Sources interface {
	Resolve(ctx context.Context, src mapping.Source) (kafka.Cluster, error)
}

// Target is a function that can be invoked until it is closed. Close ends what it
// started (processes, connections); invocations under way may end first.
type Target interface {
	function.Invoker
	Close(ctx context.Context) error
}

// Targets makes the target of a function, in surroundings where a mapping has some (nil =
// none). Its error is shown to the owner.
type Targets func(ctx context.Context, fn function.Function, in *mapping.Surroundings) (Target, error)

// Config is what the engine needs of the rest of gantry. All but AWS, Budget, Log
// and Observe are required.
type Config struct {
	Store   store.Store
	Sources Sources
	// Schemas gives the schema registry of an output's source; nil = there is none.
	Schemas func(src mapping.Source) (*schema.Registry, error)
	Targets Targets
	Process string // this process: part of every static instance id; "" = dynamic members
	Budget  *pipeline.Budget
	Log     *slog.Logger
	// OneLane says why mappings to a function must keep one lane a partition, "" where
	// they need not; nil = none must.
	OneLane func(fn function.Function) string
	// AWS gives the configuration of the aws: section, for dead letters that go to AWS.
	AWS func(ctx context.Context) (aws.Config, error)
	// Shown hides in texts that leave the data centre what the owner wants hidden; nil = nothing.
	Shown func(text string) string
	// ARN gives the ARN of a function, for dead letters.
	ARN      func(name string) string
	EventLog EventLog // of mappings with LoggingConfig; nil = nowhere
	// Trace gives the tracer of a mapping's batches to one of its functions; nil = no traces.
	Trace func(m mapping.Mapping, function string) invoke.Tracer
}

// Engine runs the mappings of a store in this process.
type Engine struct {
	cfg       Config
	mappings  store.Typed[mapping.Mapping]
	functions *functions
	async     *async.Dispatcher
	topics    *topics // what async sends to
	retention *retention
	resets    resets

	mu      sync.Mutex // guards runners; held for map access only
	runners map[string]*runner
	asyncs  sync.WaitGroup // the dispatcher, until what it has under way has ended
}

// New makes an engine; Run starts it.
func New(cfg Config) *Engine {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	e := &Engine{
		cfg:       cfg,
		mappings:  store.MappingsOf(cfg.Store),
		functions: newFunctions(cfg),
		runners:   map[string]*runner{},
		topics:    &topics{sources: cfg.Sources, producers: map[string]*kafka.Producer{}},
	}
	e.async = async.New(async.Config{Queue: cfg.Store, Functions: e.functions, Sender: e.topics, Log: cfg.Log, ARN: cfg.ARN})
	e.retention = newRetention(e)
	return e
}

// Run follows the store until ctx ends, then stops every mapping and takes up no more
// events: functions in flight end, settled offsets are committed, static members leave
// their groups. stop bounds that; when it ends, what still runs is cut.
func (e *Engine) Run(ctx, stop context.Context) error {
	changed := e.cfg.Store.Watch(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { e.retention.run(ctx) })
	e.asyncs.Go(func() { e.async.Run(ctx, stop) })
	defer watch.Wait()
	for {
		select {
		case <-ctx.Done():
			return e.stopAll(stop)
		case <-changed:
		}
		if err := e.reconcile(ctx); err != nil && ctx.Err() == nil {
			e.cfg.Log.Error("reading the desired state failed, what runs goes on", "error", err)
		}
	}
}

// reconcile tells every runner what is wanted of it.
func (e *Engine) reconcile(ctx context.Context) error {
	versions, err := e.functions.sync(ctx)
	if err != nil {
		return err
	}
	items, err := e.mappings.List(ctx)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, item := range items {
		wanted[item.ID] = true
		e.runner(item.ID).want(wish{mapping: item.Value, version: item.Version, function: versionsOf(item.Value, versions)})
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, r := range e.runners {
		if !wanted[id] {
			r.want(wish{gone: true})
			delete(e.runners, id)
		}
	}
	return nil
}

// versionsOf tells the functions of a mapping from those it had before one changed; 0 is that
// of one that is not there.
func versionsOf(m mapping.Mapping, versions map[string]int64) string {
	var out []byte
	for _, c := range m.Functions {
		out = strconv.AppendInt(append(out, ' '), versions[c.Function], 10)
	}
	return string(out)
}

func (e *Engine) runner(uuid string) *runner {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.runners[uuid]
	if r == nil {
		r = newRunner(e, uuid)
		e.runners[uuid] = r
	}
	return r
}

func (e *Engine) find(uuid string) (*runner, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r := e.runners[uuid]; r != nil {
		return r, nil
	}
	return nil, fmt.Errorf("mapping %s: %w", uuid, store.ErrNotFound)
}

func (e *Engine) stopAll(stop context.Context) error {
	e.mu.Lock()
	runners := make([]*runner, 0, len(e.runners))
	for _, r := range e.runners {
		runners = append(runners, r)
	}
	e.mu.Unlock()
	var wg sync.WaitGroup
	errs := make([]error, len(runners))
	for i, r := range runners {
		wg.Go(func() { errs[i] = r.end(stop) })
	}
	wg.Wait()
	e.asyncs.Wait()
	e.topics.close()
	return errors.Join(errors.Join(errs...), e.functions.close(stop))
}

// Invoke runs a function once, through the same processes and the same gate as the
// mappings. A function at its reserved concurrency is not reached, and throttled.
func (e *Engine) Invoke(ctx context.Context, name string, in function.Invocation) (function.Outcome, error) {
	f, err := e.functions.use(ctx, name, nil)
	if err != nil {
		return function.Outcome{}, err
	}
	if !f.gate.TryEnter(nil) {
		f.counts.Throttles.Add(1)
		return function.Outcome{
			Class: function.NotReached, Throttled: true,
			Message: fmt.Sprintf("invoke %s: its reserved concurrency is used up", name),
		}, nil
	}
	defer f.gate.Leave()
	return f.Invoke(ctx, in), nil
}

// Gate gives the gate of a function, for those who count its concurrency.
func (e *Engine) Gate(name string) *invoke.Gate { return e.functions.gate(name) }
