package wave

import "slices"

// tarjan finds what can reach each other: R. Tarjan, Depth-first search and linear graph
// algorithms, 1972.
type tarjan struct {
	next    map[string][]string
	index   map[string]int
	low     map[string]int
	stack   []string
	onStack map[string]bool
	found   [][]string
}

// circles gives the strongly connected components, each sorted; who is fed comes before
// who feeds it.
func circles(nodes []string, next map[string][]string) [][]string {
	t := &tarjan{next: next, index: map[string]int{}, low: map[string]int{}, onStack: map[string]bool{}}
	for _, n := range nodes {
		if _, seen := t.index[n]; !seen {
			t.visit(n)
		}
	}
	return t.found
}

func (t *tarjan) visit(n string) {
	t.index[n] = len(t.index)
	t.low[n] = t.index[n]
	t.stack = append(t.stack, n)
	t.onStack[n] = true
	for _, to := range t.next[n] {
		if _, seen := t.index[to]; !seen {
			t.visit(to)
			t.low[n] = min(t.low[n], t.low[to])
		} else if t.onStack[to] {
			t.low[n] = min(t.low[n], t.index[to])
		}
	}
	if t.low[n] != t.index[n] {
		return
	}
	at := slices.Index(t.stack, n)
	unit := slices.Clone(t.stack[at:])
	t.stack = t.stack[:at]
	for _, s := range unit {
		t.onStack[s] = false
	}
	slices.Sort(unit)
	t.found = append(t.found, unit)
}
