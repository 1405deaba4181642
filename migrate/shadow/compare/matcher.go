package compare

import "slices"

// item is a record that waits in a matcher for its counterpart.
type item struct {
	*output
	line *line
	at   uint64 // its place among all that was added
	side int    // left = old, right = the other
	done bool

	order *order // of its key, beyond its line
	mate  *item  // what it was paired with while it waits there
	gone  bool   // the order does not wait for it
}

const left, right = 0, 1

// judge hears what becomes of items. Every item comes once.
type judge interface {
	equal(l, r *item)
	differ(l, r *item)
	moved(l, r *item) // equal, at another place among those of their line
	alone(it *item)   // the other side did not write it
	seam(it *item)    // the old one wrote it before the run began, or instead of one that it wrote then
	dropped(it *item) // it was not compared
	related() bool    // what has the same pairing value is a pair, however it differs
	waiting() int     // items that it was told of and keeps
}

const (
	lookahead   = 32      // records of one line that both sides hold before they are aligned
	mostPending = 1 << 20 // records of a topic that wait
	mostCredits = 1 << 20 // lines with early records that were paired
)

// matcher pairs two streams of one topic, line by line. A line is what has the same pairing
// value.
type matcher struct {
	rules   *rules
	judge   judge
	ordered bool // within a line
	limit   int
	patient bool // what one side only has is left to wait: the other may be far behind

	lines   map[uint64]*line
	free    []*line
	queue   []*item // in the order they came; done ones are dropped from the front
	pending [2]int
	at      uint64 // of the newest

	credits map[uint64]*credit // line → early records that were paired
	version int                // of the rules when the credits were begun
	skips   map[uint64][2]int  // skipName → how many of each side are counterparts of dropped items
	owed    [2]int             // likewise where there are too many
}

func newMatcher(r *rules, j judge, ordered bool) *matcher {
	return &matcher{
		rules: r, judge: j, ordered: ordered, limit: mostPending,
		lines: map[uint64]*line{}, credits: map[uint64]*credit{}, skips: map[uint64][2]int{}, version: r.version,
	}
}

// add takes a record. It gives the item, which may be done by then.
func (m *matcher) add(name uint64, side int, o *output, at uint64, anyOrder bool) *item {
	l := m.lines[name]
	if l == nil {
		l = m.fresh(name, anyOrder || !m.ordered)
		m.lines[name] = l
	}
	m.at = at
	it := &item{output: o, line: l, at: at, side: side}
	m.pending[side]++
	return it
}

// place puts an item into its line.
func (m *matcher) place(it *item) {
	l := it.line
	switch {
	case m.skipped(it):
	case l.loose:
		m.placeLoose(l, it)
	default:
		m.placeOrdered(l, it)
	}
	if it.done {
		m.release(l)
		return
	}
	m.queue = append(m.queue, it)
	m.bound()
}

func (m *matcher) fresh(name uint64, loose bool) *line {
	if n := len(m.free); n > 0 {
		l := m.free[n-1]
		m.free = m.free[:n-1]
		*l = line{name: name, loose: loose, side: l.side, version: m.rules.version}
		return l
	}
	return &line{name: name, loose: loose, version: m.rules.version}
}

// release forgets a line that has nothing.
func (m *matcher) release(l *line) {
	if len(l.side[left]) > 0 || len(l.side[right]) > 0 || m.lines[l.name] != l {
		return
	}
	delete(m.lines, l.name)
	l.side[left], l.side[right] = l.side[left][:0], l.side[right][:0]
	l.prints[left], l.prints[right] = nil, nil
	if len(m.free) < 1024 && cap(l.side[left])+cap(l.side[right]) < 256 {
		m.free = append(m.free, l)
	}
}

// finish takes an item out of what waits.
func (m *matcher) finish(it *item) {
	it.done = true
	m.pending[it.side]--
}

func (m *matcher) pair(l, r *item, verdict func(l, r *item)) {
	m.finish(l)
	m.finish(r)
	if l.early {
		m.credit(l)
	}
	verdict(l, r)
}

// settle ends what was added up to b and has no counterpart. A line in which newer records
// wait for theirs may have to wait with them: until a later barrier has passed these.
func (m *matcher) settle(b uint64) {
	touched := map[*line]bool{}
	for _, it := range m.queue {
		if it.at > b {
			break
		}
		if !it.done {
			touched[it.line] = true
		}
	}
	for _, l := range inOrder(touched) {
		if m.patient && (len(l.side[left]) == 0 || len(l.side[right]) == 0) {
			continue
		}
		if l.loose {
			m.settleLoose(l, b)
		} else {
			m.settleOrdered(l, b)
		}
		m.release(l)
	}
	m.queue = slices.DeleteFunc(m.queue, func(it *item) bool { return it.done })
}

// inOrder makes a run repeatable, whatever the order of a map is.
func inOrder(lines map[*line]bool) []*line {
	out := make([]*line, 0, len(lines))
	for l := range lines {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b *line) int {
		switch x, y := a.first(), b.first(); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	return out
}
