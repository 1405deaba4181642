package pipeline

import (
	"context"
	"time"

	"gantry/pipeline/poll"
)

// rejoinEvery is how long an end of the membership has to show.
const rejoinEvery = 10 * time.Second

// rejoin ends a membership under which partitions are held that an earlier one was given.
// The client becomes another member in silence where the group put it out while it joined:
// it keeps what it is assigned again, though somebody else may have read, answered and
// committed it in between. The broker takes whatever the new member commits, so nothing is
// committed of such partitions; they are lost, and read again from what is committed.
// It gives the time at which to look again.
func (p *Pipeline) rejoin(is poll.Member) time.Time {
	now := time.Now()
	if is.ID == "" { // it is about to become one
		return now.Add(time.Second)
	}
	if next := p.rejoined.Add(rejoinEvery); next.After(now) {
		return next
	}
	p.rejoined = now
	p.cfg.Log.Warn("the group had put this member out, what it held is read again", "mapping", p.set.Mapping.UUID)
	go func() {
		ctx, done := context.WithTimeout(context.Background(), rejoinEvery)
		defer done()
		if err := p.fetch.Rejoin(ctx); err != nil {
			p.post(func() { p.failed(err) })
		}
	}()
	return now.Add(rejoinEvery)
}
