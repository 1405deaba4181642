package ruler

import (
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// generator draws patterns and records from a seed.
type generator struct {
	r       *rand.Rand
	ops     []operator
	numbers []string
}

// sample is a pattern (what stands inside "value") with records to try it on. The pair
// counts for the operator and, where it has one, for the structure.
type sample struct {
	kinds   []string
	pattern *tree
	text    string
	records []string
	plain   bool // for plain strings: the pattern is a list
}

func newGenerator(t *testing.T, o oracle, seed uint64) *generator {
	g := &generator{r: rand.New(rand.NewPCG(seed, 0)), ops: operators()}
	g.numbers = javaNumbers(t, o, g.candidateNumbers())
	return g
}

func (g *generator) candidateNumbers() []string {
	all := []string{
		"0", "-0", "0.0", "-0.0", "0e5", "0e-400", "0e999999999", "0e99999999999", "1", "-1", "1.0", "10", "1e1", "300", "3e2", "300.0", "0.1", "1e-1", "0.3", "0.30000000000000004",
		"1e300", "1E+300", "-1e300", "1e-300", "4.9e-324", "5e-324", "2.2250738585072014e-308", "1e-400", "1e400", "1.7976931348623157e308", "-1.7976931348623157E308",
		"9007199254740991", "9007199254740992", "9007199254740993", "9007199254740994", "123456789012", "123456789012345678", "12345678901234567890", "0.12345678901234567890",
		"1" + strings.Repeat("0", 40), "0." + strings.Repeat("0", 40) + "1", strings.Repeat("9", 60), "3.141592653589793", "3.1415926535897932", "100000000000000000000000",
	}
	for range 150 {
		f := (g.r.Float64() - 0.5) * []float64{1, 1e3, 1e9, 1e15, 1e25, 1e-12}[g.r.IntN(6)]
		all = append(all, strconv.FormatFloat(f, "feg"[g.r.IntN(3)], []int{-1, 2, 5, 16}[g.r.IntN(4)], 64))
	}
	return all
}

// javaNumbers leaves out numbers for which this Java does not print the shortest text
// of the double: Java did so before version 19, and the Ruler's answer depends on it.
func javaNumbers(t *testing.T, o oracle, all []string) []string {
	asked := make([]question, len(all))
	for i, n := range all {
		asked[i].Number = n
	}
	var good []string
	for i, answer := range o.ask(t, asked) {
		f, err := strconv.ParseFloat(all[i], 64)
		tiny := f != 0 && f < 1e-300 && f > -1e-300 // two digits there are right, see shortest
		if err != nil || f == 0 || tiny || sameNumber(answer, strconv.FormatFloat(f, 'g', -1, 64)) {
			good = append(good, all[i])
		}
	}
	t.Logf("%d of %d numbers are used: Java prints the shortest text for them", len(good), len(all))
	require.Greater(t, len(good), len(all)*3/4)
	return good
}

func sameNumber(a, b string) bool {
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	return okX && okY && x.Cmp(y) == 0
}

const recordsPerPattern = 6

// sample draws the next pattern. Every operator has its turn alone, and in between come
// the structures.
func (g *generator) sample(i int) sample {
	turn := i % (len(g.ops) + len(structures()))
	if turn >= len(g.ops) {
		s := structures()[turn-len(g.ops)]
		return s.make(g, s.name)
	}
	o := g.ops[turn]
	if g.r.IntN(6) == 0 {
		return g.plainSample(o)
	}
	f := g.leaf([]operator{o})
	if g.r.IntN(3) > 0 {
		f.entries = f.entries[:1]
	}
	p := &shape{fields: []*field{f}}
	return g.finish([]string{o.name}, p)
}

// plainSample is a pattern for plain strings: the operator stands right below value.
func (g *generator) plainSample(o operator) sample {
	e := o.make(g)
	s := sample{kinds: []string{o.name, "plain string"}, pattern: list(e.test), plain: true}
	s.text = s.pattern.write(g.r)
	for range recordsPerPattern {
		// The word without its quotes and escapes is what a record would hold.
		v := e.near().text
		if word, err := strconv.Unquote(v); err == nil {
			v = word
		}
		s.records = append(s.records, v)
	}
	return s
}

func (g *generator) finish(kinds []string, p *shape) sample {
	s := sample{kinds: kinds, pattern: p.pattern(g)}
	s.text = s.pattern.write(g.r)
	for range recordsPerPattern {
		s.records = append(s.records, p.record(g).write(g.r))
	}
	return s
}

// shape is an object pattern before it is written: fields, and $or lists of shapes.
type shape struct {
	fields []*field
	ors    [][]*shape
}

type field struct {
	name    string
	entries []entry // a leaf
	inner   *shape  // or an object
}

var fieldNames = []string{"a", "b", "c", "d", "é", "a b", "x.y", "a.b", "日", "n\"q", "z"}

func (g *generator) leaf(ops []operator) *field {
	f := &field{name: pick(g.r, fieldNames)}
	for _, o := range ops {
		f.entries = append(f.entries, o.make(g))
	}
	for len(f.entries) < 3 && g.r.IntN(3) == 0 {
		f.entries = append(f.entries, pick(g.r, g.ops).make(g))
	}
	return f
}

func (g *generator) shape(depth, width int) *shape {
	s := new(shape)
	for range 1 + g.r.IntN(width) {
		if depth > 0 && g.r.IntN(3) == 0 {
			s.fields = append(s.fields, &field{name: pick(g.r, fieldNames), inner: g.shape(depth-1, width)})
			continue
		}
		s.fields = append(s.fields, g.leaf([]operator{pick(g.r, g.ops)}))
	}
	return s
}

func (s *shape) pattern(g *generator) *tree {
	t := new(tree)
	for _, f := range s.fields {
		if f.inner != nil {
			t.put(f.name, f.inner.pattern(g))
			continue
		}
		tests := list()
		for _, e := range f.entries {
			tests.members = append(tests.members, e.test)
		}
		t.put(f.name, tests)
	}
	for _, or := range s.ors {
		all := list()
		for _, alternative := range or {
			all.members = append(all.members, alternative.pattern(g))
		}
		t.put("$or", all)
	}
	return t
}

// record makes an object that has a good chance to match, with noise around.
func (s *shape) record(g *generator) *tree {
	t := new(tree)
	if g.r.IntN(4) == 0 {
		t.put(pick(g.r, fieldNames), g.anything())
	}
	s.into(t, g)
	if g.r.IntN(6) == 0 {
		t.put("noise", list(g.anything(), pair("a", list(g.anything()))))
	}
	return t
}

func (s *shape) into(t *tree, g *generator) {
	for _, f := range s.fields {
		if g.r.IntN(12) == 0 {
			continue
		}
		name, v := f.name, f.value(g)
		if head, tail, ok := strings.Cut(name, "."); ok && g.r.IntN(2) == 0 {
			name, v = head, pair(tail, v)
		}
		t.put(name, v)
	}
	for _, or := range s.ors {
		for _, alternative := range or {
			if g.r.IntN(len(or)) == 0 {
				alternative.into(t, g)
			}
		}
	}
}

func (f *field) value(g *generator) *tree {
	one := func() *tree {
		if f.inner != nil {
			return f.inner.record(g)
		}
		if g.r.IntN(20) == 0 {
			return pair(pick(g.r, fieldNames), g.anything())
		}
		return pick(g.r, f.entries).near()
	}
	chance := 6
	if f.inner != nil {
		chance = 2
	}
	if g.r.IntN(chance) > 0 {
		return one()
	}
	items := list()
	for range g.r.IntN(4) {
		item := one()
		switch g.r.IntN(10) {
		case 0:
			item = list(item)
		case 1:
			item = g.anything()
		}
		items.members = append(items.members, item)
	}
	return items
}
