package pipeline

import (
	"cmp"
	"slices"
	"time"

	"gantry/record"
)

// LaneSnapshot is the lanes of one partition: one, unless the mapping has more. Offsets
// are next-to-read. What tells of a failure is of the lane that stands on the lowest
// offset; Stands has all of them.
type LaneSnapshot struct {
	Partition record.Partition
	Committed int64
	Resume    int64 // the first unresolved offset, or Tail
	Tail      int64 // behind the last record polled
	Waiting   int   // records that wait for their first invocation
	InHand    int   // records of pieces in flight or to be tried again
	InFlight  bool
	At        int64     // the first unresolved offset of the lane that stands, else Resume
	Attempts  int       // failed attempts of the piece in hand
	Since     time.Time // when it failed first; zero while healthy
	Retry     time.Time // when it is tried again
	Detail    string
	Blocked   string // the problem that waits for the owner
	Paused    bool
	Head      time.Time // timestamp of the first unresolved record; zero without one

	Lanes    int         // of the partition
	Flying   int         // lanes with work in flight
	Stands   []Stand     // lanes that do not get on, in order of offset
	Span     Uncommitted // with several lanes: what a crash would repeat
	Changing bool        // other lanes begin when nothing of these is in hand

	Readers []ReaderSnapshot // where each function stands, with several functions
}

// ReaderSnapshot is where one function stands in a partition.
type ReaderSnapshot struct {
	Function string
	Resume   int64 // the first offset it has not resolved, or the partition's tail
	Open     int   // records given to it that it has not resolved
}

// FunctionSnapshot is one function of the mapping.
type FunctionSnapshot struct {
	Name     string
	Result   string // of its last invocation
	Detail   string
	Flying   int
	Open     int // records given to it that it has not resolved
	Standing int // lanes that do not get on
	Counts   *Counts
}

func (c *consumer) snapshot() FunctionSnapshot {
	f := FunctionSnapshot{Name: c.Name, Result: c.result, Detail: c.detail, Flying: c.flying, Counts: c.counts}
	for _, l := range c.order {
		if l.stands() {
			f.Standing++
		}
		f.Open += l.inHand() + l.queue.Len()
		if l.key.Slot == 0 {
			f.Open += l.in.waiting.Len()
		}
	}
	return f
}

func (r *reader) snapshot() ReaderSnapshot {
	s := ReaderSnapshot{Function: r.by.Name, Resume: r.of.tail.At, Open: r.waiting.Len()}
	if head := r.head(); head != nil {
		s.Resume = head.Offset
	}
	for _, l := range r.lanes {
		s.Open += l.inHand() + l.queue.Len()
	}
	return s
}

// Stand is one lane that does not get on.
type Stand struct {
	Slot     int32
	Function string
	At       int64 // its first unresolved offset
	InFlight bool
	Attempts int
	Since    time.Time
	Retry    time.Time
	Detail   string
	Blocked  string
}

// Uncommitted is the uncommitted span of a partition with several lanes. Full means that
// nothing more is taken before its first record is resolved.
type Uncommitted struct {
	Records int64
	Bytes   int64
	Full    bool
}

// Standing says that a lane of the partition does not get on.
func (s *LaneSnapshot) Standing() bool { return s.Blocked != "" || !s.Since.IsZero() }

// ByStand gives a snapshot for each lane that stands, as if it were the only one.
func (s *LaneSnapshot) ByStand() []LaneSnapshot {
	if len(s.Stands) < 2 {
		return []LaneSnapshot{*s}
	}
	var out []LaneSnapshot
	for _, st := range s.Stands {
		one := *s
		one.Stands = []Stand{st}
		one.show(st)
		out = append(out, one)
	}
	return out
}

func (s *LaneSnapshot) show(st Stand) {
	s.At, s.Attempts, s.Since, s.Retry, s.Detail, s.Blocked = st.At, st.Attempts, st.Since, st.Retry, st.Detail, st.Blocked
}

func (t *partition) snapshot() LaneSnapshot {
	s := LaneSnapshot{
		Partition: t.id, Committed: t.committed.At, Resume: t.resume().At, Tail: t.tail.At,
		Waiting: t.waiting.Len(), Paused: t.paused,
	}
	s.At = s.Resume
	for _, r := range t.readers {
		s.Waiting += r.waiting.Len()
		if t.fan {
			s.Readers = append(s.Readers, r.snapshot())
		}
	}
	for l := range t.lanes() {
		s.Lanes++
		s.Waiting += l.queue.Len()
		s.InHand += l.inHand()
		if l.flight != nil {
			s.InFlight = true
			s.Flying++
		}
		if l.stands() {
			s.Stands = append(s.Stands, l.stand())
		}
	}
	if r := t.head(); r != nil {
		s.Head = time.UnixMilli(r.Timestamp)
	}
	slices.SortFunc(s.Stands, func(a, b Stand) int { return cmp.Compare(a.At, b.At) })
	switch {
	case len(s.Stands) > 0:
		s.show(s.Stands[0])
	case !t.several():
		l := t.readers[0].lanes[0]
		s.Attempts, s.Retry = l.attempts(), l.wait
	}
	if t.several() {
		s.Span = Uncommitted{t.span.records(), t.span.bytes(), t.span.full}
	}
	return s
}

func (l *lane) stand() Stand {
	st := Stand{
		Slot: l.key.Slot, Function: l.by.Name, At: l.of.resume().At, InFlight: l.flight != nil, Attempts: l.attempts(),
		Since: l.since, Retry: l.wait, Detail: l.detail, Blocked: l.blocked,
	}
	if r := l.head(); r != nil {
		st.At = r.Offset
	}
	return st
}

// attempts are those spent on the piece in hand.
func (l *lane) attempts() int {
	switch {
	case l.mine != nil:
		return l.mine.Attempts
	case len(l.left) > 0:
		return l.left[0].Attempts
	}
	return 0
}

func (l *lane) inHand() int {
	n := 0
	if l.mine != nil {
		n = len(l.mine.Records)
	}
	for _, w := range l.left {
		n += len(w.Records)
	}
	return n
}
