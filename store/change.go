package store

// Change is one change of desired state as the audit line tells it: who did what to
// which thing, and how the thing looked before and after. Secrets are masked by the
// one who writes the line, so Before and After are the values themselves.
type Change struct {
	By        Write
	RequestID string // the API request that caused it, empty for a file or gantry itself
	Action    string // the API operation (CreateFunction) or command (accept-loss)
	Kind      Kind
	ID        string
	Before    any // nil: it did not exist
	After     any // nil: it is gone
}
