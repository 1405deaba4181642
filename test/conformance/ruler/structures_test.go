package ruler

import (
	"strings"
)

// structure makes samples that are about how fields stand together.
type structure struct {
	name string
	make func(g *generator, name string) sample
}

func structures() []structure {
	return []structure{
		{"alternatives", func(g *generator, name string) sample {
			f := g.leaf([]operator{pick(g.r, g.ops), pick(g.r, g.ops), pick(g.r, g.ops)})
			return g.finish([]string{name}, &shape{fields: []*field{f}})
		}},
		{"several fields", func(g *generator, name string) sample { return g.finish([]string{name}, g.shape(1, 4)) }},
		{"nested objects", func(g *generator, name string) sample { return g.finish([]string{name}, g.shape(4, 2)) }},
		{"dotted names", func(g *generator, name string) sample {
			s := g.shape(1, 2)
			f := g.leaf([]operator{pick(g.r, g.ops)})
			f.name = strings.Join([]string{pick(g.r, fieldNames), pick(g.r, fieldNames)}, ".")
			s.fields = append(s.fields, f)
			return g.finish([]string{name}, s)
		}},
		{"arrays of objects", arraysOfObjects},
		{"arrays of objects", arraysOfObjects},
		{"absent in arrays", absentInArrays},
		{"$or", func(g *generator, name string) sample { return g.finish([]string{name}, g.or(1)) }},
		{"$or nested", func(g *generator, name string) sample { return g.finish([]string{name}, g.or(3)) }},
		{"odd names", oddNames},
		{"mutated", mutated}, {"mutated", mutated}, {"mutated", mutated},
		{"format", format},
	}
}

// or is a shape with $or lists, the alternatives of which may have $or lists again.
func (g *generator) or(depth int) *shape {
	s := new(shape)
	if g.r.IntN(2) == 0 {
		s = g.shape(1, 2)
	}
	var alternatives []*shape
	for range 2 + g.r.IntN(2) {
		a := g.shape(1, 2)
		if depth > 1 && g.r.IntN(2) == 0 {
			a = g.or(depth - 1)
		}
		alternatives = append(alternatives, a)
	}
	s.ors = append(s.ors, alternatives)
	if g.r.IntN(4) == 0 {
		return &shape{fields: []*field{{name: pick(g.r, fieldNames), inner: s}}}
	}
	return s
}

// simple gives a field with few distinct values, so that arrays match often enough.
func (g *generator) simple(name string) *field {
	digit := func() *tree { return scalar(string("1123"[g.r.IntN(4)])) }
	return &field{name: name, entries: []entry{{digit(), digit}}}
}

func arraysOfObjects(g *generator, name string) sample {
	inner := new(shape)
	for _, n := range []string{"a", "b", "c"}[:2+g.r.IntN(2)] {
		f := g.simple(n)
		switch g.r.IntN(5) {
		case 0:
			f = &field{name: n, inner: &shape{fields: []*field{g.simple("x"), g.simple("y")}}}
		case 1:
			f.entries = append(f.entries, pick(g.r, g.ops).make(g))
		}
		inner.fields = append(inner.fields, f)
	}
	outer := &shape{fields: []*field{{name: pick(g.r, []string{"p", "bb", "é"}), inner: inner}}}
	if g.r.IntN(3) == 0 {
		outer.fields = append(outer.fields, g.simple(pick(g.r, []string{"q", "aa", "p.d"})))
	}
	return g.manyArrays(name, outer)
}

func absentInArrays(g *generator, name string) sample {
	inner := new(shape)
	for _, n := range []string{"a", "b", "c"} {
		f := g.simple(n)
		if g.r.IntN(2) == 0 {
			absent := entry{op("exists", scalar("false")), f.entries[0].near}
			f.entries = append(f.entries[:g.r.IntN(2)], absent)
		}
		inner.fields = append(inner.fields, f)
	}
	return g.manyArrays(name, &shape{fields: []*field{{name: "p", inner: inner}}})
}

// manyArrays writes records whose objects are nearly all in arrays, with holes.
func (g *generator) manyArrays(name string, s *shape) sample {
	out := sample{kinds: []string{name}, pattern: s.pattern(g)}
	out.text = out.pattern.write(g.r)
	for range recordsPerPattern {
		out.records = append(out.records, g.spread(s).write(g.r))
	}
	return out
}

func (g *generator) spread(s *shape) *tree {
	t := new(tree)
	for _, f := range s.fields {
		if g.r.IntN(8) == 0 {
			continue
		}
		one := func() *tree {
			if f.inner != nil {
				return g.spread(f.inner)
			}
			return pick(g.r, f.entries).near()
		}
		if chance := g.r.IntN(8); chance == 0 || f.inner == nil && chance < 6 {
			t.put(f.name, one())
			continue
		}
		items := list()
		for range g.r.IntN(5) {
			item := one()
			switch g.r.IntN(12) {
			case 0:
				item = list(item, one())
			case 1:
				item = scalar("1")
			}
			items.members = append(items.members, item)
		}
		t.put(f.name, items)
	}
	return t
}

// oddNames has empty names, dots at the ends and repeated names.
func oddNames(g *generator, name string) sample {
	names := []string{"", ".", "a.", ".a", "a..b", "a", "b", "$or", "a.b", "..", "x"}
	p := new(tree)
	for range 1 + g.r.IntN(3) {
		v := list(g.simple("").entries[0].test)
		switch n := pick(g.r, names); g.r.IntN(3) {
		case 0:
			p.put(n, pair(pick(g.r, names), v))
		default:
			p.put(n, v)
		}
	}
	s := sample{kinds: []string{name}, pattern: p, text: p.write(g.r)}
	for range recordsPerPattern {
		t := new(tree)
		for i := range p.names {
			t.put(p.names[i], g.likeOdd(p.members[i], names))
		}
		if g.r.IntN(2) == 0 {
			t.put(pick(g.r, names), pair(pick(g.r, names), scalar(string("123"[g.r.IntN(3)]))))
		}
		s.records = append(s.records, t.write(g.r))
	}
	return s
}

func (g *generator) likeOdd(p *tree, names []string) *tree {
	if p.list {
		return pick(g.r, []*tree{p.members[0], p, scalar("2")})
	}
	n := p.names[0]
	if g.r.IntN(5) == 0 {
		n = pick(g.r, names)
	}
	return pair(n, g.likeOdd(p.members[0], names))
}

// mutated damages a good pattern in one or two places; many are refused then.
func mutated(g *generator, name string) sample {
	s := g.finish([]string{name}, pick(g.r, []*shape{g.shape(2, 2), g.or(2), {fields: []*field{g.leaf([]operator{pick(g.r, g.ops)})}}}))
	s.pattern = s.pattern.clone()
	for range 1 + g.r.IntN(2) {
		g.damage(pick(g.r, s.pattern.nodes()))
	}
	if s.pattern.list || s.pattern.text != "" {
		s.pattern = pair("a", s.pattern)
	}
	s.text = s.pattern.write(g.r)
	return s
}

var spares = []string{`{}`, `[]`, `null`, `true`, `5`, `"x"`, `""`, `["x"]`, `[5]`, `["x",5]`, `[null]`, `[["x"]]`, `{"prefix":"a"}`, `[{"prefix":"a"}]`, `[{}]`,
	`{"a":["x"]}`, `[{"a":["x"]}]`, `[{"a":["x"]},{"b":["x"]}]`, `">"`, `"="`, `[">",1]`, `[">",1,"<",2]`, `"10.0.0.0/8"`, `"a**"`, `"\\"`, `9007199254740993`, `1e400`}

var spareNames = []string{"$or", "prefix", "suffix", "numeric", "exists", "anything-but", "wildcard", "cidr", "equals-ignore-case", "exactly", "a", "", "regex", "=", "bogus"}

func (g *generator) damage(n *tree) {
	switch choice := g.r.IntN(5); {
	case choice == 0 && len(n.members) > 0: // leave one out
		at := g.r.IntN(len(n.members))
		n.members = append(n.members[:at], n.members[at+1:]...)
		if !n.list {
			n.names = append(n.names[:at], n.names[at+1:]...)
		}
	case choice == 1 && len(n.members) > 0: // one twice
		at := g.r.IntN(len(n.members))
		n.members = append(n.members, n.members[at])
		if !n.list {
			n.names = append(n.names, n.names[at])
		}
	case choice <= 3 && len(n.names) > 0: // another name
		n.names[g.r.IntN(len(n.names))] = pick(g.r, spareNames)
	case choice == 4 && len(n.members) > 0: // one more
		n.members = append(n.members, scalar(pick(g.r, spares)))
		if !n.list {
			n.names = append(n.names, pick(g.r, spareNames))
		}
	default:
		*n = tree{text: pick(g.r, spares)}
	}
}

// format has records that do not fit the pattern's format.
func format(g *generator, name string) sample {
	s := g.finish([]string{name}, g.shape(1, 2))
	for i, rec := range s.records {
		switch g.r.IntN(6) {
		case 0:
			s.records[i] = rec[:g.r.IntN(len(rec))]
		case 1:
			s.records[i] = "[" + rec + "]"
		case 2:
			s.records[i] = pick(g.r, words)
		case 3:
			s.records[i] = g.anything().text
		case 4:
			s.records[i] = rec + pick(g.r, []string{"x", "}", ",", " {}", " \n"})
		}
	}
	return s
}
