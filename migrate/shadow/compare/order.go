package compare

// order watches the order of the outputs of one key where something else than the key pairs
// them: then a line does not know it.
type order struct {
	name uint64
	side [2][]*item
}

const mostScanned = 1024 // records of a key in which another order is looked for

// orders holds pairs back until it is known whether another pair of their key lies before
// one of them and behind the other.
type orders struct {
	keys  map[uint64]*order
	held  int // items
	after func(l, r *item, moved bool)
}

func newOrders(after func(l, r *item, moved bool)) *orders {
	return &orders{keys: map[uint64]*order{}, after: after}
}

// enter puts an item into the order of its key, before anything becomes of it.
func (o *orders) enter(it *item, key uint64) {
	k := o.keys[key]
	if k == nil {
		k = &order{name: key}
		o.keys[key] = k
	}
	it.order = k
	k.side[it.side] = append(k.side[it.side], it)
}

// paired says that two items are equal.
func (o *orders) paired(l, r *item) {
	if l.order == nil || l.order != r.order {
		o.leave(l)
		o.leave(r)
		o.after(l, r, false)
		return
	}
	l.mate, r.mate = r, l
	o.held += 2
	o.advance(l.order)
	for _, it := range []*item{l, r} {
		if !it.gone { // its bytes are not needed any more
			it.output = &output{Record: Record{Topic: it.Topic, Partition: it.Partition, Offset: it.Offset, At: it.At, Key: it.Key, Where: it.Where}}
		}
	}
}

// leave says that an item has no place in the order.
func (o *orders) leave(it *item) {
	if it.gone = true; it.order != nil {
		o.advance(it.order)
	}
}

// advance lets go what is known by now.
func (o *orders) advance(k *order) {
	for {
		trim(k)
		if len(k.side[left]) == 0 || len(k.side[right]) == 0 {
			break
		}
		l, r := k.side[left][0], k.side[right][0]
		if l.mate == nil || r.mate == nil {
			break
		}
		if l.mate == r {
			o.release(l, false)
			continue
		}
		stretch, known := k.stretch()
		if !known {
			break
		}
		for _, it := range stretch {
			o.release(it, true)
		}
	}
	if len(k.side[left]) == 0 && len(k.side[right]) == 0 {
		delete(o.keys, k.name)
	}
}

func trim(k *order) {
	for side := range k.side {
		for len(k.side[side]) > 0 && k.side[side][0].gone {
			k.side[side][0] = nil
			k.side[side] = k.side[side][1:]
		}
	}
}

func (o *orders) release(l *item, moved bool) {
	r := l.mate
	l.gone, r.gone = true, true
	o.held -= 2
	o.after(l, r, moved)
}

// stretch gives the left items of the shortest stretch that holds the same pairs on both
// sides. It is not known while something in it may still become a pair.
func (k *order) stretch() (out []*item, known bool) {
	var sums [2]uint64
	i, j := 0, 0
	for {
		l, r := next(k.side[left], &i), next(k.side[right], &j)
		if l == nil || r == nil || l.mate == nil || r.mate == nil {
			return nil, false
		}
		out = append(out, l)
		sums[left] += mix(l.at, 1)
		sums[right] += mix(r.mate.at, 1)
		switch {
		case sums[left] == sums[right]:
			return out, true
		case len(out) == mostScanned:
			return out[:1], true // too far away to look for its end again and again
		}
	}
}

func next(items []*item, i *int) *item {
	for ; *i < len(items); *i++ {
		if it := items[*i]; !it.gone {
			*i++
			return it
		}
	}
	return nil
}
