package compare

import (
	"cmp"
	"slices"
)

const (
	longLine    = 16      // from here on a loose line has an index
	mostCompare = 64      // records of each side that are held against each other when they are left over
	alike       = 1.0 / 3 // share in which two records of one key may differ and still be a pair
)

// placeLoose pairs a record with the first equal one of the other side.
func (m *matcher) placeLoose(l *line, it *item) {
	if other := m.find(l, it); other != nil {
		l.remove(other)
		m.unindex(l, other)
		a, b := it, other
		if it.side == right {
			a, b = other, it
		}
		m.pair(a, b, m.judge.equal)
		return
	}
	l.side[it.side] = append(l.side[it.side], it)
	if prints := l.prints[it.side]; prints != nil && l.version == m.rules.version {
		m.rules.print(it.output)
		prints[it.kept] = append(prints[it.kept], it)
	}
}

// find gives the first of the other side that is equal.
func (m *matcher) find(l *line, it *item) *item {
	others := l.side[1-it.side]
	if len(others) <= longLine {
		for _, other := range others {
			if m.rules.equal(it.output, other.output) {
				return other
			}
		}
		return nil
	}
	m.index(l, 1-it.side)
	m.rules.print(it.output)
	if same := l.prints[1-it.side][it.kept]; len(same) > 0 {
		return same[0]
	}
	return nil
}

func (m *matcher) index(l *line, side int) {
	if l.version != m.rules.version {
		l.prints, l.version = [2]map[uint64][]*item{}, m.rules.version
	}
	if l.prints[side] != nil {
		return
	}
	prints := make(map[uint64][]*item, len(l.side[side]))
	for _, it := range l.side[side] {
		m.rules.print(it.output)
		prints[it.kept] = append(prints[it.kept], it)
	}
	l.prints[side] = prints
}

func (m *matcher) unindex(l *line, it *item) {
	prints := l.prints[it.side]
	if prints == nil {
		return
	}
	if l.version != m.rules.version {
		l.prints = [2]map[uint64][]*item{}
		return
	}
	if same := slices.DeleteFunc(prints[it.kept], func(o *item) bool { return o == it }); len(same) > 0 {
		prints[it.kept] = same
	} else {
		delete(prints, it.kept)
	}
}

// settleLoose ends what was added up to b. A record whose counterpart is here, but differs,
// can only be told from one whose counterpart is missing once what came meanwhile has had
// time to find its own.
func (m *matcher) settleLoose(l *line, b uint64) {
	m.again(l)
	limit := b
	if l.newest() > b && len(l.side[left]) > 0 && len(l.side[right]) > 0 {
		limit = 0
		if l.due != 0 && b >= l.due {
			limit = l.heard
		}
		defer m.wait(l, b)
	}
	if limit > 0 {
		m.leftover(l, limit, b)
	}
}

// newest is the place of what came last.
func (l *line) newest() (at uint64) {
	for _, side := range l.side {
		if len(side) > 0 {
			at = max(at, side[len(side)-1].at)
		}
	}
	return at
}

// again pairs what has become equal since masks were learned.
func (m *matcher) again(l *line) {
	if l.version == m.rules.version {
		return
	}
	l.prints, l.version = [2]map[uint64][]*item{}, m.rules.version
	for _, it := range slices.Clone(l.side[right]) {
		if other := m.find(l, it); other != nil {
			for _, gone := range []*item{it, other} {
				l.remove(gone)
				m.unindex(l, gone)
			}
			m.pair(other, it, m.judge.equal)
		}
	}
}

// couple is two records that may be meant to be the same.
type couple struct {
	l, r  *item
	apart float64
}

// leftover ends what was added up to limit; what was added up to b may be its counterpart.
func (m *matcher) leftover(l *line, limit, b uint64) {
	old, other := upTo(l.side[left], b), upTo(l.side[right], b)
	var couples []couple
	for _, a := range candidates(old) {
		for _, r := range candidates(other) {
			c := couple{a, r, m.rules.apart(a.output, r.output)}
			if (a.at <= limit || r.at <= limit) && (c.apart <= alike || m.judge.related() && !a.early) {
				couples = append(couples, c)
			}
		}
	}
	slices.SortStableFunc(couples, func(a, b couple) int { return cmp.Compare(a.apart, b.apart) })
	for _, c := range couples {
		if !c.l.done && !c.r.done {
			m.pair(c.l, c.r, m.judge.differ)
		}
	}
	for _, it := range append(slices.Clone(old), other...) {
		if !it.done && it.at <= limit {
			m.lone(it)
		}
	}
	for side := range l.side {
		l.side[side] = slices.DeleteFunc(l.side[side], func(it *item) bool { return it.done })
	}
	l.prints = [2]map[uint64][]*item{}
}

// candidates are the first of a side that may be half of a couple: what is seam most likely
// must not stand before the others.
func candidates(items []*item) []*item {
	early := 0
	for early < len(items) && items[early].early {
		early++
	}
	items = items[max(0, early-mostCompare/4):]
	return items[:min(len(items), mostCompare)]
}

func upTo(items []*item, b uint64) []*item {
	n, _ := slices.BinarySearchFunc(items, b, func(it *item, b uint64) int {
		if it.at <= b {
			return -1
		}
		return 1
	})
	return items[:n]
}
