// Package compare holds what an old service writes and what the functions that are to
// replace it write together, while both read the same records. It is arithmetic: it reads
// no topic, no clock and no store.
//
//	Add ─▶ pairing ─▶ matcher of lines ─▶ tally ─▶ Report
//	                  (old, new)           ▲ masks
//	                  (old, second) ─▶ noise
//
// Records with the same pairing value (key, header, field of the value, source) are a line.
// In a line the n-th old output belongs to the n-th new one. The heads of both sides are
// paired while they are equal. Where they are not, the line waits until both sides hold 32
// records or a barrier has passed; then the cheapest way from there is taken: pairs that
// differ, outputs that are missing or extra, stretches of the same records in another order.
// A pair is reordered if another pair of its key lies before it on one side and behind it on
// the other; where something else than the key pairs, the key's order is watched beside the
// lines. Where the order does not count, and for records without a key, equal records pair
// wherever they are, and what is left over pairs if it has two thirds of its fields in common.
//
// # Barriers
//
// Mark names everything added so far, Settle says that whatever caused it is done with, so
// that the counterpart of each of these records has been added by then. What has none is
// missing or extra. Only where newer records of the same line are here whose own
// counterparts may be on their way, and which could be the counterpart, it waits until a
// barrier has passed these. A barrier with nothing behind it ends everything.
//
// # The seam
//
// Old outputs are read from somewhat before the run began, so what only the old service
// wrote before that is seam, never missing; if the functions wrote it as well, as they read
// what was not committed when the run began, it is equal like any other. By key, a value
// that repeats may be paired with an early old output although it belongs to a later one.
// The later one is then left over; as many as early ones with the same content in the line
// were paired are seam as well. The limits: an old service that commits before it writes
// can write an output of a record from before the run after its begin, which then is
// missing; clocks of producers that differ move the begin; and an output that is really
// missing is seam where it repeats an early one that was paired.
//
// # What is compared
//
// JSON field by field, numbers as amounts (1.0 is 1, large ones exactly), objects in any
// order; anything else by its bytes; keys, headers, and partitions if they are asked for.
// gantry's own gantry-source-… headers are not. Paths of differences and of masks have [*]
// for indices. What an ignore rule or a mask leaves out does not count in pairing either; a
// pair that is equal only because of it is masked. What was counted as different before a
// path was masked becomes masked; how it was paired stays.
//
// # Memory
//
// What is paired is forgotten. At most 1,048,576 records of a topic wait; beyond that the
// oldest are not compared, which is said. Equality is told by 64 bits of a hash.
package compare

import (
	"maps"
	"slices"
	"time"

	"gantry/plan"
	"gantry/record"
)

// Side says which implementation wrote an output.
type Side int

// The sides. Second is a second run of the old code, for masks.
const (
	Old Side = iota
	New
	Second
)

// Record is one output. The comparison keeps its slices while it waits.
type Record struct {
	Topic      string // the topic of the plan's outputs it stands for, not the shadow topic's name
	Partition  int32
	Offset     int64
	At         time.Time
	Key, Value []byte // nil = null
	Headers    []record.Header
	Where      string // the topic it was read from; "" = Topic
	Early      bool   // it lies before an end of its log that was read when the run had its positions
}

// Barrier names everything that was added before it was made.
type Barrier struct{ at uint64 }

// Comparison compares. It is for one goroutine at a time.
type Comparison struct {
	plan      plan.Plan
	began     time.Time
	at        uint64
	topics    map[string]*topic
	seen      seen
	strangers map[string]int64
}

// Begin begins a comparison of a run whose group got its positions at began.
func Begin(p plan.Plan, began time.Time) *Comparison {
	c := &Comparison{
		plan: p, began: began, topics: map[string]*topic{}, strangers: map[string]int64{},
		seen: seen{keys: keys{most: keysToCount(p.Gates)}, parts: map[string]map[int32]bool{}},
	}
	for _, o := range p.Outputs {
		c.topics[o.Topic] = newTopic(p, o, &c.seen)
	}
	return c
}

// ComparePartitions says that the outputs of a topic must lie in the same partitions too.
// It comes before any Add.
func (c *Comparison) ComparePartitions(topic string) {
	if t := c.topics[topic]; t != nil {
		t.rules.placed = true
	}
}

// Add takes the next output of a side, in the order of each partition.
func (c *Comparison) Add(side Side, r Record) {
	t := c.topics[r.Topic]
	if t == nil {
		c.strangers[r.Topic]++
		return
	}
	c.at++
	t.add(side, &output{Record: r, early: side != New && (r.Early || r.At.Before(c.began))}, c.at)
}

// Mark names everything that was added so far.
func (c *Comparison) Mark() Barrier { return Barrier{c.at} }

// Settle says that both implementations are done with whatever caused what was added before
// Mark gave b, and that all they wrote for it was added.
func (c *Comparison) Settle(b Barrier) {
	for _, name := range slices.Sorted(maps.Keys(c.topics)) {
		t := c.topics[name]
		if t.second != nil {
			t.second.patient = b.at < c.at // no barrier waits for the second run
			t.second.settle(b.at)          // masks first
			if t.learns(); t.learning && t.noise.pairs == 0 && b.at < c.at && t.barriers < patience {
				t.barriers++
				continue
			}
			t.learned()
		}
		t.main.settle(b.at)
	}
}

// topic compares the outputs of one topic.
type topic struct {
	output   plan.Output
	rules    *rules
	pairing  *pairing
	tally    *tally
	main     *matcher
	noise    *noise
	second   *matcher // nil without a second run
	unpaired int64

	learning bool   // what is compared waits for the first masks
	held     []held // meanwhile
	barriers int    // that have passed meanwhile
}

// What is compared before a mask is known is paired by what differs in any case, and how it
// was paired stays. So the comparison waits for the first pairs of the second run, but not
// for ever.
const (
	taught   = 30     // pairs of the second run
	mostHeld = 50_000 // outputs
	patience = 20     // barriers
)

// held is an output that waits for the first masks.
type held struct {
	side  Side
	o     *output
	at    uint64
	name  uint64
	loose bool
}

func newTopic(p plan.Plan, o plan.Output, s *seen) *topic {
	t := &topic{output: o, rules: newRules(p, o), pairing: newPairing(o)}
	t.tally = newTally(t.rules, s, o, t.pairing.key)
	ordered := o.Order
	t.main = newMatcher(t.rules, t.tally, ordered)
	if o.Second != "" {
		t.noise = &noise{rules: t.rules, pair: o.Pair}
		t.second, t.learning = newMatcher(t.rules, t.noise, ordered), true
	}
	return t
}

func (t *topic) add(side Side, o *output, at uint64) {
	switch side {
	case Old:
		t.tally.counts.Old++
	case New:
		t.tally.counts.New++
	case Second:
		if t.second == nil {
			return
		}
	}
	name, ok := t.pairing.of(o, t.rules)
	if !ok {
		if side != Second {
			t.unpaired++
			t.tally.counts.Unpaired++
		}
		return
	}
	loose := t.output.Pair == plan.PairKey && o.Key == nil
	if t.second != nil && side != New {
		same := &output{Record: o.Record} // between two runs of the old code there is no seam
		t.second.place(t.second.add(name, min(int(side), right), same, at, loose))
	}
	switch {
	case side == Second:
	case t.learning:
		t.held = append(t.held, held{side, o, at, name, loose})
	default:
		t.compare(held{side, o, at, name, loose})
	}
	t.learns()
}

func (t *topic) compare(h held) {
	it := t.main.add(h.name, int(h.side), h.o, h.at, h.loose)
	t.tally.enter(it)
	t.main.place(it)
}

// learns ends the wait for masks once there is no more use in it.
func (t *topic) learns() {
	if t.learning && (t.noise.pairs >= taught || len(t.held) >= mostHeld) {
		t.learned()
	}
}

// learned compares what was held.
func (t *topic) learned() {
	if !t.learning {
		return
	}
	t.learning = false
	for _, h := range t.held {
		t.compare(h)
	}
	t.held = nil
}
