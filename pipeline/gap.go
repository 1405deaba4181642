package pipeline

import (
	"time"

	"gantry/pipeline/batch"
	"gantry/pipeline/settle"
)

// closingTime is how long the lanes of a partition that is taken away in good order may
// close the gaps in what they have done. What stays behind a gap is repeated by whoever
// has the partition next: with one lane there is no gap, with several there nearly always
// is one.
const closingTime = 10 * time.Second

// findGap notes up to which offset the lanes go on while their partition is taken away:
// what was handed out so far, but nothing behind a record that does not get on.
func (t *partition) findGap(now time.Time) {
	t.gap = 0
	if !t.several() || t.orphan || !now.Before(t.closing) {
		return
	}
	end := t.taken
	for l := range t.lanes() {
		for _, w := range l.left {
			end = min(end, w.Records[0].Offset)
		}
	}
	for _, r := range t.readers {
		if r.waiting.Len() > 0 {
			end = min(end, r.waiting.Head().Offset)
		}
	}
	if t.waiting.Len() > 0 {
		end = min(end, t.waiting.Head().Offset)
	}
	for l := range t.lanes() {
		if l.queue.Len() > 0 && l.queue.Head().Offset < end {
			t.gap = end
		}
	}
}

// closeGap starts a batch of what a lane has before the end of the last gap. What is to be
// given up is left to the next owner of the partition, and then so is all the rest.
func (p *Pipeline) closeGap(l *lane, now time.Time) {
	t := l.of
	if l.flight != nil || l.queue.Len() == 0 || l.queue.Head().Offset >= t.gap {
		return
	}
	n, _, oversize := batch.Alone(p.limits(), p.set.Sizer, l.key.Of(), &l.queue)
	n = min(n, l.queue.Before(t.gap))
	switch {
	case oversize || p.hasOld(l, n, now):
		t.closing, t.gap = time.Time{}, 0
	case p.enter(l):
		p.launch([]*lane{l}, []*work{{Piece: settle.Piece{Records: l.queue.Take(n)}}})
	}
}
