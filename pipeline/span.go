package pipeline

import (
	"time"

	"gantry/pipeline/batch"
	"gantry/record"
)

// Bound is the most that the uncommitted span of a partition with several lanes may have:
// a crash repeats at most that much. A span that was full takes again below three quarters.
type Bound struct{ Records, Bytes int64 }

func defaultSpan() Bound { return Bound{Records: 100_000, Bytes: 64 << 20} }

// span measures what a crash would repeat: the records dealt out to lanes that the group
// has not committed, those resolved behind the first unresolved one among them. It keeps
// one mark for each run that was dealt, so it overestimates by a part of a run at most
// and costs nothing for a record.
type span struct {
	marks []mark // in order of offset
	all   mark   // the counts of everything dealt, and the offset of the last record
	most  Bound
	full  bool
}

// mark says how much had been dealt before the record with an offset.
type mark struct {
	offset         int64
	records, bytes int64
}

// deal notes a run of records. Those that were noted before, and taken back, are not new.
func (s *span) deal(first, last, records, bytes int64) {
	if len(s.marks) > 0 && last <= s.all.offset {
		return
	}
	if len(s.marks) > 0 {
		first = max(first, s.all.offset+1)
	}
	s.marks = append(s.marks, mark{first, s.all.records, s.all.bytes})
	s.all = mark{last, s.all.records + records, s.all.bytes + bytes}
}

// commit forgets what lies before a committed offset.
func (s *span) commit(at int64) {
	switch {
	case len(s.marks) == 0:
	case at > s.all.offset:
		s.marks = s.marks[:0]
	default:
		n := 0
		for n+1 < len(s.marks) && s.marks[n+1].offset <= at {
			n++
		}
		s.marks = s.marks[n:]
	}
}

func (s *span) records() int64 {
	if len(s.marks) == 0 {
		return 0
	}
	return s.all.records - s.marks[0].records
}

func (s *span) bytes() int64 {
	if len(s.marks) == 0 {
		return 0
	}
	return s.all.bytes - s.marks[0].bytes
}

// room says whether more may be dealt.
func (s *span) room() bool {
	limit := func(n int64) int64 {
		if s.full {
			return n * 3 / 4
		}
		return n
	}
	s.full = s.records() >= limit(s.most.Records) || s.bytes() >= limit(s.most.Bytes)
	return !s.full
}

// fit says how many of the next records have room, one at least and limit at most, and
// what they weigh.
func (s *span) fit(records []record.Record, limit int) (n int, bytes int64) {
	limit = min(limit, len(records), int(s.most.Records-s.records()))
	for room := s.most.Bytes - s.bytes(); n < limit; n++ {
		one := weight(records[n : n+1])
		if n > 0 && bytes+one > room {
			break
		}
		bytes += one
	}
	return n, bytes
}

// next takes at most limit of the records that wait, as many as the span has room for,
// and notes that they are dealt out. A run is of one poll.
func (s *span) next(waiting *batch.Queue, limit int) ([]record.Record, time.Time) {
	if waiting.Len() == 0 || !s.room() {
		return nil, time.Time{}
	}
	n, bytes := s.fit(waiting.Front(), limit)
	records, arrived := waiting.Next(n)
	s.deal(records[0].Offset, records[n-1].Offset, int64(n), bytes)
	return records, arrived
}
