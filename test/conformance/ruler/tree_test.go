package ruler

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf16"
)

// tree is JSON text with its order and its repeated names, which both mean something
// in a pattern.
type tree struct {
	text    string // a scalar as written, "" otherwise
	list    bool
	names   []string // of an object's members
	members []*tree  // an object's members or a list's items
}

func scalar(text string) *tree        { return &tree{text: text} }
func list(items ...*tree) *tree       { return &tree{list: true, members: items} }
func pair(name string, v *tree) *tree { return &tree{names: []string{name}, members: []*tree{v}} }

func (t *tree) put(name string, v *tree) {
	t.names = append(t.names, name)
	t.members = append(t.members, v)
}

// write gives the text, with names escaped and white space strewn at random.
func (t *tree) write(r *rand.Rand) string {
	var b strings.Builder
	t.writeTo(&b, r)
	return b.String()
}

func (t *tree) writeTo(b *strings.Builder, r *rand.Rand) {
	if t.text != "" {
		b.WriteString(t.text)
		return
	}
	open, closing := "{", "}"
	if t.list {
		open, closing = "[", "]"
	}
	b.WriteString(open)
	for i, m := range t.members {
		if i > 0 {
			b.WriteByte(',')
		}
		if r.IntN(20) == 0 {
			b.WriteString(" \n\t"[:1+r.IntN(3)])
		}
		if !t.list {
			b.WriteString(quote(r, t.names[i]) + ":")
		}
		m.writeTo(b, r)
	}
	b.WriteString(closing)
}

// quote writes a JSON string, now and then with more escapes than it needs.
func quote(r *rand.Rand, s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c < ' ' || r.IntN(12) == 0:
			for _, unit := range utf16.Encode([]rune{c}) {
				const digits = "0123456789abcdef"
				b.WriteString(`\u`)
				for shift := 12; shift >= 0; shift -= 4 {
					b.WriteByte(digits[unit>>shift&15])
				}
			}
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// expand gives the pattern once for each way to choose one alternative of every $or
// and one entry of every other list.
func (t *tree) expand() []*tree {
	if t.text != "" {
		return []*tree{t}
	}
	if t.list {
		var all []*tree
		for _, m := range t.members {
			all = append(all, list(m))
		}
		return all
	}
	all := []*tree{{}}
	for i, m := range t.members {
		all = join(all, ways(t.names[i], m))
	}
	return all
}

// ways are the objects a member may become.
func ways(name string, m *tree) []*tree {
	var all []*tree
	if name == "$or" && m.list && len(m.members) > 1 && len(m.members[0].names) > 0 {
		for _, item := range m.members {
			all = append(all, item.expand()...)
		}
		return all
	}
	for _, w := range m.expand() {
		all = append(all, pair(name, w))
	}
	return all
}

func join(befores, afters []*tree) []*tree {
	var all []*tree
	for _, b := range befores {
		for _, a := range afters {
			all = append(all, &tree{names: slices.Concat(b.names, a.names), members: slices.Concat(b.members, a.members)})
		}
	}
	return all
}

// nodes lists all places of a tree.
func (t *tree) nodes() []*tree {
	all := []*tree{t}
	for _, m := range t.members {
		all = append(all, m.nodes()...)
	}
	return all
}

func (t *tree) clone() *tree {
	c := &tree{text: t.text, list: t.list, names: append([]string(nil), t.names...)}
	for _, m := range t.members {
		c.members = append(c.members, m.clone())
	}
	return c
}

func valid(text string) bool { return json.Valid([]byte(text)) }
