package process

import (
	"sync"
	"sync/atomic"
	"time"
)

// killGrace bounds the wait for a process that was killed.
const killGrace = 5 * time.Second

// state is where a process is in its life. It moves only in this file.
//
//	starting → idle → assigned → running → answering → finishing → idle …
//
// and from anywhere to ended.
type state uint8

const (
	starting  state = iota // has not asked for an event yet: the init phase
	idle                   // its request for an event is pending
	assigned               // an event is on its way to that request
	running                // the event was handed out
	answering              // its answer is being read
	finishing              // answered, and has not asked for the next event
	ended                  // gone, or being killed
)

// cause says why gantry ended a process; none if it ended by itself.
type cause uint8

const (
	causeNone cause = iota
	causeTimeout
	causeCut
	causeMemory
	causeShutdown
	causeInitOverrun
	causeInitError
)

// worker is one process: its state as the Runtime API sees it, and what ends it.
type worker struct {
	pool  *Pool
	token string    // what it writes to topics with; "" = it may not
	again bool      // the init phase is repeated under the function's timeout
	since time.Time // when it became free; guarded by Pool.mu

	mu       sync.Mutex
	state    state
	cause    cause
	call     *call // the event it has, or answered last
	initDoc  *result
	begun    time.Time   // start of the init phase
	ended    time.Time   // when it was gone
	timer    *time.Timer // init phase, or deadline of the event; nil before the start
	sigterm  bool        // registered an extension: SIGTERM comes before SIGKILL
	overUsed int         // MB, when causeMemory

	has   atomic.Pointer[injected] // what it got when it was started
	stale atomic.Bool              // to be replaced before its next event

	events chan *call // the event on its way to the pending request
	child  *child     // set before the process can ask for anything
	out    *output
}

func newWorker(p *Pool, again bool) *worker {
	w := &worker{pool: p, again: again, events: make(chan *call, 1)}
	if p.fn.Produce != nil && p.cfg.Produce != nil {
		w.token = newToken()
	}
	return w
}

// hand gives the process an event; false if it has ended meanwhile. The deadline runs
// from here.
func (w *worker) hand(c *call) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state != idle || w.cause != causeNone {
		return false
	}
	w.state = assigned
	w.call = c
	c.deadline = time.Now().Add(c.timeout)
	w.timer.Reset(c.timeout)
	w.events <- c
	return true
}

// asks is called when the process wants the next event; false if it may not ask now.
func (w *worker) asks() bool {
	w.mu.Lock()
	before := w.state
	if w.cause != causeNone || before == running || before == answering || before == ended {
		w.mu.Unlock()
		return false
	}
	if before == idle || before == assigned { // it lost its connection and asks again
		w.mu.Unlock()
		return true
	}
	w.state = idle
	w.timer.Stop()
	var spent time.Duration
	if w.again && before == starting {
		spent = time.Since(w.begun)
	}
	w.mu.Unlock()

	w.out.attribute("")
	w.out.setTail(nil)
	if before == starting {
		w.pool.started(came)
	} else {
		w.pool.finish(-1)
	}
	w.pool.ready(w, spent)
	return true
}

// picked is called when an event is about to be written to the process; false if the
// process is being ended, and then the event counts as not handed out.
func (w *worker) picked(c *call) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cause != causeNone || w.state != assigned {
		return false
	}
	w.state = running
	w.out.attribute(c.id)
	return true
}

// claim is called when an answer for an event comes in. It returns the event, or nil and
// whether the id is that of the event answered last.
func (w *worker) claim(id, invocation string) (c *call, late bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c = w.call
	if c == nil || c.id != id || invocation != "" && c.invocation != invocation {
		return nil, false
	}
	if w.state != running {
		return nil, true
	}
	w.state = answering
	return c, false
}

// unclaim takes back a claim whose answer could not be read.
func (w *worker) unclaim() {
	w.mu.Lock()
	if w.state == answering {
		w.state = running
	}
	w.mu.Unlock()
}

// answered settles the claimed event. The deadline stays: it is also the process's limit
// for coming back.
func (w *worker) answered(c *call, r result) {
	w.mu.Lock()
	if w.state != answering { // killed while the answer was read
		w.mu.Unlock()
		return
	}
	w.state = finishing
	w.mu.Unlock()
	if c.in.LogTail {
		w.out.drain()
	}
	w.pool.finish(+1)
	c.done <- r
}

// failInit keeps the document of a failed init phase; false if that phase is over. The
// process is left a moment to end by itself, so that its last lines are read.
func (w *worker) failInit(r result) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state != starting || w.initDoc != nil {
		return false
	}
	w.initDoc = &r
	w.timer.Reset(initErrorGrace)
	return true
}

// abandonStart ends the process if it has not come to its first event.
func (w *worker) abandonStart() {
	w.mu.Lock()
	early := w.state == starting
	w.mu.Unlock()
	if early {
		w.kill(causeShutdown)
	}
}

// overdue is called by the timer: the init phase, or the event, took too long.
func (w *worker) overdue() {
	w.mu.Lock()
	s, failed := w.state, w.initDoc != nil
	early := s > idle && time.Now().Before(w.call.deadline) // fired for an earlier event
	w.mu.Unlock()
	switch {
	case s == idle || early || s == ended:
	case failed:
		w.kill(causeInitError)
	case s == starting && !w.again:
		w.kill(causeInitOverrun)
	default:
		w.kill(causeTimeout)
	}
}

// cut ends the process if it still has this event.
func (w *worker) cut(c *call) {
	w.mu.Lock()
	has := w.call == c && w.holds()
	w.mu.Unlock()
	if has {
		w.kill(causeCut)
	}
}

// holds says whether an event waits for its answer. Called with w.mu held.
func (w *worker) holds() bool {
	return w.state == assigned || w.state == running || w.state == answering
}

// kill ends the process group. The first cause stands. What becomes of the event the
// process has is decided when it is gone, in bury.
func (w *worker) kill(why cause) {
	w.mu.Lock()
	if w.cause != causeNone || w.state == ended {
		w.mu.Unlock()
		return
	}
	w.cause = why
	c, gently := w.child, w.sigterm && why == causeShutdown
	w.mu.Unlock()
	switch {
	case c == nil: // not started yet: live looks at the cause
	case gently:
		c.terminate(shutdownGrace)
	default:
		c.kill()
	}
}
