package pipeline

import (
	"context"
	"slices"
	"sync"
	"time"

	"gantry/pipeline/deliver"
	"gantry/record"
)

// Answer is what was answered for records of one partition and is not committed yet: the
// transaction that commits behind its last record writes it. It is kept until then, so a
// transaction that is aborted is made again without the function.
type Answer struct {
	Partition record.Partition
	Records   []record.Output
	begin     record.Offset // before its first record
	last      int64         // its last record
	bytes     int64
}

// keep holds an answer until its transaction. A batch holds one partition where answers
// are kept (gather), so what is lost with one partition takes nothing of another along.
func (p *Pipeline) keep(l *lane, of []record.Record, records []record.Output) {
	if len(records) == 0 {
		return
	}
	a := &Answer{Partition: l.key.Of(), Records: records, begin: of[0].Resume, last: of[0].Offset, bytes: weigh(records)}
	for i := range of {
		if a.last = max(a.last, of[i].Offset); of[i].Resume.At < a.begin.At {
			a.begin = of[i].Resume
		}
	}
	p.answers[a.Partition] = append(p.answers[a.Partition], a)
	p.answerHeld(a.bytes)
}

// upTo is what a partition may commit: never into the middle of an answer. Where a function let
// some records of a batch fail, what it answered for the others waits for those before it:
// a transaction holds every output of the records it commits, and none of those behind.
func (p *Pipeline) upTo(t *partition) record.Offset {
	at := t.resume()
	answers := p.answers[t.id]
	for again := true; again; {
		again = false
		for _, a := range answers {
			if a.last >= at.At && a.begin.At < at.At {
				at, again = a.begin, true
			}
		}
	}
	return at
}

// due gives the answers that go with the offsets, or the time at which the transaction
// that carries them may begin. It begins at once where enough is in hand or where the group
// waits for a lane.
func (p *Pipeline) due(offsets map[record.Partition]record.Offset, now time.Time) (answers []*Answer, later time.Time) {
	var bytes int64
	for id, at := range offsets {
		for _, a := range p.answers[id] {
			if a.last < at.At {
				answers = append(answers, a)
				bytes += a.bytes
			}
		}
	}
	o := p.set.Mapping.Output
	if len(answers) == 0 || o == nil || bytes >= o.Enough() || len(p.drains) > 0 {
		return answers, time.Time{}
	}
	if due := p.committer.begun.Add(o.Every()); due.After(now) {
		return nil, due
	}
	return answers, time.Time{}
}

// written lets go of answers that are committed. Those of a partition that was taken away
// meanwhile are gone already.
func (p *Pipeline) written(answers []*Answer, begun time.Time) {
	if len(answers) == 0 {
		return
	}
	done := map[*Answer]bool{}
	for _, a := range answers {
		done[a] = true
		p.counts.Written.Add(int64(len(a.Records)))
		p.counts.WrittenBytes.Add(a.bytes)
	}
	p.counts.Transactions.Add(1)
	p.counts.TransactionNS.Add(int64(time.Since(begun)))
	for id, held := range p.answers {
		rest := slices.DeleteFunc(held, func(a *Answer) bool {
			if done[a] {
				p.answerHeld(-a.bytes)
			}
			return done[a]
		})
		if p.answers[id] = rest; len(rest) == 0 {
			delete(p.answers, id)
		}
	}
}

// forgetAnswers drops what was answered for a partition that is taken away: whoever has it
// next reads its records again. A transaction under way is refused to a member that lost it.
func (p *Pipeline) forgetAnswers(id record.Partition) {
	for _, a := range p.answers[id] {
		p.answerHeld(-a.bytes)
	}
	delete(p.answers, id)
}

// gather is together, but for kept answers: then a batch never holds two partitions, because
// nobody could tell whose part of the answer is whose once one of them is lost.
func (p *Pipeline) gather(c *consumer, open []int, now time.Time) (due time.Time, waiting bool) {
	if !p.cfg.KeepAnswers {
		return p.together(c, open, now)
	}
	for _, at := range open {
		one, waits := p.together(c, []int{at}, now)
		if waits && (!waiting || one.Before(due)) {
			due, waiting = one, true
		}
	}
	return due, waiting
}

// Letters makes a record of a dead letter. Safe for use by many goroutines.
type Letters interface {
	Letter(ctx context.Context, l deliver.Letter) (record.Output, error)
}

// keptLetters takes the letters of one piece for the transaction of its records.
type keptLetters struct {
	by      Letters
	mu      sync.Mutex
	records map[int64]record.Output // by offset
}

// Deliver implements Deliverer.
func (k *keptLetters) Deliver(ctx context.Context, l deliver.Letter) error {
	out, err := k.by.Letter(ctx, l)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.records[l.Record.Offset] = out
	return nil
}

// keepLetters makes the letters of a piece part of the transaction that commits past it.
func (p *Pipeline) keepLetters(f *flight, kept *keptLetters, errs []error) {
	l := f.lanes[0]
	if kept == nil || l.flight != f {
		return
	}
	var of []record.Record
	var letters []record.Output
	for i := range l.mine.Records {
		if errs[i] == nil {
			of = append(of, l.mine.Records[i])
			letters = append(letters, kept.records[l.mine.Records[i].Offset])
		}
	}
	p.keep(l, of, letters)
}
