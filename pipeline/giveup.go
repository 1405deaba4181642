package pipeline

import (
	"context"
	"strconv"
	"sync"
	"time"

	"gantry/mapping"
	"gantry/pipeline/deliver"
	"gantry/pipeline/settle"
	"gantry/record"
)

// give ends a piece that is given up: to the destination, or nowhere where the owner
// has chosen so. A record that is too large for an event is not the owner's choice:
// without a destination it holds its lane until the mapping changes.
func (p *Pipeline) give(l *lane, w *work) {
	switch {
	case w.give.skip != nil:
		p.giveAsSkipped(l, w)
	case l.by.Deliver != nil:
		p.deliver(l, w)
	case p.wanted(w):
		w.give = nil
		l.left = append([]*work{w}, l.left...)
		p.again = true
	case w.give.why == settle.PayloadExceeded && !p.set.Mapping.OversizeDrop:
		l.left = append([]*work{w}, l.left...)
		l.blocked = mapping.ProblemOversize
		l.failing("a record does not fit an invocation and the mapping has no destination for it: " +
			"add onFailure, or set oversize: drop")
		p.cfg.Log.Error("record too large for an invocation", "function", l.by.Name, "position", p.position(l, w).String())
	default:
		p.drop(l, w, "no destination")
	}
}

// wanted says that the limit which gave a piece up is in force no more: its destination
// failed, and meanwhile the owner took destination or limit away. Then nobody has chosen
// to lose it, and it is invoked again.
func (p *Pipeline) wanted(w *work) bool {
	m := &p.set.Mapping
	switch w.give.why {
	case settle.RetriesExhausted:
		return m.Attempts() < 0 || w.Attempts <= m.Attempts()
	case settle.TooOld:
		return m.RecordAge < 0
	}
	return false
}

// drop resolves a piece without a destination: counted and said with its positions.
func (p *Pipeline) drop(l *lane, w *work, why string) {
	p.count(l.by, func(c *Counts) { c.dropped(len(w.Records)) })
	first, last := &w.Records[0], &w.Records[len(w.Records)-1]
	p.cfg.Log.Warn("records given up", "mapping", p.set.Mapping.UUID, "function", l.by.Name, "partition", l.key.Of().String(),
		"first_offset", first.Offset, "last_offset", last.Offset, "count", len(w.Records), "offsets", runs(w.Records),
		"condition", string(w.give.why), "because", why, "error", l.detail)
	p.release(l, w.Records)
	l.healthy()
	p.again = true
}

// runs writes the offsets of records as 3-5,9: what lies between may be of another lane.
func runs(records []record.Record) string {
	var out []byte
	for i := 0; i < len(records); {
		n := i
		for n+1 < len(records) && records[n+1].Offset == records[n].Offset+1 {
			n++
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, records[i].Offset, 10)
		if n > i {
			out = strconv.AppendInt(append(out, '-'), records[n].Offset, 10)
		}
		i = n + 1
	}
	return string(out)
}

func (p *Pipeline) position(l *lane, w *work) record.Position {
	return record.Position{Topic: l.key.Topic, Partition: l.key.Partition, Offset: w.Records[0].Offset}
}

// deliver writes the letters of a piece in a goroutine; the lane stands still meanwhile.
func (p *Pipeline) deliver(l *lane, w *work) {
	ctx, cancel := context.WithCancelCause(context.Background())
	f := &flight{lanes: []*lane{l}, by: l.by, cancel: cancel, began: time.Now()}
	l.flight, l.mine = f, w
	if w.give.at.IsZero() {
		w.give.at = f.began
	}
	parcel := deliver.Parcel{
		Partition: l.key.Of(), Records: w.Records, Condition: string(w.give.why),
		Invoked: w.Invoked, Outcome: w.give.last, At: w.give.at, Note: w.give.note(),
	}
	to := l.by.Deliver
	var kept *keptLetters
	if p.set.Letters != nil {
		kept = &keptLetters{by: p.set.Letters, records: map[int64]record.Output{}}
		to = kept
	}
	go func() {
		errs := p.handOver(ctx, to, parcel)
		p.count(f.by, func(c *Counts) { c.attempted(time.Since(f.began)) })
		cancel(nil)
		p.post(func() {
			p.keepLetters(f, kept, errs)
			p.delivered(f, errs)
		})
	}()
}

// handOver delivers a parcel whole where the destination takes it so, else letter by letter,
// and gives the error of each record.
func (p *Pipeline) handOver(ctx context.Context, to Deliverer, parcel deliver.Parcel) []error {
	errs := make([]error, len(parcel.Records))
	if whole, ok := to.(WholeDeliverer); ok {
		ctx, done := context.WithTimeout(ctx, deliveryTimeout)
		defer done()
		if err := whole.DeliverAll(ctx, parcel); err != nil {
			for i := range errs {
				errs[i] = err
			}
		}
		return errs
	}
	letters(ctx, len(errs), func(ctx context.Context, i int) {
		ctx, done := context.WithTimeout(ctx, deliveryTimeout)
		defer done()
		errs[i] = to.Deliver(ctx, parcel.Letter(i))
	})
	return errs
}

// lettersAtOnce bounds how many letters of a piece are under way.
const lettersAtOnce = 32

// deliveryTimeout is when a delivery that hangs is shown as failed and tried again.
const deliveryTimeout = 30 * time.Second

func letters(ctx context.Context, n int, one func(context.Context, int)) {
	var wg sync.WaitGroup
	places := make(chan struct{}, lettersAtOnce)
	for i := range n {
		places <- struct{}{}
		wg.Go(func() {
			one(ctx, i)
			<-places
		})
	}
	wg.Wait()
}

// delivered resolves the letters that the destination has accepted. The others are
// tried again for ever, the lane standing still, unless the owner chose to drop them.
func (p *Pipeline) delivered(f *flight, errs []error) {
	l := f.lanes[0]
	if l.flight != f {
		return
	}
	w := l.mine
	l.flight, l.mine = nil, nil
	var rest []record.Record
	for i := range w.Records {
		if errs[i] != nil {
			rest = append(rest, w.Records[i])
		}
	}
	p.count(l.by, func(c *Counts) { c.delivered(len(w.Records)-len(rest), len(rest)) })
	p.release(l, w.Records)
	if len(rest) == 0 {
		l.healthy()
		l.by.delivers()
		return
	}
	p.hold(l, rest)
	failed := &work{Piece: w.Piece, give: w.give}
	failed.Records = rest
	p.undelivered(l, failed, first(errs), f.wasCut)
}

// first is the error of the first letter that failed: the others mostly say the same.
func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Pipeline) undelivered(l *lane, w *work, err error, wasCut bool) {
	if p.set.Mapping.DestinationFailureDrop && !wasCut {
		l.detail = err.Error()
		p.drop(l, w, "the destination failed and onDestinationFailure is drop")
		return
	}
	l.left = append([]*work{w}, l.left...)
	l.failing(err.Error())
	l.by.show(mapping.ProblemDestination, err.Error())
	l.backOff(time.Now(), 0)
}
