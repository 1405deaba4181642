package batch

import (
	"time"

	"gantry/record"
)

// Sizer is the arithmetic of the event encoder: Base is an event without records,
// PartOverhead what one more partition adds. Record sizes are in the records.
type Sizer interface {
	Base() int
	PartOverhead(p record.Partition, first bool) int
}

// Limits are what closes a batch (Developer Guide, invocation-eventsourcemapping): the count, the bytes of the encoded event
// or the window, whichever comes first.
type Limits struct {
	Size    int
	Payload int
	Window  time.Duration
}

// Open is a batch in the making. It only reserves: nothing is taken from a queue until
// the batch goes.
type Open struct {
	limits Limits
	sizer  Sizer
	count  int
	bytes  int
	shares []Share
	oldest time.Time
}

// Share is what one lane puts into an open batch.
type Share struct {
	Index int // the caller's number for the lane
	Count int
}

// NewOpen begins a batch.
func NewOpen(limits Limits, sizer Sizer) *Open {
	return &Open{limits: limits, sizer: sizer, bytes: sizer.Base()}
}

// Add reserves as many records of a lane as fit. It reports whether the batch is full
// now: by count, or because a record of this lane did not fit any more.
func (o *Open) Add(index int, p record.Partition, q *Queue) (full bool) {
	overhead := o.sizer.PartOverhead(p, len(o.shares) == 0)
	n, bytes := q.Fit(o.limits.Size-o.count, o.limits.Payload-o.bytes-overhead)
	if n == 0 {
		return true
	}
	if len(o.shares) == 0 || q.Arrived().Before(o.oldest) {
		o.oldest = q.Arrived()
	}
	o.shares = append(o.shares, Share{Index: index, Count: n})
	o.count += n
	o.bytes += overhead + bytes
	return o.count == o.limits.Size || n < q.Len()
}

// Shares gives what was reserved, in the order of Add.
func (o *Open) Shares() []Share { return o.shares }

// Due is when the window closes the batch. The batch must not be empty.
func (o *Open) Due() time.Time { return o.oldest.Add(o.limits.Window) }

// Alone says whether a lane fills a batch by itself, and with how many records. A
// first record that does not fit an event of its own is said by oversize.
func Alone(limits Limits, sizer Sizer, p record.Partition, q *Queue) (n int, full, oversize bool) {
	room := limits.Payload - sizer.Base() - sizer.PartOverhead(p, true)
	n, _ = q.Fit(limits.Size, room)
	if n == 0 {
		return 0, false, true
	}
	return n, n == limits.Size || n < q.Len(), false
}
