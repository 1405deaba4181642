package cutover

import (
	"context"
	"fmt"
	"time"

	"gantry/kafka"
	"gantry/record"
)

// lookAtRetention finds how long it takes until records that nobody has read are removed.
// What is found is never too long, where it can be known. Where it can't, a note says so; a
// cutover is refused only where records are going to be removed within its window, unless
// somebody takes that on himself.
func (r *run) lookAtRetention(ctx context.Context, pre *Preflight) error {
	for _, topic := range r.Plan.Service.Topics {
		kept, err := r.Admin.Keeping(ctx, topic)
		if err != nil {
			pre.note("how long %s keeps records is not known: %v", topic, err)
			continue
		}
		l := &leaving{topic: topic, kept: kept, window: r.Plan.Stop.Wait + r.Plan.Guards.Watch, pre: pre}
		l.positions()
		if err := r.byTime(ctx, l); err != nil {
			return err
		}
		if err := r.bySize(ctx, l); err != nil {
			return err
		}
		l.byHand()
		r.judge(l)
	}
	return nil
}

func (pre *Preflight) note(format string, args ...any) {
	pre.Notes = append(pre.Notes, fmt.Sprintf(format, args...))
}

// leaving is what is found of one topic.
type leaving struct {
	topic  string
	kept   kafka.Keeping
	window time.Duration
	pre    *Preflight

	at    map[record.Partition]int64 // first records that are unread, or the newest that was written
	left  time.Duration              // until one of them goes; 0 = none does
	where string
}

// positions are those that retention must not reach. Behind what is read nothing can be lost;
// where records are being written, what comes is judged by the newest that came.
func (l *leaving) positions() {
	l.at = map[record.Partition]int64{}
	for p, end := range l.pre.End[l.topic] {
		start, _ := l.pre.Start.At(l.topic, p)
		at, known := l.pre.F0.At(l.topic, p)
		coming, _ := l.pre.Sample.Coming.At(l.topic, p)
		switch {
		case !known, at < start, end <= start: // the first are faults of their own
		case at < end:
			l.at[record.Partition{Topic: l.topic, Index: p}] = at
		case coming > 0:
			l.at[record.Partition{Topic: l.topic, Index: p}] = end - 1
		}
	}
}

// soonest keeps what goes first.
func (l *leaving) soonest(p int32, left time.Duration) {
	left = max(left, time.Second) // 0 says that nothing goes
	if l.left == 0 || left < l.left {
		l.left, l.where = left, named(l.topic, p)
	}
}

// byTime goes by the largest timestamp before each position. Where that is too old and
// something behind the position is not, only the broker knows whether both are in one
// segment: that is a note. A segment never spans more than segment.ms, so what is younger by
// more than that is in another one.
func (r *run) byTime(ctx context.Context, l *leaving) error {
	if l.kept.Time <= 0 {
		return nil
	}
	if len(l.at) == 0 { // nothing is unread and nothing comes: a record that comes now stays its time
		l.left, l.where = l.kept.Time, l.topic
		return nil
	}
	left, err := r.Admin.Protection(ctx, l.kept.Time, l.at)
	if err != nil {
		return err
	}
	young, err := r.Admin.After(ctx, l.topic, time.Now().Add(l.window-l.kept.Time))
	if err != nil {
		return err
	}
	near, err := r.Admin.After(ctx, l.topic, time.Now().Add(l.window-l.kept.Time-l.kept.Segment))
	if err != nil {
		return err
	}
	for p, d := range left {
		end, _ := l.pre.End.At(l.topic, p.Index)
		if d < l.window && young[p.Index] < end && near[p.Index] <= l.at[p] {
			l.pre.note("%s: the records before offset %d are surely kept for %s more; those behind it are younger, and where they are in the same segment it is kept as long as they are. Nobody can ask for that: let the group catch up to be sure",
				named(l.topic, p.Index), l.at[p], d.Round(time.Second))
			continue
		}
		l.soonest(p.Index, d)
	}
	return nil
}

// bySize estimates when what is written pushes a position out: records are taken to be as
// large as those that are there. The segment of the position goes once as much as is kept
// lies behind it, so the estimate is too short by up to a segment.
func (r *run) bySize(ctx context.Context, l *leaving) error {
	if l.kept.Bytes <= 0 || l.pre.Sample.Written <= 0 {
		return nil
	}
	if l.kept.Tiered {
		l.pre.note("how soon retention.bytes of %s removes records is not known: a part of them is not on the brokers' disks", l.topic)
		return nil
	}
	sizes, err := r.Admin.Sizes(ctx, l.topic)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		l.pre.note("how soon retention.bytes of %s removes records is not known: %v", l.topic, err)
		return nil
	}
	for p, at := range l.at {
		start, _ := l.pre.Start.At(l.topic, p.Index)
		end, _ := l.pre.End.At(l.topic, p.Index)
		coming, _ := l.pre.Sample.Coming.At(l.topic, p.Index)
		if each := float64(sizes[p.Index]) / float64(end-start); each > 0 && coming > 0 {
			room := float64(l.kept.Bytes)/each - float64(end-at)
			l.soonest(p.Index, seconds(room/float64(coming)))
		}
	}
	return nil
}

// byHand is a log whose start moves though nothing in its configuration moves it: somebody
// deletes records.
func (l *leaving) byHand() {
	if l.kept.Time > 0 || l.kept.Bytes > 0 {
		return
	}
	for p, at := range l.at {
		start, _ := l.pre.Start.At(l.topic, p.Index)
		if moved, ok := l.pre.Sample.Retained.At(l.topic, p.Index); ok && moved > 0 {
			l.soonest(p.Index, seconds(float64(at-start)/float64(moved)*l.pre.Sample.Watched.Seconds()))
		}
	}
}

// seconds is a time that fits.
func seconds(s float64) time.Duration {
	return time.Duration(min(max(s, 0), 100*365*24*3600) * float64(time.Second))
}

// judge is the verdict on one topic.
func (r *run) judge(l *leaving) {
	if l.left == 0 {
		return
	}
	if l.pre.Headroom == 0 || l.left < l.pre.Headroom {
		l.pre.Headroom = l.left
	}
	if l.left >= l.window {
		return
	}
	text := fmt.Sprintf("%s: retention reaches the group's position in %s, and a cutover with its watch may take %s", l.where, l.left.Round(time.Second), l.window)
	if r.AcceptRetention {
		l.pre.Accepted = append(l.pre.Accepted, text)
		return
	}
	l.pre.Faults = append(l.pre.Faults, text+": keep the topic's records longer, let the group catch up first, plan a shorter guards.watch, or say --accept-retention, which the ledger keeps with your reason")
}
