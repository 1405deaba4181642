package compare_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"gantry/migrate/shadow/compare"
	"gantry/plan"
	"gantry/record"
)

const topic = "out"

func clock(i int) time.Time { return time.Unix(1_700_000_000, 0).Add(time.Duration(i) * time.Second) }

// emission is an output with the input that causes it.
type emission struct {
	compare.Record
	input int
}

// world is a service with its inputs 0, 1, …: what the old code and the new write for each,
// and what of it was planted.
type world struct {
	rng    *rand.Rand
	output plan.Output
	plan   plan.Plan
	sides  [3][][]emission // side → input → its outputs
	after  [3][]int        // side → input → the input with which it is done with it
	want   plan.Compared
	inputs int
	faulty int // from here on
	begin  int // of the run, as an input of the old service
	from   int // where the functions begin: they do again what was not committed
}

type fault int

const (
	none fault = iota
	wrong
	missing
	extra
	swapped
)

// shape is what a world is drawn from.
type shape struct {
	output  plan.Output
	inputs  int
	keys    int
	nulls   bool // some keys are null
	spacing int  // of faults in a key; 0 = none
	seam    bool
	values  int  // distinct contents of a key; 0 = each its own
	second  bool // a second run, and a field that is never the same
}

func build(seed uint64, s shape) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 7)), output: s.output, inputs: s.inputs}
	if s.second {
		w.output.Second = "out.second"
	}
	w.plan = plan.Plan{Name: "p", Outputs: []plan.Output{w.output}}
	if s.second {
		w.faulty = s.inputs / 2 // until then the masks are known
	}
	if s.seam {
		w.begin = s.inputs/4 + w.rng.IntN(s.inputs/4)
		w.from = w.begin - w.rng.IntN(s.inputs/8)
	}
	for side := range w.sides {
		w.sides[side] = make([][]emission, s.inputs)
		w.after[side] = make([]int, s.inputs)
		for i := range s.inputs {
			w.after[side][i] = i
		}
	}
	w.want.Topic, w.want.Pair = topic, s.output.Pair
	perKey := map[string][]int{}
	keys := make([]string, s.inputs)
	for i := range s.inputs {
		keys[i] = "k" + strconv.Itoa(w.rng.IntN(s.keys))
		if s.nulls && w.rng.IntN(5) == 0 {
			keys[i] = ""
		}
		perKey[keys[i]] = append(perKey[keys[i]], i)
	}
	for _, key := range sortedKeys(perKey) {
		w.key(key, perKey[key], s)
	}
	return w
}

// key writes what both sides do for the inputs of one key.
func (w *world) key(key string, inputs []int, s shape) {
	last := -s.spacing
	for n := 0; n < len(inputs); n++ {
		i := inputs[n]
		old := w.record(key, i, s, compare.Old)
		w.emit(compare.Old, i, old)
		if s.second {
			w.emit(compare.Second, i, w.record(key, i, s, compare.Second))
		}
		if i < w.from {
			w.want.Seam++
			continue
		}
		f := none
		if s.spacing > 0 && i >= max(w.begin, w.faulty) && n-last >= s.spacing && w.rng.IntN(3) == 0 {
			f = fault(w.rng.IntN(5))
			last = n
		}
		next := w.record(key, i, s, compare.New)
		switch {
		case f == wrong:
			w.want.Different++
			next.Value = w.value(key, i, s, compare.New, true)
			w.emit(compare.New, i, next)
		case f == missing:
			w.want.Missing++
		case f == extra:
			w.want.Extra++
			w.want.Equal++
			w.emit(compare.New, i, next)
			w.emit(compare.New, i, w.record(key, w.inputs+i, s, compare.New))
		case f == swapped && s.output.Order && key != "" && n+1 < len(inputs):
			n++
			j := inputs[n]
			w.emit(compare.Old, j, w.record(key, j, s, compare.Old))
			if s.second {
				w.emit(compare.Second, j, w.record(key, j, s, compare.Second))
			}
			w.emit(compare.New, j, w.record(key, j, s, compare.New))
			w.emit(compare.New, j, next)
			w.after[compare.New][i] = j
			w.want.Reordered += 2
		default:
			w.want.Equal++
			w.emit(compare.New, i, next)
		}
	}
}

func (w *world) emit(side compare.Side, input int, r compare.Record) {
	w.sides[side][input] = append(w.sides[side][input], emission{r, input})
}

func (w *world) record(key string, i int, s shape, side compare.Side) compare.Record {
	r := compare.Record{Topic: topic, Partition: int32(len(key) % 3), Offset: int64(i), At: clock(i), Value: w.value(key, i, s, side, false)}
	if key != "" {
		r.Key = []byte(key)
	}
	r.Headers = []record.Header{
		{Key: "id", Value: []byte(strconv.Itoa(i))},
		{Key: "gantry-topic", Value: []byte("in")}, {Key: "gantry-partition", Value: []byte("0")}, {Key: "gantry-offset", Value: []byte(strconv.Itoa(i))},
	}
	return r
}

// value is the same for both sides, written otherwise.
func (w *world) value(key string, i int, s shape, side compare.Side, wrong bool) []byte {
	n := i
	if s.values > 0 {
		n = rand.New(rand.NewPCG(uint64(i), 3)).IntN(s.values)
	}
	total, at := n*10, 0
	if wrong {
		total++
	}
	if s.second {
		at = w.rng.IntN(1 << 30)
	}
	if side == compare.New {
		return fmt.Appendf(nil, `{ "at":%d, "total":%d.0,"lines":[{"price":1e1,"sku":"s%d"},{"sku":"t","price":2}],"order":{"key":%q,"id":%d}, "currency":"EUR", "paid":true}`, at, total, n, key, n)
	}
	return fmt.Appendf(nil, `{"order":{"id":%d,"key":%q},"total":%d,"currency":"EUR","paid":true,"lines":[{"sku":"s%d","price":10},{"sku":"t","price":2.00}],"at":%d}`, n, key, total, n, at)
}

// run adds both sides in an order that may happen, with barriers where they are legal, and
// gives what is reported at the end.
func (w *world) run() plan.Shadow {
	c := compare.Begin(w.plan, clock(w.begin))
	at := [3]int{compare.New: w.from}
	type mark struct {
		compare.Barrier
		need int
	}
	var marks []mark
	done := func() int {
		low := w.inputs
		for side := range at {
			if compare.Side(side) == compare.Second && w.output.Second == "" {
				continue
			}
			for i := range at[side] {
				if w.after[side][i] >= at[side] {
					low = min(low, i)
					break
				}
			}
			low = min(low, at[side])
		}
		return low
	}
	for at[compare.Old] < w.inputs || at[compare.New] < w.inputs || at[compare.Second] < w.inputs {
		side := compare.Side(w.rng.IntN(3))
		for range w.rng.IntN(30) {
			if at[side] < w.inputs {
				for _, e := range w.sides[side][at[side]] {
					c.Add(side, e.Record)
				}
				at[side]++
			}
		}
		if w.rng.IntN(4) == 0 {
			marks = append(marks, mark{c.Mark(), max(at[0], at[1], at[2])})
		}
		for len(marks) > 0 && w.rng.IntN(2) == 0 && done() >= marks[0].need {
			c.Settle(marks[0].Barrier)
			marks = marks[1:]
		}
		if w.rng.IntN(20) == 0 {
			c.Report() // which changes nothing
		}
	}
	c.Settle(c.Mark())
	return c.Report()
}

func sortedKeys(m map[string][]int) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
