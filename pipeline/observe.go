package pipeline

import (
	"time"

	"gantry/function"
	"gantry/record"
)

// Event is one batch and what became of it, for those who watch. It holds positions
// and counts; of payloads only the answer, which the watcher masks.
type Event struct {
	At       time.Time
	Function string
	Parts    []EventPart
	Class    function.Class
	Message  string
	Answer   []byte
	Elapsed  time.Duration
	Failed   int // records a partial batch response named
}

// EventPart is the share of one partition.
type EventPart struct {
	Partition record.Partition
	First     int64
	Last      int64
	Count     int
}

// observe runs in the goroutine of the invocation, before its records are settled.
func (p *Pipeline) observe(name string, b *record.Batch, r result, began time.Time) {
	if p.cfg.Observe == nil || !p.cfg.Observe.Watched() {
		return
	}
	e := Event{At: began, Function: name, Class: r.Class, Message: r.Message, Answer: r.Answer, Elapsed: time.Since(began)}
	for i := range b.Parts {
		part := &b.Parts[i]
		e.Parts = append(e.Parts, EventPart{part.Lane.Of(), part.First().Offset, part.Last().Offset, len(part.Records)})
		e.Failed += len(r.failures[i])
	}
	p.cfg.Observe.Saw(e)
}
