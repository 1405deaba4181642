package cutover

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"gantry/kafka"
	"gantry/plan"
	"gantry/record"
)

// notice is how long a member that was removed goes on with what it has fetched: until the
// answer to its next heartbeat, every 3 s in a classic group and every 5 s in one of KIP-848.
const notice = 5500 * time.Millisecond

// tailBound is what may be processed and not committed, at most: two moves of the commit
// (one that was under way, one that was to follow), and for those who did not leave by
// themselves what they went on with. That may not even be written yet, so its bound is not
// the end of the log but what comes until they know, at twice the rate that was seen. Where
// no move was seen everything up to there may be processed.
func tailBound(s Sample, without time.Duration, at, end plan.Offsets) plan.Offsets {
	counts := plan.Offsets{}
	longest, on := s.longest(), int64(max(s.Drain, s.Written)*without.Seconds())
	each(at, func(topic string, p int32, from int64) {
		e, _ := end.At(topic, p)
		coming, _ := s.Coming.At(topic, p)
		n := max(0, e-from) + int64(float64(2*coming)*without.Seconds())
		if longest > 0 {
			step, ok := s.Step.At(topic, p)
			if !ok {
				step = longest
			}
			n = min(n, 2*step+on)
		}
		if n > 0 {
			counts.Set(topic, p, n)
		}
	})
	return counts
}

// mostKeys is how many keys a report holds.
const mostKeys = 1000

func (r *run) tail(ctx context.Context, pre Preflight, stopped Stopped, fenced Fenced, settled Settled) (Tail, error) {
	t := Tail{Counts: plan.Offsets{}, Basis: "nobody read: there is none"}
	if len(pre.Group.Members) > 0 {
		without := time.Duration(0)
		if stopped.Left > 0 {
			without = notice + time.Second + fenced.Emptied
		}
		t.Counts = tailBound(pre.Sample, without, settled.F1, settled.End)
		t.Records = sum(t.Counts)
		t.Basis = fmt.Sprintf("commits moved by up to %d records a partition, at most %s apart", pre.Sample.longest(), pre.Sample.Interval.Round(time.Millisecond))
	}
	if t.Again = moved(fencedFrom(r.a.ahead), settled.F1); len(t.Again) > 0 {
		t.Basis += fmt.Sprintf("; and at most %d records before that by the old service alone, which was removed while it worked and came back at once", sum(t.Again))
	}
	if stopped.Alive {
		t.Likely = t.Records
		t.Basis += fmt.Sprintf("; %d members did not stop: one that takes no refusal for an answer may go on until its process ends, so end it", stopped.Left)
		r.Tell(fmt.Sprintf("the old service of group %s was removed while it worked: end its processes", r.Plan.Service.Group))
	}
	if t.Records == 0 || r.SkipTail == nil && !r.wish.SkipTail {
		return t, nil
	}
	ranges := rangesOf(settled.F1, t.Counts, settled.End)
	keys, more, err := r.keysOf(ctx, ranges)
	if err != nil {
		return t, err
	}
	t.Keys, t.MoreKeys = keys, more
	if t.Skipped = r.wish.SkipTail; !t.Skipped {
		t.Skipped, err = r.SkipTail(ctx, t)
	}
	return t, err
}

// rangesOf are counts of records as far as they are written.
func rangesOf(from, counts, end plan.Offsets) []Range {
	var all []Range
	each(counts, func(topic string, p int32, n int64) {
		at, _ := from.At(topic, p)
		e, _ := end.At(topic, p)
		if to := min(at+n, e); to > at {
			all = append(all, Range{Topic: topic, Partition: p, From: at, To: to, Records: -1})
		}
	})
	return all
}

// keysOf reads ranges, counts their records into them, and gives the keys it met.
func (r *run) keysOf(ctx context.Context, ranges []Range) (keys []string, more bool, err error) {
	known := map[string]bool{}
	for i := range ranges {
		at := &ranges[i]
		at.Records = 0
		err := r.Admin.Scan(ctx, kafka.Scanning{Topic: at.Topic, Partition: at.Partition, From: at.From, To: at.To}, func(rec record.Record) error {
			at.Records++
			key := keyText(rec.Key)
			switch {
			case known[key]:
			case len(keys) == mostKeys:
				more = true
			default:
				known[key] = true
				keys = append(keys, key)
			}
			return nil
		})
		if err != nil {
			return keys, more, err
		}
	}
	return keys, more, nil
}

func keyText(key []byte) string {
	switch {
	case key == nil:
		return "(no key)"
	case utf8.Valid(key):
		return string(key)
	}
	return fmt.Sprintf("0x%x", key)
}

// seamsOf joins where the old group ended and where the new one begins.
func seamsOf(s Settled, t Tail) []plan.Seam {
	var seams []plan.Seam
	each(s.F1, func(topic string, p int32, at int64) {
		start, _ := s.Start.At(topic, p)
		end, _ := s.End.At(topic, p)
		n, _ := t.Counts.At(topic, p)
		again, _ := t.Again.At(topic, p)
		seam := plan.Seam{Topic: topic, Partition: p, OldEnd: at, NewStart: at, LogStart: start, End: end, Tail: n, Again: again}
		if t.Skipped {
			seam.NewStart = min(at+n, max(at, end))
		}
		seams = append(seams, seam)
	})
	return seams
}

func newStarts(seams []plan.Seam) plan.Offsets {
	to := plan.Offsets{}
	for _, s := range seams {
		to.Set(s.Topic, s.Partition, s.NewStart)
	}
	return to
}
