package lambda

import (
	"context"

	"gantry/store"
)

// Audit is told of every change that was made, after it was made.
type Audit interface {
	Record(ctx context.Context, c store.Change)
}

type noAudit struct{}

func (noAudit) Record(context.Context, store.Change) {}

// write says who makes the change that a request asks for.
func (s *Server) write(ctx context.Context, operation string) store.Write {
	return store.Write{Actor: s.cfg.Actor(ctx), Reason: operation}
}

// changed is one change of one thing, as it is: secrets are masked by the one who writes
// the line, who alone can tell that one changed. A nil before or after means that it was not there.
type changed struct {
	operation string
	kind      store.Kind
	id        string
	before    any
	after     any
}

func (s *Server) audit(ctx context.Context, c changed) {
	s.cfg.Audit.Record(ctx, store.Change{
		By: s.write(ctx, c.operation), RequestID: callOf(ctx).requestID,
		Action: c.operation, Kind: c.kind, ID: c.id, Before: c.before, After: c.after,
	})
}
