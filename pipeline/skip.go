package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"gantry/pipeline/settle"
	"gantry/record"
)

// Why a skip is refused. A refusal has changed nothing.
var (
	ErrNotHere       = errors.New("this process does not hold the partition now")
	ErrNotStanding   = errors.New("the partition does not stand: its records are being processed")
	ErrNotInHand     = errors.New("no such record is in hand: it is resolved, was filtered out, or was not read yet")
	ErrNoDestination = errors.New("the mapping has no destination for dead letters: set onFailure, or skip to drop")
	ErrChanged       = errors.New("the partition is not any more where the preview saw it; look again")
	ErrEnded         = errors.New("the mapping stopped meanwhile")
	ErrWhichFunction = errors.New("several functions stand on these records: say which one skips them")
	ErrNoFunction    = errors.New("the mapping has no such function")
)

// Span is a run of offsets, both ends included. Offsets have holes: a span of more than
// one offset means whatever records there are in it.
type Span struct{ First, Last int64 }

func (o Span) has(offset int64) bool { return o.First <= offset && offset <= o.Last }

// Skip is the owner's word about records a lane stands on: they go to the dead-letter
// topic, or nowhere, without another invocation.
type Skip struct {
	Partition record.Partition
	Function  string // "" = the one that stands on them; of several, which is meant must be said
	Offsets   []Span
	Drop      bool
	By        string // who and why, for the log and the dead letter
	Token     string // of the preview that was confirmed
}

func (s *Skip) names(offset int64) bool {
	return slices.ContainsFunc(s.Offsets, func(o Span) bool { return o.has(offset) })
}

// SkipPreview is what a skip would do now. Its token stands for the partition, the
// records with all they hold, and the place the lane stands at: a skip that carries it
// does this or nothing.
type SkipPreview struct {
	Token    string
	Function string // that skips them; the others go on with them
	Resume   int64  // first unresolved offset now
	After    int64  // first unresolved offset once the records are resolved
	Records  []SkipRecord
	InFlight bool // the lane's records are being invoked: a skip waits for the answer
}

// SkipRecord is one record that a skip names.
type SkipRecord struct {
	Offset    int64
	Timestamp time.Time
	Attempts  int // failed attempts spent on it
	Bytes     int // of key and value
}

// PreviewSkip says what a skip would do. It changes nothing.
func (p *Pipeline) PreviewSkip(s Skip) (SkipPreview, error) {
	var v SkipPreview
	err := ErrEnded
	p.do(func() { v, err = p.previewSkip(&s) })
	return v, err
}

// Skip does what the preview of its token said, or refuses. Where the lane's records are
// being invoked it waits for the answer, which may change everything; ctx bounds that.
// When it returns, records that are dropped are resolved, and letters are on their way:
// the lane stands until the destination has them.
func (p *Pipeline) Skip(ctx context.Context, s Skip) (SkipPreview, error) {
	w := &waitingSkip{ctx: ctx, skip: s, answer: make(chan skipped, 1)}
	p.post(func() { p.skips = append(p.skips, w) })
	select {
	case a := <-w.answer:
		return a.SkipPreview, a.err
	case <-p.done:
	}
	select {
	case a := <-w.answer: // it was the last thing the loop did
		return a.SkipPreview, a.err
	default:
		return SkipPreview{}, ErrEnded
	}
}

// waitingSkip is a skip until its lane is still.
type waitingSkip struct {
	ctx    context.Context //nolint:containedctx // of the caller who waits for the answer
	skip   Skip
	answer chan skipped
	given  context.CancelFunc // ends the watch over ctx
}

type skipped struct {
	SkipPreview
	err error
}

// settleSkips decides the skips whose lanes are still. It runs between what has happened
// and what is started next, so that a lane can't take its records up again in between.
func (p *Pipeline) settleSkips() {
	p.skips = slices.DeleteFunc(p.skips, func(w *waitingSkip) bool {
		if t := p.byID[w.skip.Partition]; t != nil && !t.closed && w.ctx.Err() == nil {
			if who, err := t.meant(&w.skip); err == nil && who.flies(&w.skip) {
				p.watchSkip(w)
				return false
			}
		}
		if w.given != nil {
			w.given()
		}
		v, err := p.skip(w)
		w.answer <- skipped{v, err}
		return true
	})
}

// watchSkip wakes the loop when the caller of a waiting skip gives up.
func (p *Pipeline) watchSkip(w *waitingSkip) {
	if w.given == nil {
		stop := context.AfterFunc(w.ctx, func() { p.post(func() {}) })
		w.given = func() { stop() }
	}
}

func (p *Pipeline) skip(w *waitingSkip) (SkipPreview, error) {
	if err := w.ctx.Err(); err != nil {
		return SkipPreview{}, fmt.Errorf("the records were still being invoked: %w", err)
	}
	v, err := p.previewSkip(&w.skip)
	if err != nil {
		return v, err
	}
	if v.Token != w.skip.Token {
		return v, ErrChanged
	}
	who, err := p.byID[w.skip.Partition].meant(&w.skip)
	if err != nil {
		return v, err
	}
	for _, l := range who.holding(&w.skip) {
		l.giveSkipped(&w.skip)
		l.unblock()
		l.wait = time.Time{}
	}
	p.cfg.Log.Warn("records are skipped by their owner", "mapping", p.set.Mapping.UUID, "partition", w.skip.Partition.String(), "function", v.Function,
		"first_offset", v.Records[0].Offset, "last_offset", v.Records[len(v.Records)-1].Offset, "count", len(v.Records),
		"drop", w.skip.Drop, "by", w.skip.By)
	return v, nil
}

func (p *Pipeline) previewSkip(s *Skip) (SkipPreview, error) {
	t := p.byID[s.Partition]
	if t == nil || t.closed {
		return SkipPreview{}, ErrNotHere
	}
	who, err := t.meant(s)
	switch {
	case err != nil:
		return SkipPreview{}, err
	case !slices.ContainsFunc(who.lanes, (*lane).stands):
		return SkipPreview{}, ErrNotStanding
	case !s.Drop && who.by.Deliver == nil:
		return SkipPreview{}, ErrNoDestination
	}
	chosen, after := t.chosen(s, who)
	if err := s.covered(chosen); err != nil {
		return SkipPreview{}, err
	}
	v := SkipPreview{Function: who.by.Name, Resume: t.resume().At, After: after, InFlight: who.flies(s)}
	for _, c := range chosen {
		if !c.lane.stands() {
			return SkipPreview{}, fmt.Errorf("offset %d of %s: %w", c.Offset, s.Partition, ErrNotStanding)
		}
		v.Records = append(v.Records, SkipRecord{
			Offset: c.Offset, Timestamp: time.UnixMilli(c.Timestamp).UTC(), Attempts: c.attempts, Bytes: len(c.Key) + len(c.Value),
		})
	}
	v.Token = tokenOf(s, who, chosen)
	return v, nil
}

// all gives the unresolved records of a lane with the failed attempts spent on them.
func (l *lane) all() iter.Seq2[*record.Record, int] {
	return func(yield func(*record.Record, int) bool) {
		works := l.left
		if l.mine != nil {
			works = append([]*work{l.mine}, works...)
		}
		for _, w := range works {
			for i := range w.Records {
				if !yield(&w.Records[i], w.Attempts) {
					return
				}
			}
		}
		for r := range l.queue.All() {
			if !yield(r, 0) {
				return
			}
		}
	}
}

// chosenRecord is a record in hand that a skip names.
type chosenRecord struct {
	*record.Record
	lane     *lane
	attempts int
}

// chosen gives the named records that a function has in hand, in order of offset, and where
// the partition would stand without them. What is not dealt out to a lane is not in hand.
func (t *partition) chosen(s *Skip, who *reader) (chosen []chosenRecord, after int64) {
	var first *record.Record
	lowest := func(r *record.Record) {
		if first == nil || r.Offset < first.Offset {
			first = r
		}
	}
	for l := range t.lanes() {
		for r, attempts := range l.all() {
			if l.in == who && s.names(r.Offset) {
				chosen = append(chosen, chosenRecord{r, l, attempts})
			} else {
				lowest(r)
			}
		}
	}
	for _, r := range t.readers {
		if r.waiting.Len() > 0 {
			lowest(r.waiting.Head())
		}
	}
	if t.waiting.Len() > 0 {
		lowest(t.waiting.Head())
	}
	slices.SortFunc(chosen, func(a, b chosenRecord) int { return cmp.Compare(a.Offset, b.Offset) })
	after = t.tail.At
	if first != nil {
		after = first.Resume.At
	}
	if t.loss != nil {
		after = min(after, t.loss.Resume)
	}
	return chosen, after
}

// covered holds that each offset named alone is there, and something of each span.
func (s *Skip) covered(chosen []chosenRecord) error {
	var missing []error
	for _, o := range s.Offsets {
		if !slices.ContainsFunc(chosen, func(c chosenRecord) bool { return o.has(c.Offset) }) {
			missing = append(missing, fmt.Errorf("offset %d of %s: %w", o.First, s.Partition, ErrNotInHand))
		}
	}
	if len(s.Offsets) == 0 {
		return ErrNotInHand
	}
	return errors.Join(missing...)
}

func tokenOf(s *Skip, who *reader, chosen []chosenRecord) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s %t %d\n", s.Partition, who.by.Name, s.Drop, len(chosen))
	for _, l := range who.holding(s) { // where each stands; the others of the partition may go on
		fmt.Fprintf(h, "%d %d\n", l.key.Slot, l.head().Resume.At)
	}
	for _, c := range chosen {
		fmt.Fprintf(h, "%d %d %d %d\n", c.Offset, c.Timestamp, len(c.Key), len(c.Value))
		_, _ = h.Write(c.Key) // a hash takes everything
		_, _ = h.Write(c.Value)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// giveSkipped takes the named records out of wherever the lane has them and puts them in
// front, a piece for each span, to be given up. Nothing of the lane is in flight.
func (l *lane) giveSkipped(s *Skip) {
	var out []*work
	for _, span := range s.Offsets {
		for _, w := range l.left {
			if mine := w.without(span); len(mine) > 0 {
				last := w.last
				if w.give != nil {
					last = w.give.last
				}
				piece := settle.Piece{Records: mine, Attempts: w.Attempts, Invoked: w.Invoked}
				out = append(out, &work{Piece: piece, last: last, give: &giving{why: settle.Skipped, last: last, skip: s}})
			}
		}
		if waiting := l.queue.Remove(func(r *record.Record) bool { return span.has(r.Offset) }); len(waiting) > 0 {
			out = append(out, &work{Piece: settle.Piece{Records: waiting}, give: &giving{why: settle.Skipped, skip: s}})
		}
	}
	rest := slices.DeleteFunc(l.left, func(w *work) bool { return len(w.Records) == 0 })
	l.left = append(out, rest...)
}

// without takes the records of a span out of a piece and gives them.
func (w *work) without(span Span) []record.Record {
	var mine, rest []record.Record
	for i := range w.Records {
		if span.has(w.Records[i].Offset) {
			mine = append(mine, w.Records[i])
		} else {
			rest = append(rest, w.Records[i])
		}
	}
	if len(mine) > 0 {
		w.Records = rest
	}
	return mine
}

// giveAsSkipped ends a skipped piece as its owner said. A destination that went away in
// between was part of what the owner chose: then the records are invoked again.
func (p *Pipeline) giveAsSkipped(l *lane, w *work) {
	switch {
	case w.give.skip.Drop:
		p.drop(l, w, "skipped by "+w.give.skip.By)
	case l.by.Deliver != nil:
		p.deliver(l, w)
	default:
		p.cfg.Log.Warn("the destination of skipped records was taken away, they are invoked again",
			"mapping", p.set.Mapping.UUID, "position", p.position(l, w).String())
		w.give = nil
		l.left = append([]*work{w}, l.left...)
		p.again = true
	}
}

// note is who gave a piece up by hand, and why.
func (g *giving) note() string {
	if g.skip == nil {
		return ""
	}
	return g.skip.By
}
