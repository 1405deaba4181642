// Package async invokes functions for callers that do not wait: the API's
// InvocationType Event, handled as AWS documents it (Developer Guide, invocation-async
// and invocation-async-error-handling).
//
// The flow: Accept writes an event to the store's queue of its function, and only then is
// it accepted. Run takes what is due, the oldest first, waits for a place at the function's
// gate and invokes it. A function that fails is invoked twice more, after one and two
// minutes; what does not reach it is tried again with growing pauses. Then the event goes
// to the function's destination, or is dropped, which is counted and logged.
//
// An event leaves the store when it is done, not before: one that runs while gantry is
// killed runs again. So an event is delivered at least once, as in Lambda.
package async

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gantry/function"
	"gantry/store"
)

// The bounds of what may wait.
const (
	MaxEvents = 10_000    // of a function
	MaxBytes  = 512 << 20 // payloads, of all functions together
)

// ErrFull is what Accept answers when more may not wait.
var ErrFull = errors.New("too many events wait")

// ErrNoConcurrency is a function that may not run at all.
var ErrNoConcurrency = errors.New("the function's reserved concurrency is 0")

// Functions are what can be invoked. Safe for use by many goroutines.
type Functions interface {
	// Declared gives a function as it is declared now, or store.ErrNotFound.
	Declared(ctx context.Context, name string) (function.Function, error)
	// Await invokes a function once. It waits for a place until waiting ends, and then
	// answers with its error; ctx cuts the invocation itself. ErrNoConcurrency where there
	// will be no place. Every other error means that it did not run, and why.
	Await(ctx, waiting context.Context, name string, in function.Invocation) (function.Outcome, error)
}

// Sender writes to destinations. Safe for use by many goroutines.
type Sender interface {
	// Send writes one message and returns when it is durable.
	Send(ctx context.Context, to string, key, value []byte) error
}

// Config is what the dispatcher needs; all of it is required.
type Config struct {
	Queue     store.Queue
	Functions Functions
	Sender    Sender
	Log       *slog.Logger
	ARN       func(name string) string // of a function, unqualified
}

// Dispatcher keeps and invokes events. Safe for use by many goroutines.
type Dispatcher struct {
	cfg     Config
	wake    chan struct{} // something may be due
	loaded  chan struct{} // closed when the backlogs are those of the store
	running sync.WaitGroup

	mu       sync.Mutex // guards the backlogs; never held while the store or a function is called
	backlogs map[string]*backlog
	bytes    int64
}

// New makes a dispatcher; Run starts it.
func New(cfg Config) *Dispatcher {
	return &Dispatcher{cfg: cfg, wake: make(chan struct{}, 1), loaded: make(chan struct{}), backlogs: map[string]*backlog{}}
}

// Accept keeps an event: when it returns without an error the event is on the disk and
// will be invoked. ErrFull when too many wait.
func (d *Dispatcher) Accept(ctx context.Context, name string, ev Event) error {
	select {
	case <-d.loaded:
	case <-ctx.Done():
		return ctx.Err()
	}
	body, err := ev.encode()
	if err != nil {
		return err
	}
	size := int64(len(ev.Payload))
	b, err := d.reserve(name, size)
	if err != nil {
		return err
	}
	sequence, err := d.cfg.Queue.Push(ctx, name, body)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.release(b, size)
		return fmt.Errorf("keep the event: %w", err)
	}
	b.counts.Received++
	b.add(&entry{sequence: sequence, accepted: ev.Accepted, due: ev.Accepted, size: size})
	d.nudge()
	return nil
}

func (d *Dispatcher) reserve(name string, size int64) (*backlog, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.backlogOf(name)
	switch {
	case b.events >= MaxEvents:
		return nil, fmt.Errorf("%w: %d of function %s, which is the most", ErrFull, b.events, name)
	case d.bytes+size > MaxBytes:
		return nil, fmt.Errorf("%w: %d bytes of payload of all functions, and %d is the most", ErrFull, d.bytes, MaxBytes)
	}
	b.events++
	d.bytes += size
	return b, nil
}

// release takes an event off the books. The caller holds the lock.
func (d *Dispatcher) release(b *backlog, size int64) {
	b.events--
	d.bytes -= size
}

// backlogOf gives the backlog of a function. The caller holds the lock.
func (d *Dispatcher) backlogOf(name string) *backlog {
	b := d.backlogs[name]
	if b == nil {
		b = &backlog{name: name, width: 1}
		d.backlogs[name] = b
	}
	return b
}

func (d *Dispatcher) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run invokes what waits until ctx ends, and returns when what is under way has ended;
// stop cuts it.
func (d *Dispatcher) Run(ctx, stop context.Context) {
	defer d.running.Wait()
	if !d.load(ctx) {
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
		case <-timer.C:
		}
		if next, ok := d.start(ctx, stop); ok {
			timer.Reset(time.Until(next))
		}
	}
}

// start begins every attempt that is due and has a place, and says when the next is due.
func (d *Dispatcher) start(ctx, stop context.Context) (next time.Time, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for _, b := range d.backlogs {
		for b.busy < b.width && len(b.waiting) > 0 && !b.waiting[0].due.After(now) {
			e := b.take()
			b.busy++
			d.running.Go(func() { d.attempt(ctx, stop, b, e) })
		}
		if b.busy < b.width && len(b.waiting) > 0 && (!ok || b.waiting[0].due.Before(next)) {
			next, ok = b.waiting[0].due, true
		}
	}
	return next, ok
}

// Drop forgets what waits for a function that is gone.
func (d *Dispatcher) Drop(ctx context.Context, name string) error {
	d.mu.Lock()
	b := d.backlogs[name]
	if b != nil {
		for _, e := range b.waiting {
			d.release(b, e.size)
		}
		b.waiting = nil
		delete(d.backlogs, name) // what is under way ends on its own and finds nothing to settle
	}
	d.mu.Unlock()
	n, err := d.cfg.Queue.Drop(ctx, name)
	if err != nil {
		return fmt.Errorf("drop the events of function %s: %w", name, err)
	}
	if n > 0 {
		d.cfg.Log.Warn("asynchronous events dropped with their function", "event", "async.dropped_with_function", "function", name, "count", n)
	}
	return nil
}
