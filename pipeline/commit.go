package pipeline

import (
	"context"
	"errors"
	"time"

	"gantry/pipeline/poll"
	"gantry/record"
)

// committer is the state of committing: one commit in flight, the next carries the
// newest offsets.
type committer struct {
	busy  bool
	wait  time.Time // after a failed commit
	fails int
	again time.Time // when what stands now is committed once more; zero: it was
	begun time.Time // when the last transaction began
	later time.Time // when the next may begin; zero where none waits
}

func (c *committer) waits() bool { return !c.busy && !c.wait.IsZero() }

// holdsBack keeps the lanes of a partition from starting anything new while commits fail and
// it has resolved what is not committed: every further batch would be one more to repeat.
func (p *Pipeline) holdsBack(t *partition) bool {
	return p.committer.fails > 0 && p.upTo(t).At > t.committed.At
}

// due is when a commit is to be made that no event brings, or look where that is earlier.
func (c *committer) due(look time.Time) time.Time {
	switch {
	case c.busy:
	case !c.later.IsZero():
		return earlier(look, c.later)
	case c.waits():
		return earlier(look, c.wait)
	case !c.again.IsZero():
		return earlier(look, c.again)
	}
	return look
}

// confirmAfter is when a commit is made once more. The client sends a commit again when
// its connection breaks, and the first of the two may reach the broker on the old
// connection after newer ones, which sets the group back. Nothing is lost by that, but
// an idle lane would never be seen to reach its end.
const confirmAfter = time.Minute

// commitTimeout bounds one commit; the client retries within it what can be retried.
const commitTimeout = time.Minute

// showCommitErrors is how many commits in a row fail until the mapping shows why: one or
// two are usual in a rebalance.
const showCommitErrors = 5

// startCommit commits whatever moved since the last commit, if none is under way.
func (p *Pipeline) startCommit() {
	c := &p.committer
	if c.busy || (c.waits() && c.wait.After(time.Now())) {
		return
	}
	confirm := !c.again.IsZero() && !c.again.After(time.Now())
	offsets := map[record.Partition]record.Offset{}
	var parts []*partition
	member, gone := p.commit.Member(), false
	for _, t := range p.parts {
		if t.member != member.ID {
			gone = gone || !t.closed
			continue
		}
		at := p.upTo(t)
		same := confirm && t.loss == nil && at.At == t.committed.At
		if (at.At > t.committed.At || same) && !t.orphan {
			offsets[t.id] = at
			parts = append(parts, t)
		}
	}
	answers, later := p.due(offsets, time.Now())
	if c.later = later; !later.IsZero() {
		c.wait = time.Time{}
		return
	}
	if gone {
		c.later = p.rejoin(member)
	}
	if confirm {
		c.again = time.Time{}
	}
	if len(offsets) == 0 {
		c.wait = time.Time{}
		return
	}
	c.busy = true
	settled := Settled{Offsets: offsets, Answers: answers, Member: member}
	if len(answers) > 0 {
		c.begun = time.Now()
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
		defer cancel()
		err := p.commit.Commit(ctx, settled)
		p.post(func() { p.committed(parts, settled, err) })
	}()
}

// committed notes what the broker acknowledged. A refusal, for a rebalance or for any
// other reason, loses nothing: the offsets are still there to be committed.
func (p *Pipeline) committed(parts []*partition, s Settled, err error) {
	c := &p.committer
	c.busy = false
	if err != nil && c.again.IsZero() { // it may have been the commit that confirms
		c.again = time.Now().Add(confirmAfter)
	}
	if errors.Is(err, poll.ErrAnotherGeneration) {
		return // a rebalance, no failure: what is still ours is committed at once by who we are now
	}
	if err != nil {
		c.wait = time.Now().Add(min(jitter(c.fails), time.Second))
		if c.fails++; c.fails >= showCommitErrors || len(s.Answers) > 0 && c.fails > 1 {
			p.status.uncommitted = err
		}
		if len(s.Answers) > 0 {
			p.counts.Aborted.Add(1)
		}
		p.counts.CommitErrors.Add(1)
		p.failed(err)
		p.cfg.Log.Warn("commit failed, it is tried again", "mapping", p.set.Mapping.UUID, "error", err)
		return
	}
	c.wait, c.fails, p.status.uncommitted = time.Time{}, 0, nil
	p.written(s.Answers, c.begun)
	for _, t := range parts {
		at := s.Offsets[t.id]
		if at.At > t.committed.At && c.again.IsZero() {
			c.again = time.Now().Add(confirmAfter)
		}
		p.counts.Committed.Add(at.At - t.committed.At)
		t.committed = at
		t.span.commit(at.At)
	}
}
