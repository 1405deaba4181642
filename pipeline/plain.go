package pipeline

import (
	"context"

	"gantry/pipeline/poll"
)

// Plain commits offsets to the group and nothing else.
type Plain struct{ Poller Commits }

// Member implements Committer.
func (c Plain) Member() poll.Member { return c.Poller.Member() }

// Commit implements Committer.
func (c Plain) Commit(ctx context.Context, s Settled) error {
	return c.Poller.Commit(ctx, s.Member, s.Offsets)
}
