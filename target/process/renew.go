package process

import (
	"context"
	"slices"
	"time"
)

// renewPause is how often processes are compared with what they would get now, and
// suspectPause how often a failed invocation makes gantry look at the secrets' places
// before what it keeps of them has expired.
const (
	renewPause   = 30 * time.Second
	suspectPause = 30 * time.Second
)

// injects says whether processes get anything that can change while they live.
func (p *Pool) injects() bool { return len(p.fn.Secrets) > 0 || p.cfg.Credentials != nil }

// keepFresh replaces processes whose secrets were rotated or whose credentials come to
// their end: an environment is fixed at the start of a process. It ends with the last
// process.
func (p *Pool) keepFresh() {
	tick := time.NewTicker(p.cfg.renewPause())
	defer tick.Stop()
	for {
		<-tick.C
		if !p.compare() {
			return
		}
	}
}

// compare retires the processes that have something old; false if there are no processes.
// Where the secrets can't be had now, what runs goes on.
func (p *Pool) compare() bool {
	p.mu.Lock()
	if len(p.workers) == 0 {
		p.renewing = false
		p.mu.Unlock()
		return false
	}
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), injectTimeout)
	defer cancel()
	now, err := p.inject(ctx)
	if err != nil {
		p.log.Warn("secrets or credentials can't be renewed now; processes go on with those they have",
			"event", "function.renewal_failed", "error", err)
	}
	p.retire(func(w *worker) string {
		has := w.has.Load()
		switch {
		case has == nil:
			return ""
		case !has.renewAt.IsZero() && !time.Now().Before(has.renewAt):
			return "its credentials expire"
		case err == nil && has.secrets != now.secrets:
			return "a secret was rotated"
		}
		return ""
	})
	return true
}

// retire ends the processes for which why gives a reason: idle ones now, busy ones when
// they ask for the next event.
func (p *Pool) retire(why func(*worker) string) {
	var idle []*worker
	reasons := map[string]int{}
	p.mu.Lock()
	for w := range p.workers {
		reason := why(w)
		if reason == "" || w.stale.Swap(true) {
			continue
		}
		reasons[reason]++
		if i := slices.Index(p.free, w); i >= 0 {
			p.free = slices.Delete(p.free, i, i+1)
			idle = append(idle, w)
		}
	}
	p.mu.Unlock()
	for reason, n := range reasons {
		p.log.Info("processes are replaced", "event", "function.renewed", "reason", reason, "processes", n)
	}
	for _, w := range idle {
		w.kill(causeShutdown)
	}
}

// suspect is called when an invocation failed: a rotated secret may be why. The places of
// the secrets are asked anew, at most once in a while.
func (p *Pool) suspect() {
	if len(p.fn.Secrets) == 0 {
		return
	}
	p.mu.Lock()
	soon := time.Since(p.suspected) < suspectPause
	if !soon {
		p.suspected = time.Now()
	}
	p.mu.Unlock()
	if soon {
		return
	}
	go func() {
		for _, ref := range p.fn.Secrets {
			p.cfg.Secrets.ForgetOne(ref)
		}
		p.compare()
	}()
}
