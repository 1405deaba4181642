// Package process runs functions as child processes that speak Lambda's Runtime API
// (2018-06-01), so that the code a function has in AWS runs here unchanged.
//
// The flow of one invocation: Invoke takes a free process from the pool (the one used
// last), or waits while the pool starts one; the event goes out as the answer to the
// process's pending GET …/invocation/next; the process POSTs its result; Invoke returns
// as soon as that is read. The process is free again when it asks for the next event.
//
// What holds:
//   - A process has at most one event at a time, and an event is given to one process.
//   - An event that was not handed out is never reported as failed: Invoke takes another
//     process, or says NotReached.
//   - Whatever ends a process (timeout, a cut context, too much memory, its own exit)
//     ends its whole process group, and Invoke returns only after it is gone.
//   - Each process has its own loopback port, temp folder and process group, no
//     descriptor of gantry's and none of its environment but PATH.
//   - With Config.Egress they reach the Runtime API and the targets named there, and
//     nothing else of any network: see room.
//
// Locks: worker.mu and Pool.mu are never held together.
//
// What is not isolated is said by Exposed: without a user of their own functions run as
// gantry's and can read every file it can. Where there are no control groups, a function
// that starts a new session (setsid) escapes the process group. Only Linux can
// tell which process a connection belongs to and end functions when gantry is killed;
// elsewhere any local process that finds the port may talk to it. On Windows only the
// function's own process is ended, not what it started.
package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"gantry/function"
)

// Config is what a pool needs besides the function itself.
type Config struct {
	CodeDir      string            // the extracted deployment package, or a plain folder
	Region       string            // AWS_REGION and the region in the ARN
	AccountID    string            // the account in the ARN
	DataDir      string            // where temp folders and our bootstraps go; empty = the system's temp folder
	Packaged     bool              // CodeDir is an unpacked package, which never changes
	User         string            // USER or USER:GROUP that processes run as where the function names none; empty = gantry's own
	Interpreters map[string]string // runtime identifier → program, where PATH is not to decide
	Overrides    map[string]string // environment of this invocation target; wins over the function's
	Command      []string          // a program that speaks the Runtime API, instead of the runtime's
	Log          Sink              // gets each line the function writes; nil = dropped
	Logger       *slog.Logger      // gantry's own log; nil = slog.Default()
	IdleTimeout  time.Duration     // a process unused for so long is ended; 0 = 5 minutes
	InitTimeout  time.Duration     // length of the init phase; 0 = Lambda's 10 seconds
	Path         string            // PATH of functions and where interpreters are found; empty = gantry's own

	Secrets     Secrets                                        // resolves the function's secrets; nil = it can have none
	Credentials func(ctx context.Context) (Credentials, error) // of the function's role; nil = none
	Produce     http.Handler                                   // takes what the function sends to topics; nil = nobody does
	RenewPause  time.Duration                                  // between two looks at secrets and credentials; 0 = 30 seconds

	Egress *Egress // where processes may connect to, beside the Runtime API; nil = wherever the machine lets them

	Cgroups *Cgroups // where processes get control groups; nil = none: their memory is watched

	account *account // found from User or the function's; nil = gantry's own
}

func (c Config) renewPause() time.Duration {
	if c.RenewPause > 0 {
		return c.RenewPause
	}
	return renewPause
}

const defaultIdle = 5 * time.Minute

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.IdleTimeout <= 0 {
		c.IdleTimeout = defaultIdle
	}
	if c.InitTimeout <= 0 {
		c.InitTimeout = function.InitTimeout
	}
	if c.Path == "" {
		c.Path = os.Getenv("PATH")
	}
	if c.DataDir == "" {
		c.DataDir = os.TempDir()
	}
	return c
}

// Pool runs one function in as many processes as its callers need. It implements
// function.Invoker.
type Pool struct {
	fn     function.Function
	cfg    Config
	launch launch
	arn    string
	max    int
	log    *slog.Logger

	mu        sync.Mutex
	free      []*worker // the one used last is at the end
	waiting   []*waiter // oldest first
	workers   map[*worker]struct{}
	starting  int
	finishing int // answered, and about to ask for the next event
	closed    bool
	empty     chan struct{} // closed when the last process has gone after Close
	idle      *time.Timer   // nil while no process is free
	watching  bool          // the memory watcher runs
	renewing  bool          // keepFresh runs
	suspected time.Time     // when a failed invocation last made us look at the secrets
	nudging   bool          // a look at late callers is planned
	counts    function.PoolStats
	spawner   spawner
	room      *room // nil = processes share the machine's network
}

var _ function.Invoker = (*Pool)(nil)

// New prepares a function to be run; no process is started before the first Invoke. It
// finds the interpreter, so a runtime that this machine cannot run is an error here.
func New(fn function.Function, cfg Config) (*Pool, error) {
	cfg = cfg.withDefaults()
	fn, cfg, err := checked(fn, cfg)
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", fn.Name, err)
	}
	cfg.account, err = lookupAccount(cmp.Or(fn.User, cfg.User))
	if err == nil {
		err = cfg.share(cfg.account)
	}
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", fn.Name, err)
	}
	found, err := findLaunch(fn, cfg)
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", fn.Name, err)
	}
	p := &Pool{
		fn: fn, cfg: cfg, launch: found, max: fn.Processes,
		arn:     fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", cfg.Region, cfg.AccountID, fn.Name),
		log:     cfg.Logger.With("function", fn.Name),
		workers: map[*worker]struct{}{},
		empty:   make(chan struct{}),
	}
	if cfg.Egress != nil {
		if p.room, err = openRoom(cfg.Egress, cfg.DataDir, p.log); err != nil {
			return nil, fmt.Errorf("function %s: %w", fn.Name, err)
		}
		p.spawner.settle(p.room.thread)
	}
	for _, w := range found.warnings {
		p.log.Warn("a function runs otherwise than it declares", "detail", w)
	}
	return p, nil
}

// checked fills in what was left out and names every fault at once.
func checked(fn function.Function, cfg Config) (function.Function, Config, error) {
	var errs []error
	if fn.Timeout <= 0 {
		fn.Timeout = function.DefaultTimeout
	}
	if fn.Memory <= 0 {
		fn.Memory = function.DefaultMemory
	}
	if fn.Processes <= 0 {
		fn.Processes = 2 * runtime.NumCPU()
	}
	if dir := cfg.CodeDir; dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			errs = append(errs, fmt.Errorf("code folder %s: %w", dir, err))
		}
		cfg.CodeDir = abs
		if info, err := os.Stat(abs); err != nil {
			errs = append(errs, fmt.Errorf("code folder: %w", err))
		} else if !info.IsDir() {
			errs = append(errs, fmt.Errorf("code folder %s: not a folder", abs))
		}
	} else if len(cfg.Command) == 0 {
		errs = append(errs, errors.New("no code folder and no command: nothing to run"))
	}
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		errs = append(errs, fmt.Errorf("data folder %s: %w", cfg.DataDir, err))
	}
	cfg.DataDir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		errs = append(errs, fmt.Errorf("data folder: %w", err))
	}
	if err := Validate(fn.Environment); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, ValidateSecrets(fn.Secrets, fn.Environment), checkSecrets(fn.Secrets, cfg.Secrets))
	return fn, cfg, errors.Join(errs...)
}

// Warnings says what a function's owner should know about how it runs here, such as an
// interpreter of another version than the one declared.
func (p *Pool) Warnings() []string { return p.launch.warnings }

// Stats returns the current figures. It reads the memory of each process from the system.
func (p *Pool) Stats() function.PoolStats {
	p.mu.Lock()
	s := p.counts
	s.Processes, s.Busy, s.Waiting = len(p.workers), len(p.workers)-len(p.free), len(p.waiting)
	p.mu.Unlock()
	for _, w := range p.all() {
		s.Memory += int64(w.memory())
	}
	return s
}

// Close ends the idle processes at once and lets the busy ones finish until ctx ends;
// then they are killed. Callers still waiting for a process get NotReached. Closing
// twice is harmless.
func (p *Pool) Close(ctx context.Context) error {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	free := p.free
	p.free = nil
	for _, w := range p.waiting {
		w.give(lease{})
	}
	p.waiting = nil
	if p.idle != nil {
		p.idle.Stop()
	}
	if first && len(p.workers) == 0 {
		close(p.empty)
	}
	p.mu.Unlock()
	defer p.room.close()

	for _, w := range free {
		w.kill(causeShutdown)
	}
	for _, w := range p.all() {
		w.abandonStart()
	}
	select {
	case <-p.empty:
		return nil
	case <-ctx.Done():
	}
	return p.cut()
}

// cut kills what is left and waits for it, for as long as a killed process may take.
func (p *Pool) cut() error {
	for _, w := range p.all() {
		w.kill(causeCut)
	}
	select {
	case <-p.empty:
		return nil
	case <-time.After(killGrace):
		return fmt.Errorf("function %s: %d processes are still there %s after they were killed", p.fn.Name, len(p.all()), killGrace)
	}
}

func (p *Pool) all() []*worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*worker, 0, len(p.workers))
	for w := range p.workers {
		all = append(all, w)
	}
	return all
}
