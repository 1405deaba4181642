package compare

// move is one step of an alignment: how much it takes of each side, and what that is.
type move struct {
	kind        stepKind
	left, right int
}

type stepKind int

const (
	stepEqual  stepKind = iota
	stepDiffer          // a pair that differs
	stepMoved           // the next records of both sides are the same in another order
	stepAlone           // one side only
)

// agrees says that both sides have the same records behind the step as before it.
func (s move) agrees() bool { return s.kind == stepEqual || s.kind == stepMoved }

// The prices of steps. Two pairs that differ cost more than a record that is missing and
// one that is extra with equal ones between them; one pair that differs costs less than
// both. Another order is cheaper than anything, as long as it can be seen.
const (
	priceAlone  = 0.5
	priceEarly  = 0.2  // it may be seam: the other side need not have it
	priceNewer  = 0.25 // the other side may be on its way
	priceDiffer = 0.5  // and priceApart times the share in which they differ
	priceApart  = 0.49
	priceMoved  = 0.03 // a record
)

const (
	window   = 64      // records of each side that are aligned at once, at least
	mostGrid = 1 << 16 // pairs of records that are looked at when a line is settled
)

// align finds the cheapest way from the front of both sides. whole says that it reaches the
// end of both.
func (m *matcher) align(l *line, b uint64, grid int) (steps []move, whole bool) {
	as, bs := l.side[left], l.side[right]
	if n := min(len(as), len(bs)); m.patient {
		as, bs = as[:n], bs[:n]
	}
	if len(as) <= window && len(bs) <= window || len(as)*len(bs) <= grid {
		return m.cheapest(as, bs, b), true
	}
	if i, j, found := m.nearest(as, bs); found && (i >= window/2 || j >= window/2) {
		return m.block(i, j), false
	}
	return m.cheapest(as[:min(len(as), window)], bs[:min(len(bs), window)], b), false
}

const farthest = 1 << 14 // records in which the next equal ones are looked for

// nearest finds the next place at which both sides have the same record.
func (m *matcher) nearest(as, bs []*item) (i, j int, found bool) {
	where := map[uint64]int{}
	for k := min(len(bs), farthest) - 1; k >= 0; k-- {
		m.rules.print(bs[k].output)
		where[bs[k].kept] = k
	}
	best := len(as) + len(bs)
	for k := 0; k < min(len(as), farthest) && k < best; k++ {
		m.rules.print(as[k].output)
		if at, ok := where[as[k].kept]; ok && k+at < best {
			i, j, found, best = k, at, true, k+at
		}
	}
	return i, j, found
}

// block takes i and j records that have nothing in common, and the equal ones behind.
func (m *matcher) block(i, j int) []move {
	var out []move
	for range min(i, j) {
		out = append(out, move{stepDiffer, 1, 1})
	}
	for range i - min(i, j) {
		out = append(out, move{stepAlone, 1, 0})
	}
	for range j - min(i, j) {
		out = append(out, move{stepAlone, 0, 1})
	}
	return append(out, move{stepEqual, 1, 1})
}

// cell is the cheapest way from here to the end.
type cell struct {
	price float64
	step  move
}

// cheapest looks at every way through two short stretches, from their end.
func (m *matcher) cheapest(as, bs []*item, b uint64) []move {
	sums := [2][]uint64{m.sums(as), m.sums(bs)}
	grid := make([][]cell, len(as)+1)
	cells := make([]cell, (len(as)+1)*(len(bs)+1))
	for i := range grid {
		grid[i], cells = cells[:len(bs)+1], cells[len(bs)+1:]
	}
	for i := len(as); i >= 0; i-- {
		for j := len(bs); j >= 0; j-- {
			if i < len(as) || j < len(bs) {
				grid[i][j] = m.step(grid, as, bs, [2]int{i, j}, b)
			}
			if i < len(as) && j < len(bs) && grid[i][j].step.kind != stepEqual {
				moved(grid, sums, i, j)
			}
		}
	}
	var out []move
	for i, j := 0, 0; i < len(as) || j < len(bs); {
		s := grid[i][j].step
		out = append(out, s)
		i, j = i+s.left, j+s.right
	}
	return out
}

// step is the best of what can be done at one place but for another order.
func (m *matcher) step(grid [][]cell, as, bs []*item, at [2]int, b uint64) cell {
	i, j := at[left], at[right]
	best := cell{price: -1}
	try := func(price float64, s move) {
		if price += grid[i+s.left][j+s.right].price; best.price < 0 || price < best.price {
			best = cell{price, s}
		}
	}
	if i < len(as) && j < len(bs) {
		if m.rules.equal(as[i].output, bs[j].output) {
			return cell{grid[i+1][j+1].price, move{stepEqual, 1, 1}}
		}
		try(priceDiffer+priceApart*m.rules.apart(as[i].output, bs[j].output), move{stepDiffer, 1, 1})
	}
	if i < len(as) {
		try(m.price(as[i], b), move{stepAlone, 1, 0})
	}
	if j < len(bs) {
		try(m.price(bs[j], b), move{stepAlone, 0, 1})
	}
	return best
}

// price is that of leaving an item alone.
func (m *matcher) price(it *item, b uint64) float64 {
	switch {
	case it.at > b:
		return priceNewer
	case it.side == left && (it.early || m.credited(it) >= 0):
		return priceEarly
	}
	return priceAlone
}

// moved takes the shortest stretch whose records are the same in another order, if that is
// cheaper. Sums of prints tell, whatever the order.
func moved(grid [][]cell, sums [2][]uint64, i, j int) {
	for k := 2; k <= lookahead && i+k < len(sums[left]) && j+k < len(sums[right]); k++ {
		if sums[left][i+k]-sums[left][i] != sums[right][j+k]-sums[right][j] {
			continue
		}
		if price := priceMoved*float64(k) + grid[i+k][j+k].price; price < grid[i][j].price {
			grid[i][j] = cell{price, move{stepMoved, k, k}}
		}
		return
	}
}

// sums has at i the sum of the prints before the i-th.
func (m *matcher) sums(items []*item) []uint64 {
	out := make([]uint64, len(items)+1)
	for i, it := range items {
		m.rules.print(it.output)
		out[i+1] = out[i] + mix(it.kept, 1)
	}
	return out
}
