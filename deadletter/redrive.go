package deadletter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gantry/kafka"
)

// DefaultMost is how often a record is redriven unless more is asked for: one that always
// fails would go round for ever.
const DefaultMost = 3

// Order is what shall be redriven, and where to.
type Order struct {
	Selection Selection
	To        Target
	Rate      float64 // records a second; 0 = as fast as it goes
	Most      int     // a record that was redriven as often is held; 0 = DefaultMost
	Force     bool    // nothing is held
	Expired   bool    // a letter of which only expired records are left is taken away
	By        string
	Reason    string
}

// Target is where records go.
type Target struct {
	Kind string // function, topic, file
	Name string // of the topic or file; a function is the mapping's
}

// The kinds of target.
const (
	ToFunction = "function" // it is invoked with AWS's event of the records
	ToTopic    = "topic"    // with key, value and headers as they were; "" = where they came from
	ToFile     = "file"     // whoever asks has written it already: they are noted
)

func (t Target) String() string {
	if t.Name == "" {
		return t.Kind
	}
	return t.Kind + " " + t.Name
}

// item is one record on its way.
type item struct {
	id     string // in the ledger
	letter *Letter
	rec    Record
	count  int // redrives so far
	owed   *int
}

// Totals is what a redrive has come to, in records unless it says letters.
type Totals struct {
	Letters  int64 `json:"letters"`  // gone through that are meant
	Redriven int64 `json:"redriven"` // by this redrive; in a preview those that would be
	Before   int64 `json:"before"`   // redriven before
	Failed   int64 `json:"failed"`   // the function failed again: they stay
	Held     int64 `json:"held"`     // redriven too often
	Expired  int64 `json:"expired"`  // not kept by their source any more
	Inexact  int64 `json:"inexact"`  // letters that name more records than they are about
	Others   int64 `json:"others"`   // letters of other mappings, left alone
}

// Event is what a redrive tells while it runs.
type Event struct {
	Letter   string // "" = only the totals moved
	Position string
	State    string // failed, held, expired
	Error    string
	Totals   Totals
	Done     int64 // of the place gone through, and how large it is where that is known
	Of       int64
}

// redrive is one redrive at work.
type redrive struct {
	*Box
	order  Order
	meant  *matcher
	tell   func(Event)
	totals Totals
	done   int64
	of     int64
	writer *kafka.Atomic
	batch  []item
	bytes  int
	begun  time.Time
	paced  int64
}

// Redrive does what a preview of the order showed: token is the preview's. What was done
// before is not done again, so a redrive that ended early is taken up by another. When ctx
// ends it stops between two transactions or invocations.
func (x *Letters) Redrive(ctx context.Context, b *Box, o Order, token string, tell func(Event)) (Totals, error) {
	r := &redrive{Box: b, order: o, tell: tell, begun: time.Now()}
	free, err := x.take(b.ledger.topic)
	if err != nil {
		return r.totals, err
	}
	defer free()
	if err := b.admin.MakeLike(ctx, b.ledger.topic, b.ledger.like); err != nil {
		return r.totals, err
	}
	if r.writer, err = kafka.NewAtomic(ctx, b.cluster, kafka.RedriveIDPrefix+b.ledger.topic); err != nil {
		return r.totals, err
	}
	defer r.writer.Close()
	if err := b.ledger.load(ctx); err != nil { // nobody else writes it from here on
		return r.totals, err
	}
	if err := x.confirm(ctx, b, o, token); err != nil {
		return r.totals, err
	}
	return r.run(ctx)
}

// take keeps this process from redriving the same letters twice at once. Another process
// is fenced by the ledger's transactional id.
func (x *Letters) take(ledger string) (free func(), err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.busy[ledger] {
		return nil, fmt.Errorf("ledger %s: %w", ledger, ErrBusy)
	}
	x.busy[ledger] = true
	return func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		delete(x.busy, ledger)
	}, nil
}

func (r *redrive) run(ctx context.Context) (Totals, error) {
	seen, err := r.Walk(ctx, r.order.Selection, r.walk(true), false, func(f Found) error { return r.letter(ctx, f) })
	if err == nil {
		err = r.flush(ctx)
	}
	r.totals.Others = seen.Others
	return r.totals, err
}

func (r *redrive) walk(taking bool) Walk {
	return Walk{Taking: taking, Progress: func(done, total int64) { r.done, r.of = done, total }}
}

// letter puts the records of a letter on their way.
func (r *redrive) letter(ctx context.Context, f Found) error {
	items, finished, err := r.items(ctx, f)
	if err != nil {
		return err
	}
	for _, it := range items {
		if r.full(it) {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
		r.batch = append(r.batch, it)
		r.bytes += len(it.rec.Key) + len(it.rec.Value)
	}
	if finished {
		return r.source.done(ctx, &f.Letter)
	}
	return nil
}

// items are the records of a letter that are to be redriven. finished says that the letter
// can be taken away as it is: all of it was redriven before.
func (r *redrive) items(ctx context.Context, f Found) (items []item, finished bool, err error) {
	if r.meant == nil {
		if r.meant, err = r.order.Selection.matcher(); err != nil {
			return nil, false, err
		}
	}
	r.totals.Letters++
	l, owed := &f.Letter, new(int)
	if !l.Exact {
		r.totals.Inexact++
	}
	if len(l.Records) == 0 {
		if err := r.positions(ctx, l, owed); err != nil {
			return nil, false, err
		}
	}
	for _, rec := range l.Records {
		id := l.unitID(rec.At)
		mark := r.ledger.marks[id]
		if mark.State == Redriven {
			r.totals.Before++
			continue
		}
		*owed++
		count := max(countOf(rec.Headers), mark.Count)
		switch {
		case !r.meant.record(&rec):
		case count >= r.most() && !r.order.Force:
			r.totals.Held++
			r.say(l.ID, rec, Held, fmt.Sprintf("it was redriven %d times", count))
		default:
			items = append(items, item{id: id, letter: l, rec: rec, count: count, owed: owed})
		}
	}
	return items, *owed == 0, nil
}

// positions reads the records of a letter that has none. What expired is owed for ever,
// unless the order says otherwise.
func (r *redrive) positions(ctx context.Context, l *Letter, owed *int) error {
	records, expired, err := r.read(ctx, l)
	if err != nil {
		return err
	}
	l.Records = records
	for _, p := range expired {
		if r.ledger.marks[l.unitID(p)].State == Redriven {
			r.totals.Before++
			continue
		}
		r.totals.Expired++
		r.say(l.ID, Record{At: p}, Expired, "its source does not keep it any more")
		if !r.order.Expired {
			*owed++
		}
	}
	return nil
}

func (r *redrive) most() int {
	if r.order.Most > 0 {
		return r.order.Most
	}
	return DefaultMost
}

func (r *redrive) say(letter string, rec Record, state, text string) {
	if r.tell != nil {
		r.tell(Event{Letter: letter, Position: positionID(rec.At), State: state, Error: text, Totals: r.totals, Done: r.done, Of: r.of})
	}
}

// The bounds of a transaction, and of how long one may be waited for when a rate is set.
const (
	mostInTransaction = 500
	mostBytes         = 4 << 20
	stepsASecond      = 5
)

// full says that what is gathered goes before one more.
func (r *redrive) full(next item) bool {
	n := len(r.batch)
	limit, bytes := mostInTransaction, mostBytes
	if r.order.To.Kind == ToFunction {
		limit, bytes = r.mapping.BatchSize, mostEvent
	}
	if r.order.Rate > 0 {
		limit = min(limit, max(1, int(r.order.Rate/stepsASecond)))
	}
	again := r.order.To.Kind == ToFunction && slices.ContainsFunc(r.batch, func(i item) bool {
		return i.rec.At == next.rec.At || r.function(i) != r.function(next)
	})
	return n > 0 && (n >= limit || again || r.bytes+len(next.rec.Key)+len(next.rec.Value) > bytes)
}

// flush redrives what is gathered and takes away the letters that are done with it.
func (r *redrive) flush(ctx context.Context) error {
	items := r.batch
	r.batch, r.bytes = nil, 0
	if len(items) == 0 {
		return nil
	}
	if err := r.pace(ctx, len(items)); err != nil {
		return err
	}
	var err error
	if r.order.To.Kind == ToFunction {
		err = r.invoke(ctx, items)
	} else {
		err = r.produce(ctx, items)
	}
	if r.tell != nil {
		r.tell(Event{Totals: r.totals, Done: r.done, Of: r.of})
	}
	return err
}

// pace waits until the rate allows n more.
func (r *redrive) pace(ctx context.Context, n int) error {
	if r.order.Rate > 0 {
		due := r.begun.Add(time.Duration(float64(r.paced) / r.order.Rate * float64(time.Second)))
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
		}
	}
	r.paced += int64(n)
	return context.Cause(ctx)
}

// redriven counts what is noted, and takes away the letters of which nothing is owed.
func (r *redrive) redriven(ctx context.Context, items []item) error {
	var errs []error
	for _, it := range items {
		r.totals.Redriven++
		if *it.owed--; *it.owed == 0 {
			if err := r.source.done(ctx, it.letter); err != nil {
				errs = append(errs, fmt.Errorf("take letter %s away: %w", it.letter.ID, err))
			}
		}
	}
	return errors.Join(errs...)
}

// mark is the note that an item came to a state.
func (r *redrive) mark(it item, state, text string) (kafka.Addressed, error) {
	m := Mark{
		State: state, Count: it.count + 1, To: r.went(it), At: time.Now().UTC(), By: r.order.By, Reason: r.order.Reason, Error: text,
	}
	r.ledger.marks[it.id] = m
	return r.ledger.message(it.id, m)
}

// went is where an item went to.
func (r *redrive) went(it item) string {
	if r.order.To.Kind == ToFunction {
		return "function " + cmp.Or(r.function(it), it.letter.FunctionName())
	}
	return r.target()
}

// target is where letters go to; of several functions each to the one that gave it up.
func (r *redrive) target() string {
	switch {
	case r.order.To.Kind == ToFunction:
		return "function " + strings.Join(r.mapping.Names(), " or ")
	case r.order.To == (Target{Kind: ToTopic}):
		return "topic " + strings.Join(r.mapping.Source.Topics, ",")
	}
	return r.order.To.String()
}
