package pipeline

import (
	"math/rand/v2"
	"time"

	"gantry/function"
	"gantry/pipeline/settle"
	"gantry/record"
)

// result is an outcome with the partial batch response read out of it.
type result struct {
	function.Outcome
	failures settle.Failures
	records  []record.Output // of the answer, where they are kept for a transaction
}

// read looks for a partial batch response. One that can't be believed makes the whole
// batch fail.
func read(b *record.Batch, out function.Outcome, partial bool) result {
	r := result{Outcome: out}
	if !partial || out.Class != function.Succeeded {
		return r
	}
	failures, err := settle.ReadFailures(out.Answer, b)
	if err != nil {
		r.Class, r.Message = function.Failed, err.Error()
		return r
	}
	r.failures = failures
	return r
}

// landed applies what an invocation came to, lane by lane. A lane that has changed
// hands meanwhile is left alone: its records belong to another epoch.
func (p *Pipeline) landed(f *flight, r result) {
	p.returned(f)
	p.answerHeld(-f.answer)
	f.by.throttle.note(r.Outcome, p.most(f.by))
	if !f.wasCut {
		f.by.invoked(r.Outcome)
	}
	now := time.Now()
	for i, l := range f.lanes {
		if l.flight != f {
			continue
		}
		w := l.mine
		l.flight, l.mine = nil, nil
		if f.wasCut && r.Class != function.Succeeded {
			l.left = append([]*work{w}, l.left...)
			continue
		}
		if r.Class == function.Succeeded {
			p.keep(l, w.Records, r.records)
		}
		v := settle.Decide(w.Piece, r.Outcome, r.failures[i], len(f.lanes) > 1, p.controls())
		p.apply(l, w, v, r)
		if v.Backoff {
			l.backOff(now, r.RetryAfter)
		}
	}
}

// apply puts what is left of a piece in front of the lane and releases the rest.
func (p *Pipeline) apply(l *lane, w *work, v settle.Verdict, r result) {
	p.release(l, w.Records)
	if v.Fault {
		p.count(l.by, func(c *Counts) { c.failed(w.Piece, v) })
	}
	if v.Fault || r.Class == function.NotReached || r.Class == function.Misconfigured {
		l.failing(describe(r.Outcome))
	}
	last, again := &r.Outcome, []*work(nil)
	if v.GiveUp != nil {
		p.hold(l, v.GiveUp.Records)
		again = append(again, &work{Piece: *v.GiveUp, give: &giving{why: v.Why, last: last}})
	}
	for _, piece := range v.Again {
		p.hold(l, piece.Records)
		again = append(again, &work{Piece: piece, last: last})
	}
	l.left = append(again, l.left...)
	if len(again) == 0 {
		l.healthy()
	}
}

// describe is the failure for people: the function's words where it gave any.
func describe(out function.Outcome) string {
	switch {
	case out.Message != "":
		return out.Message
	case out.Class == function.Succeeded:
		return "the function reported records in batchItemFailures"
	}
	return out.Class.String()
}

// failing notes since when a lane stands and why.
func (l *lane) failing(detail string) {
	if l.since.IsZero() {
		l.since = time.Now()
	}
	l.detail = detail
}

// healthy forgets a failure that is over.
func (l *lane) healthy() {
	l.waits, l.wait, l.since, l.detail = 0, time.Time{}, time.Time{}, ""
	l.of.moved = time.Now()
}

// The backoff of a lane: exponential with full jitter.
const (
	backoffFirst = 100 * time.Millisecond
	backoffMax   = 30 * time.Second
)

// backOff lets the lane wait; the target's own wish is a lower bound.
func (l *lane) backOff(now time.Time, atLeast time.Duration) {
	l.wait = now.Add(max(jitter(l.waits), min(atLeast, backoffMax)))
	l.waits++
}

func jitter(n int) time.Duration {
	limit := backoffMax
	if n < 9 {
		limit = min(backoffMax, backoffFirst<<n)
	}
	return rand.N(limit) + 1
}

// hold and release keep account of the bytes of unresolved records. What several functions
// hold together is counted elsewhere (recount).
func (p *Pipeline) hold(l *lane, records []record.Record) {
	n := weight(records)
	l.held += n
	if !l.of.fan {
		p.account(l.of, n)
	}
}

func (p *Pipeline) release(l *lane, records []record.Record) {
	n := weight(records)
	l.held -= n
	if l.of.fan {
		return
	}
	p.account(l.of, -n)
	if l.of.held < resumeBelow {
		p.resume(l.of)
	}
}

func (p *Pipeline) account(t *partition, n int64) {
	t.held += n
	p.held += n
	p.cfg.Total.add(n)
}
