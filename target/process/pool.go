package process

import (
	"context"
	"slices"
	"time"
)

// patience is how long a caller waits for a process that has answered and is expected
// back at once, before another one is started for it.
const patience = 50 * time.Millisecond

// lease is what a waiting caller gets: a process, or the failure of one that was started
// for it, or nothing because the pool was closed.
type lease struct {
	worker *worker
	failed func(requestID string) result
	spent  time.Duration // of the function's timeout, by an init phase that ran over
}

// waiter is a caller without a process. Its channel holds one lease, so that giving
// never blocks.
type waiter struct {
	got   chan lease
	since time.Time
}

func (w *waiter) give(l lease) { w.got <- l }

// acquire returns a free process, or waits for one.
func (p *Pool) acquire(ctx context.Context) (lease, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return lease{}, nil
	}
	if n := len(p.free); n > 0 {
		w := p.free[n-1]
		p.free = p.free[:n-1]
		p.mu.Unlock()
		return lease{worker: w}, nil
	}
	me := &waiter{got: make(chan lease, 1), since: time.Now()}
	p.waiting = append(p.waiting, me)
	fresh := p.grow(p.starting + p.finishing)
	if len(fresh) == 0 {
		p.armNudge(patience)
	}
	p.mu.Unlock()
	start(fresh)
	return p.await(ctx, me)
}

func (p *Pool) await(ctx context.Context, me *waiter) (lease, error) {
	select {
	case l := <-me.got:
		return l, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	if i := slices.Index(p.waiting, me); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		p.mu.Unlock()
		return lease{}, ctx.Err()
	}
	p.mu.Unlock()
	if l := <-me.got; l.worker != nil { // given while ctx ended: the next caller may have it
		p.ready(l.worker, l.spent)
	}
	return lease{}, ctx.Err()
}

// grow reserves as many new processes as the waiting callers need beyond those that are
// about to be free. Called with p.mu held; the caller starts them after unlocking.
func (p *Pool) grow(coming int) []*worker {
	var fresh []*worker
	for !p.closed && len(p.waiting) > coming+len(fresh) && len(p.workers) < p.max {
		fresh = append(fresh, p.add(false))
	}
	return fresh
}

// add registers a process that is about to be started. Called with p.mu held.
func (p *Pool) add(again bool) *worker {
	w := newWorker(p, again)
	p.workers[w] = struct{}{}
	p.starting++
	if !p.watching {
		p.watching = true
		go p.watchMemory()
	}
	if !p.renewing && p.injects() {
		p.renewing = true
		go p.keepFresh()
	}
	return w
}

func start(fresh []*worker) {
	for _, w := range fresh {
		go w.live()
	}
}

// armNudge plans a look at callers that wait in spite of processes that should be free by
// then. The timer is not stopped when they have been: on a busy pool that would be one
// timer for each invocation, and each would wake the runtime's poller. Called with p.mu
// held.
func (p *Pool) armNudge(after time.Duration) {
	if !p.nudging {
		p.nudging = true
		time.AfterFunc(after, p.nudge)
	}
}

// nudge starts processes for callers whose turn should have come by now.
func (p *Pool) nudge() {
	p.mu.Lock()
	p.nudging = false
	late := 0
	for late < len(p.waiting) && time.Since(p.waiting[late].since) >= patience {
		late++
	}
	fresh := p.grow(p.starting + len(p.waiting) - late)
	if late < len(p.waiting) {
		p.armNudge(patience - time.Since(p.waiting[late].since))
	} else if late > len(fresh) && len(p.workers) < p.max {
		p.armNudge(patience)
	}
	p.mu.Unlock()
	start(fresh)
}

// ready takes a process that asked for an event: the caller that waits longest gets it,
// else it joins the free ones.
func (p *Pool) ready(w *worker, spent time.Duration) {
	p.mu.Lock()
	if p.closed || w.stale.Load() {
		p.mu.Unlock()
		w.kill(causeShutdown)
		return
	}
	if len(p.waiting) > 0 {
		next := p.waiting[0]
		p.waiting = slices.Delete(p.waiting, 0, 1)
		p.mu.Unlock()
		next.give(lease{worker: w, spent: spent})
		return
	}
	w.since = time.Now()
	p.free = append(p.free, w)
	p.armIdle(p.cfg.IdleTimeout)
	p.mu.Unlock()
}

// beginning is how a process's init phase ended.
type beginning uint8

const (
	came      beginning = iota // it asked for its first event
	failed                     // it did not, by its own fault
	abandoned                  // gantry ended it, or could not start it
)

// started is called when a process's init phase is over.
func (p *Pool) started(b beginning) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starting--
	switch b {
	case came:
		p.counts.ColdStarts++
	case failed:
		p.counts.InitFailure++
	}
}

// finish counts the processes that have answered and are expected back.
func (p *Pool) finish(delta int) {
	p.mu.Lock()
	p.finishing += delta
	p.mu.Unlock()
}

// startFailed gives a failed init phase to the caller that waits longest: in Lambda, too,
// it is the outcome of the invocation that caused it.
func (p *Pool) startFailed(verdict func(requestID string) result) {
	p.mu.Lock()
	if len(p.waiting) == 0 {
		p.mu.Unlock()
		p.log.Warn("a process failed while it started, with nobody waiting for it", "reason", verdict(newRequestID()).message)
		return
	}
	first := p.waiting[0]
	p.waiting = slices.Delete(p.waiting, 0, 1)
	p.mu.Unlock()
	first.give(lease{failed: verdict})
}

// gone forgets a process that has ended, and starts others where callers still wait.
func (p *Pool) gone(w *worker, e ending) {
	p.mu.Lock()
	delete(p.workers, w)
	if i := slices.Index(p.free, w); i >= 0 {
		p.free = slices.Delete(p.free, i, i+1)
	}
	if e.crashed {
		p.counts.Crashes++
	}
	if e.memory {
		p.counts.MemoryKills++
	}
	if e.timedOut {
		p.counts.Timeouts++
	}
	var fresh []*worker
	if e.initAgain && !p.closed && len(p.waiting) > 0 {
		fresh = append(fresh, p.add(true))
	}
	fresh = append(fresh, p.grow(p.starting+p.finishing)...)
	if len(p.workers) == 0 {
		p.spawner.rest()
		if p.closed {
			close(p.empty)
		}
	}
	p.mu.Unlock()
	start(fresh)
}

// armIdle plans the next look at processes that nobody used. Called with p.mu held.
func (p *Pool) armIdle(after time.Duration) {
	if p.idle == nil {
		p.idle = time.AfterFunc(after, p.shrink)
	}
}

// shrink ends the processes that were not used for the idle time: the bottom of the
// stack, where those used longest ago are.
func (p *Pool) shrink() {
	p.mu.Lock()
	p.idle = nil
	n := 0
	for n < len(p.free) && time.Since(p.free[n].since) >= p.cfg.IdleTimeout {
		n++
	}
	old := slices.Clone(p.free[:n])
	p.free = slices.Delete(p.free, 0, n)
	if len(p.free) > 0 && !p.closed {
		p.armIdle(p.cfg.IdleTimeout - time.Since(p.free[0].since))
	}
	p.mu.Unlock()
	for _, w := range old {
		w.kill(causeShutdown)
	}
}
