// Package pipeline carries the records of one mapping, in one process, from fetch to
// commit. It owns the lanes, the limits, the concurrency and the commits; its stages
// (poll, filter, batch, encode, invoke, settle, deliver) are steps without a state of
// their own beyond a batch.
//
// One goroutine, loop, owns every lane. Whatever happens elsewhere (a poll brought
// records, an invocation ended, the group takes partitions away, a timer fired) is sent
// to it as a function, and after each it looks at everything once: what can be invoked,
// what can be committed, when to look again. So there is no lock here and no order of
// locks. The loop never blocks: calls to functions, to brokers and to destinations run
// in goroutines of their own that send back what came of them.
//
// Invariants:
//   - A commit carries, for each partition, the resume offset of the first unresolved
//     record of its lanes, or the tail of what was polled where there is none. Nothing
//     else makes a commit, so no offset can pass an unresolved record.
//   - A lane belongs to one function; it has at most one piece of work in flight, and the
//     records of one key that go to a function are in one lane of it.
//   - A record is resolved when every function that wants it has resolved it.
//   - A partition object is one assignment (an epoch). It leaves the table with its lanes
//     when the assignment ends; what still arrives for it is dropped.
package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"gantry/function"
	"gantry/mapping"
	"gantry/pipeline/batch"
	"gantry/pipeline/deliver"
	"gantry/pipeline/output"
	"gantry/pipeline/poll"
	"gantry/record"
)

// Committer makes resolved offsets durable: a plain commit to the group, or a
// transaction that carries the answers as records as well.
//
// Settled.Offsets never go back within one assignment. An error leaves everything
// uncommitted; the pipeline keeps it and tries again with the newest offsets.
type Committer interface {
	// Member is who commits now. The loop asks; it must not block.
	Member() poll.Member
	Commit(ctx context.Context, s Settled) error
}

// Settled is what one commit carries.
type Settled struct {
	Offsets map[record.Partition]record.Offset
	Answers []*Answer   // in order per lane, of records before the offsets; only where Config.KeepAnswers is set
	Member  poll.Member // whose offsets they are: as it was when they were settled
}

// Fetcher is the side of the poller that the pipeline steers.
type Fetcher interface {
	Pause(p record.Partition)
	Resume(p record.Partition)
	// Rejoin ends the membership, so that everything assigned is lost and comes anew.
	Rejoin(ctx context.Context) error
}

// Deliverer takes dead letters; it returns when the letter is durable. Safe for use by
// many goroutines.
type Deliverer interface {
	Deliver(ctx context.Context, l deliver.Letter) error
}

// WholeDeliverer is a Deliverer that takes a piece as one.
type WholeDeliverer interface {
	DeliverAll(ctx context.Context, p deliver.Parcel) error
}

// Caller encodes and invokes a batch (package invoke). Safe for use by many goroutines.
type Caller interface {
	Call(ctx context.Context, b *record.Batch) function.Outcome
}

// Settings are the parts of a pipeline that change without leaving the group.
type Settings struct {
	Mapping   mapping.Mapping
	Consumers []Consumer  // the functions, one at least, each of another name
	Keep      poll.Filter // the one the poller uses; with several functions it notes which of them want a record
	Sizer     batch.Sizer
	Output    *output.Stage // nil where answers are not records
	Letters   Letters       // makes dead letters records of the transaction, where Config.KeepAnswers is set
}

// Config is what stays for the life of a pipeline.
type Config struct {
	Settings    Settings
	Budget      int64   // bytes of records held for each function; 0 = DefaultBudget
	Total       *Budget // of the process; nil = none
	Span        Bound   // of a partition with several lanes or functions; zero = 100,000 records, 64 MiB
	KeepAnswers bool    // answers are written with the offsets behind their records: the Committer writes them
	Log         *slog.Logger
	Observe     Observer    // nil = nobody looks
	Failed      func(error) // hears of polls and commits that fail; must not block; nil = nobody
}

// Observer looks at batches as they end, each from the goroutine of its invocation.
// While nobody watches, a batch costs one call of Watched. Safe for use by many goroutines.
type Observer interface {
	Watched() bool
	Saw(e Event)
}

// DefaultBudget bounds the decompressed bytes one mapping holds for each of its functions.
const DefaultBudget = 64 << 20

// Pipeline is one running mapping. It is the Receiver of its poller.
type Pipeline struct {
	cfg    Config
	fetch  Fetcher
	commit Committer

	events chan func()
	wake   chan struct{} // a gate has a free place
	ready  chan struct{} // the budget has room again
	over   atomic.Bool   // the mapping's budget is used up: no poll
	holds  atomic.Bool   // it holds records: the process's budget counts too
	done   chan struct{}
	counts Counts

	// Everything below belongs to the loop.
	set       Settings
	byID      map[record.Partition]*partition
	parts     []*partition // in a stable order
	consumers []*consumer  // the functions; each has its lanes in the same order
	again     bool         // a lane got on without an event to come: look once more
	timer     *time.Timer
	committer committer
	answers   map[record.Partition][]*Answer // not committed yet, in order
	held      int64
	paused    int // partitions
	drains    []*drain
	skips     []*waitingSkip
	status    board
	rejoined  time.Time // when the membership was last ended
}

// New makes a pipeline. Attach its fetcher and committer, then Run it.
func New(cfg Config) *Pipeline {
	if cfg.Budget == 0 {
		cfg.Budget = DefaultBudget
	}
	if cfg.Span == (Bound{}) {
		cfg.Span = defaultSpan()
	}
	p := &Pipeline{
		cfg: cfg, set: cfg.Settings, status: newBoard(),
		events: make(chan func()),
		wake:   make(chan struct{}, 1),
		ready:  make(chan struct{}, 1),
		done:   make(chan struct{}),
		byID:   map[record.Partition]*partition{}, answers: map[record.Partition][]*Answer{},
	}
	p.hire()
	return p
}

// Attach gives the pipeline its poller's other side. Call it before Run.
func (p *Pipeline) Attach(f Fetcher, c Committer) { p.fetch, p.commit = f, c }

// Run is the loop. It ends when ctx ends: stop the poller first, so that its Revoked
// has drained and committed every lane.
func (p *Pipeline) Run(ctx context.Context) {
	defer close(p.done)
	p.timer = time.NewTimer(time.Hour)
	defer p.timer.Stop()
	for {
		select {
		case <-ctx.Done():
			p.cutAll(ctx)
			return
		case f := <-p.events:
			f()
		case <-p.wake:
		case <-p.timer.C:
		}
		p.settleSkips()
		p.deal()
		look := p.schedule()
		p.startCommit()
		p.drained()
		p.recount()
		p.admit()
		p.timer.Reset(time.Until(p.committer.due(look)))
	}
}

// post sends work to the loop; it is dropped when the loop has ended.
func (p *Pipeline) post(f func()) {
	select {
	case p.events <- f:
	case <-p.done:
	}
}

// do is post that returns when f has run, or when the loop has ended.
func (p *Pipeline) do(f func()) {
	ran := make(chan struct{})
	p.post(func() { f(); close(ran) })
	select {
	case <-ran:
	case <-p.done:
	}
}

// Update changes the settings; the group does not notice. What is in flight ends under
// the old ones.
func (p *Pipeline) Update(s Settings) {
	p.do(func() {
		p.set = s
		p.hire()
		for _, c := range p.consumers {
			for _, l := range c.order {
				l.unblock()
			}
		}
	})
}

// ErrCut is the cause of a context whose invocation was cut.
var ErrCut = errors.New("the invocation was cut: its partition was taken away")

// cutAll ends what is in flight when the loop is stopped without a drain.
func (p *Pipeline) cutAll(ctx context.Context) {
	for _, t := range p.parts {
		for l := range t.lanes() {
			l.cut(context.Cause(ctx))
		}
	}
}
