// Package store keeps what gantry must remember: desired state (functions, mappings,
// plans), observed state (what each process sees), the ledger (append-only) and queues
// (what was accepted and is not done). They are four interfaces because they have four
// rules: desired state is changed by one writer at a time under a version, observed state
// belongs to the process that reports it, the ledger is never changed, an item of a queue
// stays until it is done. Every write to the first and the third carries who and why.
package store

import (
	"context"
	"errors"
	"time"
)

// Errors a caller branches on.
var (
	ErrNotFound = errors.New("not found")
	ErrConflict = errors.New("changed by somebody else meanwhile")
	ErrNewer    = errors.New("the data was written by a newer gantry")
	ErrLocked   = errors.New("the data directory is in use")
	ErrClosed   = errors.New("the store is closed")
)

// Kind is a kind of document.
type Kind string

// The kinds of desired state.
const (
	Functions Kind = "function"
	Mappings  Kind = "mapping"
	Plans     Kind = "plan"
)

// Write says who changes something and why. Both go to the audit line.
type Write struct {
	Actor  string // access key id, or "file:NAME", or "gantry"
	Reason string
}

// Document is one piece of desired state. Body is JSON.
type Document struct {
	Kind    Kind
	ID      string
	Version int64 // 1 for the first; a Put names the version it replaces, 0 = must not exist
	Body    []byte
	Changed time.Time
	By      Write
}

// Desired is what owners declared. Safe for use by many goroutines and, where the
// store is shared, by many processes.
type Desired interface {
	// Get gives a document, or ErrNotFound.
	Get(ctx context.Context, kind Kind, id string) (Document, error)
	// List gives every document of a kind in order of id.
	List(ctx context.Context, kind Kind) ([]Document, error)
	// Put replaces version doc.Version (0: creates), and gives the new version.
	// ErrConflict when another one is current.
	Put(ctx context.Context, doc Document, by Write) (int64, error)
	// Delete removes a version; ErrNotFound, ErrConflict.
	Delete(ctx context.Context, kind Kind, id string, version int64, by Write) error
	// Watch sends after changes, coalesced, until ctx ends. The first value comes at once.
	Watch(ctx context.Context) <-chan struct{}
}

// Observed is what processes report of what they run. The last report of each process
// is kept until it is withdrawn.
type Observed interface {
	Report(ctx context.Context, process string, kind Kind, id string, body []byte) error
	Withdraw(ctx context.Context, process string, kind Kind, id string) error
	// Reports gives the last report of each process, or an empty map.
	Reports(ctx context.Context, kind Kind, id string) (map[string][]byte, error)
}

// Entry is one line of a ledger.
type Entry struct {
	Sequence int64 // 1, 2, 3 … within its stream
	At       time.Time
	By       Write
	Body     []byte
}

// Ledger is append-only. A stream is one story: a migration, the audit of one process.
type Ledger interface {
	Append(ctx context.Context, stream string, body []byte, by Write) (int64, error)
	// Read gives at most limit entries with a sequence ≥ from, in order.
	Read(ctx context.Context, stream string, from int64, limit int) ([]Entry, error)
}

// Queued is one thing that waits in a queue. Body is JSON.
type Queued struct {
	Sequence int64 // rises over all queues of a store and never comes back
	Body     []byte
}

// Queue keeps what gantry accepted and has not done yet. What returns without an error has
// reached the disk.
type Queue interface {
	// Push adds an item at the end of a queue.
	Push(ctx context.Context, queue string, body []byte) (int64, error)
	// Items gives at most limit items with a sequence ≥ from, in order.
	Items(ctx context.Context, queue string, from int64, limit int) ([]Queued, error)
	// Replace gives an item another body, in its place; ErrNotFound.
	Replace(ctx context.Context, queue string, item Queued) error
	// Remove takes an item out. One that is not there is no error.
	Remove(ctx context.Context, queue string, sequence int64) error
	// Queues lists the queues that hold something, in order of name.
	Queues(ctx context.Context) ([]string, error)
	// Drop takes everything out of a queue and says how many items that were.
	Drop(ctx context.Context, queue string) (int, error)
}

// Store is all four, as one thing that is opened and closed.
type Store interface {
	Desired
	Observed
	Ledger
	Queue
	Close() error
}
