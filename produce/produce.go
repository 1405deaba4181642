// Package produce takes what functions write to Kafka in the middle of their work.
//
// The flow of a request: a door that knows which function is calling (the Runtime API of
// its process, or the API's door by a key of that function) hands it to the function's
// handler. The right is asked before the body is read; the body is read whole and every
// fault in it is named before anything is written; the records are written and the answer
// waits until all in-sync replicas have them. Then each record has a partition and an
// offset, or its own reason.
//
// What always holds: a function writes to the topics of its declared right and no other.
// An answer of 200 says that every record is written. The bytes that are held for
// functions are bounded, for each and for all; who comes beyond waits and is then refused.
// No payload and no token is in a log.
package produce

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"gantry/kafka"
	"gantry/mapping"
)

// Clusters finds out how to reach a cluster (kafka.Resolver).
type Clusters interface {
	Resolve(ctx context.Context, src mapping.Source) (kafka.Cluster, error)
}

// Config is what a Writer needs. All but Log and Trace are required.
type Config struct {
	Clusters Clusters
	Log      *slog.Logger // nil = nothing is logged
	// Trace opens the span of a request; end is told how many records were not written.
	// nil = no traces.
	Trace func(r *http.Request, function, topic string) (ctx context.Context, end func(failed int))
}

// The bounds of requests.
const (
	MaxBody    = 6_291_556 // bytes, as an answer's
	MaxRecords = 10_000

	heldForOne = 16 << 20 // bytes of bodies that one function's requests hold together
	heldForAll = 64 << 20 // and those of all functions

	writeTimeout = 30 * time.Second // of one request, the wait for its turn included
)

// Writer writes for functions: one producer for each cluster, opened at its first use.
// Safe for use by many goroutines. Close it.
type Writer struct {
	cfg Config
	all *semaphore.Weighted

	mu        sync.Mutex
	producers map[string]*kafka.Producer
	uses      map[string]*Use
	closed    bool
}

// Use counts what one function wrote through this process.
type Use struct {
	Function string
	Records  atomic.Int64 // written
	Bytes    atomic.Int64 // of their keys and values
	Failed   atomic.Int64 // records that were not, or perhaps not, written
	Refused  atomic.Int64 // requests without the right
	held     *semaphore.Weighted
}

// New makes a Writer. It connects to nothing.
func New(cfg Config) *Writer {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Writer{cfg: cfg, all: semaphore.NewWeighted(heldForAll), producers: map[string]*kafka.Producer{}, uses: map[string]*Use{}}
}

// Close ends the connections.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for name, p := range w.producers {
		p.Close()
		delete(w.producers, name)
	}
	return nil
}

// Uses are the counts of every function that asked to write.
func (w *Writer) Uses() []*Use {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []*Use
	for _, u := range w.uses {
		list = append(list, u)
	}
	return list
}

func (w *Writer) use(function string) *Use {
	w.mu.Lock()
	defer w.mu.Unlock()
	u := w.uses[function]
	if u == nil {
		u = &Use{Function: function, held: semaphore.NewWeighted(heldForOne)}
		w.uses[function] = u
	}
	return u
}

var errClosed = errors.New("gantry stops")

// producer gives the producer of a cluster.
func (w *Writer) producer(ctx context.Context, cluster string) (*kafka.Producer, error) {
	w.mu.Lock()
	p := w.producers[cluster]
	w.mu.Unlock()
	if p != nil {
		return p, nil
	}
	way, err := w.cfg.Clusters.Resolve(ctx, mapping.Source{Cluster: cluster})
	if err != nil {
		return nil, err
	}
	if p, err = kafka.NewProducer(way); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if first := w.producers[cluster]; first != nil || w.closed {
		p.Close()
		if first == nil {
			return nil, errClosed
		}
		return first, nil
	}
	w.producers[cluster] = p
	return p, nil
}

// hold waits until there is room for a request of so many bytes; release gives it back.
func (w *Writer) hold(ctx context.Context, u *Use, bytes int64) (release func(), err error) {
	if err := u.held.Acquire(ctx, bytes); err != nil {
		return nil, err
	}
	if err := w.all.Acquire(ctx, bytes); err != nil {
		u.held.Release(bytes)
		return nil, err
	}
	return func() { w.all.Release(bytes); u.held.Release(bytes) }, nil
}
