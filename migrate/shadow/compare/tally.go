package compare

import (
	"slices"
	"strings"

	"gantry/plan"
)

const (
	mostSets     = 1000 // sets of paths that are kept apart
	mostPaths    = 10_000
	mostSamples  = 5
	mostLines    = 40   // of a sample
	mostDiffKeys = 1000 // keys of one set that are told apart
)

// tally counts what becomes of the old and the new outputs of one topic.
type tally struct {
	rules  *rules
	seen   *seen
	orders *orders // nil: lines know the order, or it does not matter
	name   func(key []byte) uint64

	counts plan.Compared
	keys   keys
	masked map[*item]bool // in an order: equal but for what is left out
	sets   map[string]*difference
	paths  map[string]int64 // path → pairs that differed in it
	lost   int64            // of Unpaired: dropped, as too much waited
}

// difference is a set of outputs that differ in the same paths.
type difference struct {
	plan.Difference
	keys keys
}

func newTally(r *rules, s *seen, o plan.Output, name func(key []byte) uint64) *tally {
	t := &tally{
		rules: r, seen: s, name: name, counts: plan.Compared{Topic: o.Topic, Pair: o.Pair}, keys: keys{most: s.keys.most},
		masked: map[*item]bool{}, sets: map[string]*difference{}, paths: map[string]int64{},
	}
	if o.Order && o.Pair != plan.PairKey {
		t.orders = newOrders(t.ordered)
	}
	return t
}

func (t *tally) related() bool { return t.counts.Pair != plan.PairKey }

func (t *tally) waiting() int {
	if t.orders == nil {
		return 0
	}
	return t.orders.held
}

// enter is told of an item before it is placed.
func (t *tally) enter(it *item) {
	if t.orders != nil && it.Key != nil {
		t.orders.enter(it, t.name(it.Key))
	}
}

func (t *tally) equal(l, r *item) {
	masked := !t.rules.whole(l.output, r.output)
	if masked {
		t.leftOut(l, r)
	}
	if t.orders == nil {
		t.same(l, r, masked)
		return
	}
	if masked {
		t.masked[l] = true
	}
	t.orders.paired(l, r)
}

// ordered is told what the order of a key has shown of an equal pair.
func (t *tally) ordered(l, r *item, moved bool) {
	masked := t.masked[l]
	delete(t.masked, l)
	if moved {
		t.inOtherOrder(l, r)
	} else {
		t.same(l, r, masked)
	}
}

func (t *tally) same(l, r *item, masked bool) {
	if masked {
		t.counts.Masked++
	} else {
		t.counts.Equal++
	}
	t.judged(l, r)
}

// leftOut counts what a pair that is equal otherwise differs in.
func (t *tally) leftOut(l, r *item) {
	for _, c := range t.rules.diff(l.output, r.output) {
		if c.rule != nil {
			c.rule.count++
		}
	}
}

func (t *tally) differ(l, r *item) {
	t.leave(l)
	t.leave(r)
	t.counts.Different++
	t.judged(l, r)
	var lines []plan.SampleLine
	var paths []string
	for _, c := range t.rules.diff(l.output, r.output) {
		if c.rule != nil {
			c.rule.count++
			continue
		}
		lines = append(lines, c.SampleLine)
		paths = append(paths, c.wide)
	}
	if len(paths) == 0 { // what is left out is all that can be named, and yet it is not all
		paths, lines = []string{"$"}, []plan.SampleLine{{Path: "$", Old: shown(l.Value), New: shown(r.Value)}}
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	for _, p := range paths {
		if _, known := t.paths[p]; known || len(t.paths) < mostPaths {
			t.paths[p]++
		}
	}
	t.set(plan.DifferentFields, paths).add(t, l, r, lines)
}

func (t *tally) moved(l, r *item) {
	t.leave(l)
	t.leave(r)
	if !t.rules.whole(l.output, r.output) {
		t.leftOut(l, r)
	}
	t.inOtherOrder(l, r)
}

func (t *tally) inOtherOrder(l, r *item) {
	t.counts.Reordered++
	t.judged(l, r)
	t.set(plan.OtherOrder, nil).add(t, l, r, nil)
}

func (t *tally) alone(it *item) {
	t.leave(it)
	line := plan.SampleLine{Path: "$"}
	if it.side == left {
		t.counts.Missing++
		line.Old = shown(it.Value)
		t.judged(it, nil)
		t.set(plan.MissingOutput, nil).add(t, it, nil, []plan.SampleLine{line})
		return
	}
	t.counts.Extra++
	line.New = shown(it.Value)
	t.judged(nil, it)
	t.set(plan.ExtraOutput, nil).add(t, nil, it, []plan.SampleLine{line})
}

func (t *tally) seam(it *item) {
	t.leave(it)
	t.counts.Seam++
}

func (t *tally) dropped(it *item) {
	t.leave(it)
	t.counts.Unpaired++
	t.lost++
}

func (t *tally) leave(it *item) {
	if t.orders != nil {
		t.orders.leave(it)
	}
}

// judged notes what was seen of the service's life.
func (t *tally) judged(l, r *item) {
	it := l
	if it == nil {
		it = r
	}
	name := t.name(it.Key)
	t.keys.add(name)
	t.seen.add(it, name, l != nil)
}

// set is the set of what differs in paths; where there are too many, one for all others.
func (t *tally) set(kind plan.DifferenceKind, paths []string) *difference {
	name := string(kind) + "\x00" + strings.Join(paths, "\x00")
	d := t.sets[name]
	if d == nil && len(t.sets) >= mostSets {
		name, paths = string(kind)+"\x00"+pathOther, []string{pathOther}
		d = t.sets[name]
	}
	if d == nil {
		d = &difference{Difference: plan.Difference{Kind: kind, Paths: paths}, keys: keys{most: mostDiffKeys}}
		t.sets[name] = d
	}
	return d
}

func (d *difference) add(t *tally, l, r *item, lines []plan.SampleLine) {
	d.Count++
	s := plan.Sample{Old: placeOf(l), New: placeOf(r), Lines: lines[:min(len(lines), mostLines)]}
	key := r
	if l != nil {
		key = l
	}
	d.keys.add(t.name(key.Key))
	if len(d.Samples) < mostSamples {
		s.Key = short(asText(key.Key))
		d.Samples = append(d.Samples, s)
	}
}

func placeOf(it *item) *plan.Place {
	if it == nil {
		return nil
	}
	where := it.Where
	if where == "" {
		where = it.Topic
	}
	return &plan.Place{Topic: where, Partition: it.Partition, Offset: it.Offset, Time: it.At}
}
