package pipeline

import (
	"context"
	"time"

	"gantry/function"
	"gantry/mapping"
	"gantry/pipeline/batch"
	"gantry/pipeline/settle"
	"gantry/record"
)

// lane is the records of one partition under one assignment.
type lane struct {
	key       record.Lane
	at        int // its index in the order
	queue     batch.Queue
	tail      record.Offset // behind everything polled
	committed record.Offset // what the broker acknowledged last
	flight    *flight       // the one piece of work in flight, nil when none is
	mine      *work         // this lane's share of the flight
	left      []*work       // what a failure left, next first; invoked before the queue
	wait      time.Time     // backoff: nothing before
	waits     int           // backoffs in a row
	held      int64         // bytes of unresolved records
	moved     time.Time     // when the lane last got on
	since     time.Time     // when the piece in hand failed first; zero while healthy
	closed    bool          // being taken away: nothing new starts
	orphan    bool          // the assignment is lost: nothing is committed
	paused    bool          // fetching is paused
	blocked   string        // waits for its owner: what the problem is
	detail    string        // the last failure, for people
	loss      *mapping.Loss
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

// resume is what may be committed: the place of the first unresolved record. Expired
// records are split off a piece, so the pieces need not be in order of offset. A log that
// was cut behind us holds other records from the cut on: nothing behind it is committed.
func (l *lane) resume() record.Offset {
	at := l.tail
	if r := l.head(); r != nil {
		at = r.Resume
	}
	if l.loss != nil && l.loss.Resume < at.At {
		return record.Offset{At: l.loss.Resume, Epoch: -1}
	}
	return at
}

// head is the unresolved record with the lowest offset, or nil.
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
func (l *lane) idle() bool { return l.flight == nil && !l.closed && l.blocked == "" }

// settled is when nothing of the lane is unresolved.
func (l *lane) settled() bool {
	return l.flight == nil && len(l.left) == 0 && l.queue.Len() == 0
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
	parts  []record.Part // what an invocation carries
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
