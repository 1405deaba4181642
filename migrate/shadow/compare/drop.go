package compare

import "slices"

// bound drops the oldest where too much waits: what it belongs to can't be told any more.
func (m *matcher) bound() {
	for len(m.queue) > 0 && m.pending[left]+m.pending[right]+m.judge.waiting() > m.limit {
		it := m.queue[0]
		m.queue = m.queue[1:]
		if it.done {
			continue
		}
		m.drop(it)
	}
	if len(m.queue) > 2*(m.pending[left]+m.pending[right])+1024 {
		m.queue = slices.DeleteFunc(m.queue, func(it *item) bool { return it.done })
	}
}

func (m *matcher) drop(it *item) {
	l := it.line
	m.finish(it)
	l.remove(it)
	m.unindex(l, it)
	name := m.skipName(it)
	if skip, known := m.skips[name]; known || len(m.skips) < mostCredits {
		skip[1-it.side]++
		m.skips[name] = skip
	} else {
		m.owed[1-it.side]++
	}
	m.judge.dropped(it)
	m.release(l)
}

// skipName is what the counterpart of a dropped item is known by: the next of its line, or,
// where the order does not count, one of the same content.
func (m *matcher) skipName(it *item) uint64 {
	if !it.line.loose {
		return it.line.name
	}
	m.rules.print(it.output)
	return mix(it.line.name, it.kept)
}

// skipped drops the counterpart of an item that was dropped, so that the line does not look
// as if it had lost its step.
func (m *matcher) skipped(it *item) bool {
	if len(m.skips) == 0 {
		return false
	}
	name := m.skipName(it)
	skip := m.skips[name]
	if skip[it.side] == 0 {
		return false
	}
	if others := it.line.side[1-it.side]; len(others) > 0 && m.rules.equal(others[0].output, it.output) {
		return false
	}
	if skip[it.side]--; skip == [2]int{} {
		delete(m.skips, name)
	} else {
		m.skips[name] = skip
	}
	m.finish(it)
	m.judge.dropped(it)
	return true
}
