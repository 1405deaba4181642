package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"gantry/function"
)

// How long a process may take to end, in each case. Lambda gives 500 ms between SIGTERM
// and SIGKILL to a runtime that has an internal extension.
const (
	shutdownGrace  = 500 * time.Millisecond
	initErrorGrace = 500 * time.Millisecond
	lastWords      = 250 * time.Millisecond // for answers and lines a process sent just before it ended
)

// ending is what the pool should know about a process that has gone.
type ending struct {
	crashed   bool
	memory    bool // killed for its memory
	timedOut  bool
	initAgain bool // its init phase ran over: to be repeated under the function's timeout
}

// live is a process's whole life. It returns when nothing of it is left.
func (w *worker) live() {
	e, err := w.launch()
	if err != nil {
		w.pool.started(abandoned)
		w.pool.startFailed(func(string) result {
			return result{class: function.NotReached, message: "no process could be started: " + err.Error()}
		})
	}
	w.pool.gone(w, e)
}

// launch runs the process to its end. An error means gantry could not prepare it; that
// the program cannot be run is the function's fault, and a failed init phase.
func (w *worker) launch() (ending, error) {
	ctx, cancel := context.WithTimeout(context.Background(), injectTimeout)
	defer cancel()
	more, err := w.pool.inject(ctx)
	if err != nil {
		return ending{}, err
	}
	w.has.Store(&more)
	api, err := listen(w)
	if err != nil {
		return ending{}, fmt.Errorf("open the Runtime API's port: %w", err)
	}
	defer api.close()
	temp, err := os.MkdirTemp(w.pool.cfg.DataDir, tempPrefix+w.pool.fn.Name+"-")
	if err != nil {
		return ending{}, fmt.Errorf("make its temp folder: %w", err)
	}
	defer os.RemoveAll(temp)
	if a := w.pool.cfg.account; a != nil {
		if err := os.Chown(temp, a.uid, a.gid); err != nil {
			return ending{}, fmt.Errorf("give it its temp folder: %w", err)
		}
	}
	out, err := newOutput(w.pool.cfg.Log)
	if err != nil {
		return ending{}, fmt.Errorf("open its output: %w", err)
	}
	w.out = out
	out.hide = more.hide.and(w.token)
	group, err := w.pool.cfg.Cgroups.make(w.pool.fn.Memory)
	if err != nil {
		out.started()
		out.close(lastWords)
		return ending{}, err
	}
	defer group.remove()
	c, err := w.spawn(api, temp, group)
	out.started()
	if err != nil {
		out.close(lastWords)
		if shortage(err) {
			return ending{}, fmt.Errorf("start it: %w", err)
		}
		return w.bury(exit{unstartable: err}), nil
	}
	go api.serve(c)
	ended := c.wait()
	if group.exceeded() {
		w.overLimit()
	}
	api.settle(lastWords)
	out.close(lastWords)
	return w.bury(ended), nil
}

// shortage says that a program could not be started for want of something that may be
// there later, and not because of what it is.
func shortage(err error) bool {
	for _, e := range []syscall.Errno{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.ETXTBSY} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// tempPrefix marks the temp folders of processes in the data folder.
const tempPrefix = "function-"

// RemoveStale deletes temp folders that a gantry which was killed left in dataDir, and the
// copies of packages that users of an earlier run had. Only the owner of dataDir may call it, before the first pool is made.
func RemoveStale(dataDir string) error {
	left, err := filepath.Glob(filepath.Join(dataDir, tempPrefix+"*"))
	if err != nil {
		return fmt.Errorf("look for old temp folders in %s: %w", dataDir, err)
	}
	for _, dir := range append(left, filepath.Join(dataDir, sharedFolder)) {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove old temp folder: %w", err)
		}
	}
	return nil
}

// spawn starts the program and the clock of its init phase.
func (w *worker) spawn(api *runtimeAPI, temp string, group *cgroup) (*child, error) {
	p := w.pool
	limit := p.cfg.InitTimeout
	if w.again {
		limit = p.fn.Timeout
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = time.Now()
	if w.cause != causeNone {
		return nil, fmt.Errorf("ended before it was started")
	}
	if err := p.launch.check(); err != nil {
		return nil, err
	}
	c, err := p.spawner.start(program{
		argv: p.launch.argv, dir: p.cfg.CodeDir, user: p.cfg.account, group: group,
		env:    p.environment(api.address, temp, *w.has.Load(), w.produceVariables(api.address)),
		stdout: w.out.streams[0].childEnd, stderr: w.out.streams[1].childEnd,
	})
	if err != nil {
		return nil, err
	}
	w.child = c
	w.timer = time.AfterFunc(limit, w.overdue)
	return c, nil
}

// exit says how a process ended.
type exit struct {
	text        string // as Lambda says it: "exit status 1", "signal: killed"; empty for status 0
	unstartable error
}

// bury decides what became of the event the process had, or of its init phase.
func (w *worker) bury(x exit) ending {
	w.mu.Lock()
	before, why, c := w.state, w.cause, w.call
	held := w.holds()
	w.state, w.ended = ended, time.Now()
	if w.timer != nil {
		w.timer.Stop()
	}
	w.mu.Unlock()

	e := ending{
		crashed:  why == causeMemory || why == causeNone && before != starting,
		memory:   why == causeMemory,
		timedOut: why == causeTimeout && before != starting,
	}
	switch {
	case before == starting:
		return w.buryStart(x, e)
	case before == assigned: // still in the channel, or taken from it and not yet written
		c.done <- result{notHanded: true}
	case held:
		c.done <- w.verdict(x, why, c.id)
	case before == finishing:
		w.pool.finish(-1)
		fallthrough
	default:
		w.noteQuietEnd(x, why)
	}
	return e
}

// buryStart ends an init phase that did not come to a first request for an event.
func (w *worker) buryStart(x exit, e ending) ending {
	w.mu.Lock()
	why, posted := w.cause, w.initDoc
	w.mu.Unlock()
	if why == causeShutdown || why == causeCut {
		w.pool.started(abandoned)
		return e
	}
	w.pool.started(failed)
	if why == causeInitOverrun {
		w.out.platform(fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: init\tStatus: timeout", ms(w.pool.cfg.InitTimeout)))
		e.initAgain = true
		return e
	}
	e.crashed = posted == nil && x.unstartable == nil && why != causeTimeout
	e.timedOut = why == causeTimeout
	w.pool.startFailed(func(id string) result { return w.startVerdict(x, id) })
	return e
}

// startVerdict is what a failed init phase means for the invocation that gets it.
func (w *worker) startVerdict(x exit, id string) result {
	w.mu.Lock()
	why, posted := w.cause, w.initDoc
	w.mu.Unlock()
	var r result
	if posted != nil && (why == causeNone || why == causeInitError) {
		r = *posted
	} else {
		r = w.verdict(x, why, id)
	}
	w.out.platform(fmt.Sprintf("INIT_REPORT Init Duration: %.2f ms\tPhase: init\tStatus: error", ms(w.ended.Sub(w.begun))))
	r.log = w.out.early()
	return r
}

func (w *worker) noteQuietEnd(x exit, why cause) {
	switch why {
	case causeShutdown, causeCut:
	case causeTimeout:
		w.pool.log.Warn("a process answered and then did not ask for the next event before its deadline; killed")
	default:
		w.pool.log.Warn("a process ended between invocations", "exit", x.String())
	}
}

func (x exit) String() string {
	if x.text == "" {
		return "exit status 0"
	}
	return x.text
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
