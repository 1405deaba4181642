package compare

import "math"

// line is what waits of one pairing value, in the order it came.
type line struct {
	name  uint64
	loose bool // its order does not count
	side  [2][]*item

	heard, due uint64 // what was added up to heard has its counterpart here once a barrier has passed due

	prints  [2]map[uint64][]*item // of a long loose line
	version int                   // of the rules they were made by
}

// first is the place of the oldest that waits.
func (l *line) first() uint64 {
	at := uint64(math.MaxUint64)
	for _, side := range l.side {
		if len(side) > 0 {
			at = min(at, side[0].at)
		}
	}
	return at
}

// pop takes n from the front of a side.
func (l *line) pop(side, n int) {
	clear(l.side[side][:n])
	l.side[side] = l.side[side][n:]
}

// remove takes it out, wherever it is.
func (l *line) remove(it *item) {
	for i, other := range l.side[it.side] {
		if other == it {
			if i == 0 {
				l.pop(it.side, 1)
				return
			}
			copy(l.side[it.side][i:], l.side[it.side][i+1:])
			last := len(l.side[it.side]) - 1
			l.side[it.side][last] = nil
			l.side[it.side] = l.side[it.side][:last]
			return
		}
	}
}

// wait notes that what was added up to b has to wait for what came since.
func (m *matcher) wait(l *line, b uint64) {
	if l.due == 0 || b >= l.due {
		l.heard, l.due = b, m.at
	}
}

// placeOrdered pairs the heads of a line while they are equal. Where they are not, both
// sides have to hold enough that one can see how it goes on.
func (m *matcher) placeOrdered(l *line, it *item) {
	l.side[it.side] = append(l.side[it.side], it)
	m.drain(l)
	for len(l.side[left]) >= lookahead && len(l.side[right]) >= lookahead && !l.side[left][0].early {
		steps, _ := m.align(l, math.MaxUint64, 0)
		m.apply(l, sure(steps))
		m.drain(l)
	}
}

func (m *matcher) drain(l *line) {
	for len(l.side[left]) > 0 && len(l.side[right]) > 0 && m.rules.equal(l.side[left][0].output, l.side[right][0].output) {
		a, b := l.side[left][0], l.side[right][0]
		l.pop(left, 1)
		l.pop(right, 1)
		m.pair(a, b, m.judge.equal)
	}
}

// sure are the steps up to the last at which both sides agree again; if they never do, the
// first half.
func sure(steps []move) []move {
	for n := len(steps); n > 0; n-- {
		if steps[n-1].agrees() {
			return steps[:n]
		}
	}
	return steps[:(len(steps)+1)/2]
}

// settleOrdered ends what was added up to b, as far as newer records leave no doubt.
func (m *matcher) settleOrdered(l *line, b uint64) {
	for {
		m.drain(l)
		if len(l.side[left]) == 0 || len(l.side[right]) == 0 {
			if !m.patient {
				m.endAlone(l, b)
			}
			return
		}
		steps, whole := m.align(l, b, mostGrid)
		n := l.final(steps, b)
		if !whole {
			n = min(n, len(sure(steps)))
		}
		if n == 0 {
			m.wait(l, b)
			return
		}
		m.apply(l, steps[:n])
	}
}

// endAlone ends the old of a line that has one side only.
func (m *matcher) endAlone(l *line, b uint64) {
	for side := range l.side {
		for len(l.side[side]) > 0 && l.side[side][0].at <= b {
			it := l.side[side][0]
			l.pop(side, 1)
			m.lone(it)
		}
	}
}

// final counts the steps that no record which is still to come can change: those before a
// record newer than b that is not equal to the one it meets. What was heard long enough need not
// wait for the sides to agree again behind it.
func (l *line) final(steps []move, b uint64) int {
	n, at := 0, [2]int{}
	overdue, last := l.due != 0 && b >= l.due, 0
	for i, s := range steps {
		if newer, oldest := l.span(s, at); s.kind != stepEqual && newer > b {
			return max(n, last, l.rest(i, at, n))
		} else if overdue && oldest <= l.heard {
			last = i + 1
		}
		at[left], at[right] = at[left]+s.left, at[right]+s.right
		if s.agrees() {
			n = i + 1
		}
	}
	return len(steps)
}

// rest are the steps before the i-th if nothing but one side is left from there on.
func (l *line) rest(i int, at [2]int, n int) int {
	if at[left] == len(l.side[left]) || at[right] == len(l.side[right]) {
		return i
	}
	return n
}

// span gives the newest and the oldest place of what a step takes.
func (l *line) span(s move, at [2]int) (newest, oldest uint64) {
	oldest = math.MaxUint64
	for side, n := range [2]int{s.left, s.right} {
		for _, it := range l.side[side][at[side] : at[side]+n] {
			newest, oldest = max(newest, it.at), min(oldest, it.at)
		}
	}
	return newest, oldest
}

// apply takes steps off the front of a line.
func (m *matcher) apply(l *line, steps []move) {
	for _, s := range steps {
		as, bs := l.side[left][:s.left], l.side[right][:s.right]
		taken := [2][]*item{append([]*item(nil), as...), append([]*item(nil), bs...)}
		l.pop(left, s.left)
		l.pop(right, s.right)
		m.take(s, taken[left], taken[right])
	}
}

func (m *matcher) take(s move, as, bs []*item) {
	switch s.kind {
	case stepEqual:
		m.pair(as[0], bs[0], m.judge.equal)
	case stepDiffer:
		m.pair(as[0], bs[0], m.judge.differ)
	case stepMoved:
		for _, a := range as {
			for i, b := range bs {
				if b != nil && m.rules.equal(a.output, b.output) {
					bs[i] = nil
					m.pair(a, b, m.judge.moved)
					break
				}
			}
		}
	case stepAlone:
		for _, it := range append(as, bs...) {
			m.lone(it)
		}
	}
}
