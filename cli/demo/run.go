package demo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"gantry/declare"
	"gantry/engine"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/pipeline"
)

// Engine is what the demo looks at: the engine of the gantry that main has opened.
type Engine interface {
	Running() []engine.Running
	Status(uuid string) mapping.Status
	Offsets(ctx context.Context, uuid string) ([]engine.Partition, error)
	Watch(uuid string) (<-chan pipeline.Event, func(), error)
}

// Screen shows frames. Show is called about five times a second.
type Screen interface {
	Show(Frame)
}

// Options of a demo. All but For, Notes and Hurry are required.
type Options struct {
	Engine   Engine
	File     *declare.File // as the engine has it
	Cluster  kafka.Cluster
	Bucket   *Bucket
	Dir      string        // the work folder of Prepare
	For      time.Duration // 0 = until ctx ends
	Rate     int           // records a second
	Endpoint string
	Screen   Screen
	Notes    []string
	Hurry    <-chan struct{} // closed: do not wait for the rest
}

// The patience of a demo.
const (
	startWithin = 30 * time.Second
	drainWithin = 15 * time.Second
	drainAsk    = 100 * time.Millisecond
	frameEvery  = 200 * time.Millisecond
)

// run is one demo under way.
type run struct {
	opts    Options
	ledger  *ledger
	watched []*watched
	sampler *sampler
	began   time.Time
}

// Run tells the whole story: it waits until every mapping has joined, lets the services
// write until For is over or ctx ends, lets the mappings finish, and adds up. It
// returns with the engine still at work.
func Run(ctx context.Context, opts Options) (Summary, error) {
	r := &run{opts: opts, ledger: newLedger(), began: time.Now()}
	r.sampler = newSampler(r)
	opts.Screen.Show(Frame{Starting: true, Limit: opts.For, Endpoint: opts.Endpoint, Notes: opts.Notes})
	stop, err := r.start(ctx)
	if err != nil {
		return Summary{}, err
	}
	defer stop()
	if err := r.produce(ctx); err != nil {
		return Summary{}, err
	}
	settled := r.drain(context.WithoutCancel(ctx))
	return r.summary(context.WithoutCancel(ctx), settled)
}

// start waits until the file's mappings run and follows their batches.
func (r *run) start(ctx context.Context) (stop func(), err error) {
	uuids := map[string]string{}
	for _, m := range r.opts.File.Mappings {
		uuids[m.Name] = m.UUID
	}
	if err := r.joined(ctx, uuids); err != nil {
		return nil, err
	}
	var following sync.WaitGroup
	done := make(chan struct{})
	for _, s := range stages() {
		uuid, ok := uuids[s.mapping]
		if !ok {
			continue
		}
		batches, end, err := r.opts.Engine.Watch(uuid)
		if err != nil {
			return nil, err
		}
		w := &watched{stage: s, uuid: uuid, end: end}
		r.watched = append(r.watched, w)
		following.Go(func() { w.follow(batches, done) })
	}
	r.began = time.Now()
	return func() {
		close(done)
		following.Wait()
		for _, w := range r.watched {
			w.end()
		}
	}, nil
}

// joined waits until every mapping holds its partitions.
func (r *run) joined(ctx context.Context, uuids map[string]string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startWithin, errors.New("it takes too long"))
	defer cancel()
	tick := time.NewTicker(frameEvery / 4)
	defer tick.Stop()
	for {
		ready := 0
		for _, running := range r.opts.Engine.Running() {
			if running.Snapshot.Joined {
				ready++
			}
		}
		if ready == len(uuids) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("start the demo: %d of %d mappings run: %w%s", ready, len(uuids), context.Cause(ctx), r.problems(uuids))
		}
	}
}

// problems says what keeps mappings from running.
func (r *run) problems(uuids map[string]string) string {
	text := ""
	for name, uuid := range uuids {
		if s := r.opts.Engine.Status(uuid); s.Detail != "" {
			text += "\n  " + name + ": " + s.Detail
		}
	}
	return text
}

// produce lets the services write, and shows what becomes of it.
func (r *run) produce(ctx context.Context) error {
	to, err := kafka.NewProducer(r.opts.Cluster)
	if err != nil {
		return err
	}
	defer to.Close()
	if r.opts.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.opts.For)
		defer cancel()
	}
	p := &producing{to: to, ledger: r.ledger, rate: r.opts.Rate}
	failed := make(chan error, 1)
	go func() { failed <- p.run(ctx) }()
	return r.show(failed)
}

// show draws frames until the producer has ended.
func (r *run) show(ended <-chan error) error {
	tick := time.NewTicker(frameEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			r.opts.Screen.Show(r.sampler.frame(now))
		case err := <-ended:
			return err
		}
	}
}

// drain waits until every mapping has committed the end of its topic.
func (r *run) drain(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, drainWithin)
	defer cancel()
	tick := time.NewTicker(drainAsk)
	defer tick.Stop()
	for {
		if r.settled(ctx) {
			return true
		}
		f := r.sampler.frame(time.Now())
		f.Draining = true
		r.opts.Screen.Show(f)
		select {
		case <-tick.C:
		case <-r.opts.Hurry:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// settled asks the cluster, in the order of the story: once the mapping that makes dead
// letters is through, the one that carries them away has seen their end.
// A mapping that somebody paused or deleted meanwhile is not waited for.
func (r *run) settled(ctx context.Context) bool {
	running := map[string]bool{}
	for _, m := range r.opts.Engine.Running() {
		running[m.UUID] = true
	}
	for _, w := range r.watched {
		if lag, err := r.lag(ctx, w); running[w.uuid] && (err != nil || lag > 0) {
			return false
		}
	}
	return true
}

func (r *run) lag(ctx context.Context, w *watched) (int64, error) {
	partitions, err := r.opts.Engine.Offsets(ctx, w.uuid)
	if err != nil {
		return 0, err
	}
	var lag int64
	for _, p := range partitions {
		lag += p.Lag()
		if p.InFlight {
			lag++
		}
	}
	return lag, nil
}

func (r *run) effects() string { return filepath.Join(r.opts.Dir, effectsFolder) }
