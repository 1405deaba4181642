package pipeline

import (
	"context"
	"time"

	"gantry/record"
)

// committer is the state of committing: one commit in flight, the next carries the
// newest offsets.
type committer struct {
	busy  bool
	wait  time.Time // after a failed commit
	fails int
}

func (c *committer) waits() bool { return !c.busy && !c.wait.IsZero() }

// commitTimeout bounds one commit; the client retries within it what can be retried.
const commitTimeout = time.Minute

// startCommit commits whatever moved since the last commit, if none is under way.
func (p *Pipeline) startCommit() {
	c := &p.committer
	if c.busy || (c.waits() && c.wait.After(time.Now())) {
		return
	}
	offsets := map[record.Partition]record.Offset{}
	var lanes []*lane
	for _, l := range p.order {
		if at := l.resume(); at.At > l.committed.At && !l.orphan {
			offsets[l.key.Of()] = at
			lanes = append(lanes, l)
		}
	}
	if len(offsets) == 0 {
		c.wait = time.Time{}
		return
	}
	c.busy = true
	settled := Settled{Offsets: offsets, Answers: p.answers}
	p.answers = nil
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
		defer cancel()
		err := p.commit.Commit(ctx, settled)
		p.post(func() { p.committed(lanes, settled, err) })
	}()
}

// committed notes what the broker acknowledged. A refusal, for a rebalance or for any
// other reason, loses nothing: the offsets are still there to be committed.
func (p *Pipeline) committed(lanes []*lane, s Settled, err error) {
	c := &p.committer
	c.busy = false
	if err != nil {
		p.answers = append(s.Answers, p.answers...)
		c.wait = time.Now().Add(min(jitter(c.fails), 5*time.Second))
		c.fails++
		p.counts.CommitErrors.Add(1)
		p.cfg.Log.Warn("commit failed, it is tried again", "mapping", p.set.Mapping.UUID, "error", err)
		return
	}
	c.wait, c.fails = time.Time{}, 0
	for _, l := range lanes {
		at := s.Offsets[l.key.Of()]
		p.counts.Committed.Add(at.At - l.committed.At)
		l.committed = at
	}
}
