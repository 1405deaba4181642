package pipeline

import (
	"context"
	"time"

	"gantry/function"
	"gantry/pipeline/batch"
	"gantry/pipeline/settle"
	"gantry/record"
)

// lane is the records of one partition, or of one slot of it, for one function under one
// assignment.
type lane struct {
	of      *partition
	in      *reader
	by      *consumer
	key     record.Lane
	at      int // its index in the order of its function
	queue   batch.Queue
	flight  *flight   // the one piece of work in flight, nil when none is
	mine    *work     // this lane's share of the flight
	left    []*work   // what a failure left, next first; invoked before the queue
	wait    time.Time // backoff: nothing before
	waits   int       // backoffs in a row
	held    int64     // bytes of unresolved records
	since   time.Time // when the piece in hand failed first; zero while healthy
	blocked string    // waits for its owner: what the problem is
	detail  string    // the last failure, for people
}

// work is a piece and what has to happen to it.
type work struct {
	settle.Piece
	give *giving           // nil: invoke it
	last *function.Outcome // of the invocation before, nil at first
}

// giving is a piece that goes to the destination.
type giving struct {
	why  settle.Condition
	last *function.Outcome // nil: there was no invocation
	skip *Skip             // the owner's word, where that is why
	at   time.Time         // when the first attempt to deliver it began
}

// head is the unresolved record of the lane with the lowest offset, or nil. Expired records
// are split off a piece, so the pieces need not be in order of offset.
func (l *lane) head() *record.Record {
	var first *record.Record
	look := func(w *work) {
		if r := &w.Records[0]; first == nil || r.Offset < first.Offset {
			first = r
		}
	}
	if l.mine != nil {
		look(l.mine)
	}
	for _, w := range l.left {
		look(w)
	}
	if first == nil && l.queue.Len() > 0 {
		return l.queue.Head()
	}
	return first
}

// idle says that the lane could start something new.
func (l *lane) idle() bool { return l.flight == nil && !l.of.closed && l.blocked == "" }

// queued is the weight of the lane's queue.
func (l *lane) queued() int64 {
	n := l.held
	if l.mine != nil {
		n -= weight(l.mine.Records)
	}
	for _, w := range l.left {
		n -= weight(w.Records)
	}
	return n
}

func (l *lane) unblock() {
	if l.blocked != "" {
		l.blocked, l.wait = "", time.Time{}
	}
}

// cut ends the lane's invocation. Its outcome is not held against the function.
func (l *lane) cut(cause error) {
	if l.flight != nil {
		l.flight.wasCut = true
		l.flight.cancel(cause)
	}
}

// flight is one invocation or one delivery under way.
type flight struct {
	lanes  []*lane
	by     *consumer
	cancel context.CancelCauseFunc
	began  time.Time
	wasCut bool
	back   bool  // the function has answered; what it answered is being written
	answer int64 // bytes of that
}

// weight is what records hold in memory, the same arithmetic as the poller's.
func weight(records []record.Record) int64 {
	var n int64
	for i := range records {
		r := &records[i]
		n += int64(len(r.Key) + len(r.Value) + recordOverhead)
		for j := range r.Headers {
			n += int64(len(r.Headers[j].Key) + len(r.Headers[j].Value))
		}
	}
	return n
}

const recordOverhead = 128
