package compare

import "slices"

// credit are the prints of the early records of a line that were paired.
type credit struct{ prints []uint64 }

// credit remembers that an early record was paired: if it was the wrong one, one that has
// the same content is left over later.
func (m *matcher) credit(it *item) {
	c := m.credits[it.line.name]
	if c == nil {
		if len(m.credits) >= mostCredits {
			return
		}
		c = &credit{}
		m.credits[it.line.name] = c
	}
	m.rules.print(it.output)
	c.prints = append(c.prints, it.kept)
}

// credited finds an early record of the same content that was paired, -1 where there is
// none. The prints from before a mask was learned are not known any more: then any of the
// line is.
func (m *matcher) credited(it *item) int {
	c := m.credits[it.line.name]
	if c == nil {
		return -1
	}
	m.rules.print(it.output)
	i := slices.Index(c.prints, it.kept)
	if i < 0 && m.version != m.rules.version {
		i = 0
	}
	return i
}

// used takes off what credited finds.
func (m *matcher) used(it *item) bool {
	i := m.credited(it)
	if i < 0 {
		return false
	}
	c := m.credits[it.line.name]
	if c.prints = slices.Delete(c.prints, i, i+1); len(c.prints) == 0 {
		delete(m.credits, it.line.name)
	}
	return true
}

// lone ends an item without a counterpart.
func (m *matcher) lone(it *item) {
	m.finish(it)
	switch {
	case it.side == left && (it.early || m.used(it)):
		m.judge.seam(it)
	case m.owed[it.side] > 0:
		m.owed[it.side]--
		m.judge.dropped(it)
	default:
		m.judge.alone(it)
	}
}
