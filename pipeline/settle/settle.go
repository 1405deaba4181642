package settle

import (
	"time"

	"gantry/function"
	"gantry/record"
)

// Piece is a run of records of one lane that is worked on as one: the share of a batch
// at first, what a failure left of it later.
type Piece struct {
	Records  []record.Record
	Attempts int // failed attempts spent, of the limit
	Invoked  int // invocations made, whatever they came to
}

// Condition says why records are given up, in AWS's words where it has any.
type Condition string

// The conditions of a dead letter.
const (
	RetriesExhausted Condition = "RetryAttemptsExhausted"
	PayloadExceeded  Condition = "MaximumPayloadSizeExceeded"
	TooOld           Condition = "EventAgeExceeded" // AWS does not document its own
	Skipped          Condition = "Skipped"          // gantry's own: its owner said so
)

// Controls are the error controls of a mapping.
type Controls struct {
	Attempts int           // retries after the first attempt, -1 endless
	Age      time.Duration // -1 no limit
	Bisect   bool
}

// Verdict is what one invocation did to the share of one lane. Again is in order; its
// pieces are invoked alone, one after the other. Every record of the share is in
// exactly one of Again and GiveUp, or it succeeded.
type Verdict struct {
	Again   []Piece
	GiveUp  *Piece
	Why     Condition
	Backoff bool // wait before Again
	Fault   bool // the failure counts as one of the function (metrics, status)
}

// Decide gives the verdict for a piece. failed lists the records a partial batch
// response named; it is nil for a failure as a whole. cut says that the piece shared
// its batch with other lanes: then being alone next time is the first remedy.
func Decide(p Piece, out function.Outcome, failed []int, cut bool, c Controls) Verdict {
	p.Invoked++
	switch out.Class {
	case function.Succeeded:
		if failed == nil {
			return Verdict{}
		}
		rest := pick(p, failed)
		rest.Attempts++
		return c.again(rest)
	case function.Failed, function.Unknown:
		return c.failed(p, cut)
	case function.TooLarge:
		return tooLarge(p, cut)
	default: // not reached, misconfigured: the function did not run
		return Verdict{Again: []Piece{p}, Backoff: true}
	}
}

// failed is the whole failure: bisect cuts by lane, then by half, and cutting spends
// no attempt; otherwise the attempt counts.
func (c Controls) failed(p Piece, cut bool) Verdict {
	if c.Bisect && cut {
		return Verdict{Again: []Piece{p}, Fault: true}
	}
	if c.Bisect && len(p.Records) > 1 {
		return Verdict{Again: halves(p), Fault: true}
	}
	p.Attempts++
	return c.again(p)
}

func (c Controls) again(p Piece) Verdict {
	if c.Attempts >= 0 && p.Attempts > c.Attempts {
		return Verdict{GiveUp: &p, Why: RetriesExhausted, Fault: true}
	}
	return Verdict{Again: []Piece{p}, Backoff: true, Fault: true}
}

// tooLarge splits until one record is left: that one is over what the target takes.
func tooLarge(p Piece, cut bool) Verdict {
	switch {
	case cut:
		return Verdict{Again: []Piece{p}}
	case len(p.Records) > 1:
		return Verdict{Again: halves(p)}
	default:
		return Verdict{GiveUp: &p, Why: PayloadExceeded}
	}
}

func halves(p Piece) []Piece {
	left, right, mid := p, p, len(p.Records)/2
	left.Records, right.Records = p.Records[:mid:mid], p.Records[mid:]
	return []Piece{left, right}
}

func pick(p Piece, indices []int) Piece {
	records := make([]record.Record, 0, len(indices))
	for _, i := range indices {
		records = append(records, p.Records[i])
	}
	p.Records = records
	return p
}

// Expired splits off the records older than the limit. Age is the distance between a
// record's timestamp and now, checked before every invocation, record by record.
func Expired(p Piece, c Controls, now time.Time) (young, old Piece) {
	young, old = p, p
	old.Records = nil
	if c.Age < 0 {
		return young, old
	}
	limit := now.Add(-c.Age).UnixMilli()
	i := 0
	for i < len(p.Records) && p.Records[i].Timestamp >= limit {
		i++
	}
	if i == len(p.Records) {
		return young, old
	}
	young.Records = append([]record.Record(nil), p.Records[:i]...)
	for ; i < len(p.Records); i++ {
		if p.Records[i].Timestamp < limit {
			old.Records = append(old.Records, p.Records[i])
		} else {
			young.Records = append(young.Records, p.Records[i])
		}
	}
	return young, old
}
