package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/pipeline/encode"
	"gantry/pipeline/filter"
	"gantry/pipeline/invoke"
	"gantry/pipeline/poll"
	"gantry/record"
)

// running is a mapping at work: a poller and its pipeline.
type running struct {
	e         *Engine
	uuid      string
	mapping   mapping.Mapping // the runner's alone: an update replaces it
	cluster   kafka.Cluster
	poller    *poll.Poller
	pipe      *pipeline.Pipeline
	producer  *kafka.Producer // of the source's cluster; nil where nothing is written to it
	elsewhere *kafka.Producer // of the output's cluster, where that is another one

	tx *kafka.Transactor // nil where answers are not part of a transaction

	meter  lagMeter
	events atomic.Pointer[eventLog] // nil without LoggingConfig

	connects    chan connect
	stopPolling context.CancelFunc
	stopLoop    context.CancelFunc
	polls       sync.WaitGroup
	loop        sync.WaitGroup
	once        sync.Once
	stopped     error
}

// settings are the parts of a running mapping that its owner may change at any time.
type settings struct {
	pipe pipeline.Settings
	enc  *encode.Encoder
}

// settings prepares what a mapping needs besides its membership. Every error is the
// mapping's: a function that is not there, a filter that can't be read.
func (e *Engine) settings(ctx context.Context, m mapping.Mapping) (settings, error) {
	var err error
	if m.Source.Bootstrap, err = e.bootstrap(ctx, m); err != nil {
		return settings{}, err
	}
	enc := encode.New(encode.Envelope{
		EventSource: eventSource(m), EventSourceARN: m.Source.ARN, Bootstrap: strings.Join(m.Source.Bootstrap, ","),
	})
	s := settings{enc: enc, pipe: pipeline.Settings{Mapping: m, Sizer: enc}}
	var errs []error
	for _, consumer := range m.Functions {
		c, err := e.consumer(ctx, m, consumer, enc)
		s.pipe.Consumers, errs = append(s.pipe.Consumers, c), append(errs, err)
	}
	s.pipe.Keep, err = keep(m.Functions)
	return s, errors.Join(append(errs, err)...)
}

// consumer prepares one function of a mapping.
func (e *Engine) consumer(ctx context.Context, m mapping.Mapping, c mapping.Consumer, enc *encode.Encoder) (pipeline.Consumer, error) {
	target, err := e.functions.use(ctx, c.Function, m.Surroundings)
	if err != nil {
		return pipeline.Consumer{}, &FunctionError{Name: c.Function, Err: err}
	}
	if err := e.lanesFit(m, target.fn); err != nil {
		return pipeline.Consumer{}, err
	}
	caller := &invoke.Caller{Encoder: enc, Invoker: target, LogTail: m.OnFailure != ""}
	if e.cfg.Trace != nil {
		caller.Tracer = e.cfg.Trace(m, c.Function)
	}
	return pipeline.Consumer{
		Name: c.Function, Caller: caller, Gate: target.gate, Timeout: target.fn.Timeout, Parallel: parallel(target.fn),
		Partial: m.PartialAnswers || target.fn.Kind == function.InProcess, // an integration always names the records it did not write
	}, nil
}

// keep joins the filters of the functions.
func keep(functions []mapping.Consumer) (poll.Filter, error) {
	sets := make([]*filter.Set, len(functions))
	errs := make([]error, len(functions))
	for i, c := range functions {
		var err error
		if sets[i], err = filter.CompileAll(c.Filters); err != nil {
			errs[i] = fmt.Errorf("compile the filters of %s: %w", c.Function, err)
		}
	}
	if len(sets) == 1 {
		return sets[0], errors.Join(errs...)
	}
	return filter.NewFan(sets...), errors.Join(errs...)
}

// lanesFit refuses several lanes a partition to a function that would lose records by them.
func (e *Engine) lanesFit(m mapping.Mapping, fn function.Function) error {
	n := m.Lanes.InForce().PerPartition
	if n <= 1 || e.cfg.OneLane == nil {
		return nil
	}
	if why := e.cfg.OneLane(fn); why != "" {
		return fmt.Errorf("lanes.perPartition is %d and function %s needs one lane a partition: %s; leave lanes out, or the setting", n, fn.Name, why)
	}
	return nil
}

// bootstrap is what events say of the brokers: as the mapping gives them, or those of
// the cluster that its ARN names.
func (e *Engine) bootstrap(ctx context.Context, m mapping.Mapping) ([]string, error) {
	if len(m.Source.Bootstrap) > 0 {
		return m.Source.Bootstrap, nil
	}
	cluster, err := e.cfg.Sources.Resolve(ctx, m.Source)
	return cluster.Brokers, err
}

// FunctionError is a mapping whose function can't be used.
type FunctionError struct {
	Name string
	Err  error
}

func (e *FunctionError) Error() string { return e.Err.Error() }

func (e *FunctionError) Unwrap() error { return e.Err }

func eventSource(m mapping.Mapping) string {
	if m.Source.ARN != "" {
		return mapping.MSKType
	}
	return mapping.SelfManagedType
}

// parallel is the process default of invocations in flight for a kind of target.
func parallel(fn function.Function) int {
	switch {
	case fn.Kind == function.HTTP || fn.Kind == function.Lambda:
		return 100
	case fn.Processes > 0:
		return fn.Processes
	case fn.Kind == function.InProcess:
		return 16 // it waits for a service, not for a processor
	}
	return 2 * runtime.GOMAXPROCS(0)
}

// startOf is what a start needs.
type startOf struct {
	mapping  mapping.Mapping
	settings settings
	accepted map[record.Partition]mapping.Loss
	watch    *watchers
}

// start joins the group and begins to work. Only what can't work at all is an error
// here; trouble with the cluster shows in the status and is tried again by itself.
func (e *Engine) start(ctx context.Context, s startOf) (*running, error) {
	m := s.mapping
	cluster, err := e.cfg.Sources.Resolve(ctx, m.Source)
	if err != nil {
		return nil, err
	}
	r := &running{e: e, uuid: m.UUID, mapping: m, cluster: cluster, connects: make(chan connect, 64)}
	if err := errors.Join(r.destination(&s.settings), r.output(ctx, &s.settings)); err != nil {
		return nil, errors.Join(err, r.closeProducer())
	}
	r.pipe = pipeline.New(pipeline.Config{
		Settings: s.settings.pipe, KeepAnswers: m.Transactional(), Total: e.cfg.Budget, Log: e.cfg.Log, Observe: s.watch, Failed: r.failed,
	})
	cluster.OnConnect = r.connected
	r.poller, err = poll.New(poll.Config{
		Options: cluster.Options(), Dial: cluster.Connect, Group: m.GroupID, Topics: m.Source.Topics, ReadUncommitted: m.ReadUncommitted,
		Positions: m.Positions, TopicIDs: m.TopicIDs, Accepted: s.accepted, Log: e.cfg.Log,
		Membership: poll.Membership{Instance: e.instance(m), Session: m.SessionTimeout},
	}, r.pipe)
	if err != nil {
		return nil, errors.Join(err, r.closeProducer())
	}
	r.poller.Use(s.settings.pipe.Keep, s.settings.enc)
	if err := r.attach(); err != nil {
		return nil, errors.Join(err, r.closeProducer())
	}
	r.launch()
	return r, nil
}

// connected hears of every attempt to connect; the client tries again in silence. It
// must not block: what does not fit is the same story as what is in line.
func (r *running) connected(broker string, err error) {
	select {
	case r.connects <- connect{broker, err}:
	default:
	}
}

// instance is the static member id: a crashed process that comes back with the same
// data directory takes its partitions up where it was, without a rebalance.
func (e *Engine) instance(m mapping.Mapping) string {
	if e.cfg.Process == "" {
		return ""
	}
	return e.cfg.Process + "-" + m.UUID
}

// attach gives the pipeline its poller, and the way it commits.
func (r *running) attach() error {
	if !r.mapping.Transactional() {
		r.pipe.Attach(r.poller, pipeline.Plain{Poller: r.poller})
		return nil
	}
	tx, err := r.transactor()
	if err != nil {
		return err
	}
	r.pipe.Attach(r.poller, tx)
	return nil
}

func (r *running) launch() {
	var loop, polling context.Context
	loop, r.stopLoop = context.WithCancel(context.Background())
	polling, r.stopPolling = context.WithCancel(context.Background())
	r.loop.Go(func() { r.pipe.Run(loop) })
	r.loop.Go(func() { r.watchConnects(loop) })
	r.polls.Go(func() {
		r.takeOver(polling)
		r.poller.Run(polling)
	})
	r.useEvents(r.mapping)
}

// update changes the settings of what runs; the group does not notice.
func (r *running) update(ctx context.Context, m mapping.Mapping, s settings) error {
	r.mapping = m
	if err := errors.Join(r.destination(&s), r.output(ctx, &s)); err != nil {
		return err
	}
	r.poller.Use(s.pipe.Keep, s.enc)
	r.pipe.Update(s.pipe)
	r.useEvents(m)
	return nil
}

// stop ends polling, lets what is in flight end, commits, leaves the group. It may be
// called again and gives the same answer.
func (r *running) stop(ctx context.Context) error {
	r.once.Do(func() {
		r.useEvents(mapping.Mapping{})
		r.stopPolling()
		r.polls.Wait()
		leaving, cancel := context.WithTimeout(ctx, leaveTimeout)
		defer cancel()
		r.stopped = errors.Join(r.poller.Close(leaving), r.closeProducer())
		r.stopLoop()
		r.loop.Wait()
	})
	return r.stopped
}

// leaveTimeout is longer than any drain: the pipeline's own deadline ends it.
const leaveTimeout = 16 * time.Minute
