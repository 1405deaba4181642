package ruler

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// operator makes entries for a field's list, and values that lie near them.
type operator struct {
	name string
	make func(g *generator) entry
}

type entry struct {
	test *tree
	near func() *tree
}

var words = []string{
	"", "a", "ab", "abc", "ABC", "Abc", "abcabc", "b", "bc", "xyz", "x.log", "log", "a*b", `a\b`, `a"b`, `"`, `ab"`, "*", `\`,
	"é", "É", "café", "CAFÉ", "straße", "STRASSE", "ß", "ŉ", "ǆ", "İ", "ς", "Σ", "日本", "日本語", "Ω", "a b", "line\nbreak", "\x00", "/", "true", "null", "1", "300",
	"10.0.0.1", "::1", "ab\tc", "N", "$or", "😀", "a😀b", "\uffff", "\ue000",
}

// plain are the words without characters beyond 16 bits, which the Ruler mistakes
// where it ignores case (TestKnownDifferences).
func (g *generator) plain() string {
	for {
		if w := g.word(); !strings.Contains(w, "😀") {
			return w
		}
	}
}

func (g *generator) word() string {
	w := pick(g.r, words)
	if g.r.IntN(4) == 0 {
		w += pick(g.r, words)
	}
	return w
}

func (g *generator) str(s string) *tree { return scalar(quote(g.r, s)) }

// op is {"name": v}.
func op(name string, v *tree) *tree { return pair(name, v) }

func operators() []operator {
	return []operator{
		{"exact string", func(g *generator) entry { w := g.word(); return entry{g.str(w), g.around(w)} }},
		{"empty string", func(g *generator) entry { return entry{g.str(""), g.around("")} }},
		{"exact number", func(g *generator) entry { n := g.number(); return entry{scalar(n), g.aroundNumber(n)} }},
		{"exact word", func(g *generator) entry {
			return entry{scalar(pick(g.r, []string{"true", "false", "null"})), func() *tree {
				return scalar(pick(g.r, []string{"true", "false", "null", `"true"`, `"null"`, "0"}))
			}}
		}},
		{"exactly", func(g *generator) entry { w := g.word(); return entry{op("exactly", g.str(w)), g.around(w)} }},
		{"exists true", func(g *generator) entry { return entry{op("exists", scalar("true")), g.anything} }},
		{"exists false", func(g *generator) entry { return entry{op("exists", scalar("false")), g.anything} }},
		{"prefix", func(g *generator) entry { w := g.word(); return entry{op("prefix", g.str(w)), g.around(w)} }},
		{"suffix", func(g *generator) entry { w := g.word(); return entry{op("suffix", g.str(w)), g.around(w)} }},
		{"prefix equals-ignore-case", func(g *generator) entry {
			w := g.plain()
			return entry{op("prefix", op("equals-ignore-case", g.str(w))), g.around(w)}
		}},
		{"suffix equals-ignore-case", func(g *generator) entry {
			w := g.plain()
			return entry{op("suffix", op("equals-ignore-case", g.str(w))), g.around(w)}
		}},
		{"equals-ignore-case", func(g *generator) entry {
			w := g.plain()
			return entry{op("equals-ignore-case", g.str(w)), g.around(w)}
		}},
		{"wildcard", func(g *generator) entry { w, like := g.wildcard(); return entry{op("wildcard", g.str(w)), like} }},
		{"numeric =", numericOne("=")}, {"numeric <", numericOne("<")}, {"numeric <=", numericOne("<=")},
		{"numeric >", numericOne(">")}, {"numeric >=", numericOne(">=")}, {"numeric range", numericRange},
		{"cidr v4", func(g *generator) entry { return g.cidr(g.ip4, 32) }},
		{"cidr v6", func(g *generator) entry { return g.cidr(g.ip6, 128) }},
		{"address", func(g *generator) entry {
			ip := pick(g.r, []func() string{g.ip4, g.ip6})()
			return entry{g.str(ip), g.oneOf(g.str(ip), g.str(g.ip4()), g.str(g.ip6()), g.str("0"+ip))}
		}},
		{"anything-but string", func(g *generator) entry { w := g.word(); return entry{op("anything-but", g.str(w)), g.around(w)} }},
		{"anything-but number", func(g *generator) entry {
			n := g.number()
			return entry{op("anything-but", scalar(n)), g.aroundNumber(n)}
		}},
		{"anything-but list of strings", func(g *generator) entry {
			v, like := g.oneOrMore(g.word, true)
			return entry{op("anything-but", v), like}
		}},
		{"anything-but list of numbers", func(g *generator) entry {
			v := list()
			for range 1 + g.r.IntN(3) {
				v.members = append(v.members, scalar(g.number()))
			}
			return entry{op("anything-but", v), g.aroundNumber(pick(g.r, v.members).text)}
		}},
		{"anything-but prefix", anythingBut("prefix", (*generator).word)},
		{"anything-but suffix", anythingBut("suffix", (*generator).word)},
		{"anything-but equals-ignore-case", anythingBut("equals-ignore-case", (*generator).plain)},
		{"anything-but wildcard", func(g *generator) entry {
			var like func() *tree
			v, _ := g.oneOrMore(func() string { w, l := g.wildcard(); like = l; return w }, false)
			return entry{op("anything-but", op("wildcard", v)), like}
		}},
	}
}

func anythingBut(name string, word func(*generator) string) func(*generator) entry {
	return func(g *generator) entry {
		v, like := g.oneOrMore(func() string { return word(g) }, false)
		return entry{op("anything-but", op(name, v)), like}
	}
}

func numericOne(sign string) func(*generator) entry {
	return func(g *generator) entry {
		n := g.number()
		return entry{op("numeric", list(g.str(sign), scalar(n))), g.aroundNumber(n)}
	}
}

func numericRange(g *generator) entry {
	low, high := g.number(), g.number()
	if l, _ := strconv.ParseFloat(low, 64); g.r.IntN(8) > 0 {
		if h, _ := strconv.ParseFloat(high, 64); h < l {
			low, high = high, low
		}
	}
	v := list(g.str(pick(g.r, []string{">", ">="})), scalar(low), g.str(pick(g.r, []string{"<", "<="})), scalar(high))
	return entry{op("numeric", v), g.aroundNumber(pick(g.r, []string{low, high}))}
}

// oneOrMore is a string or a list of strings, and values near one of them.
func (g *generator) oneOrMore(word func() string, always bool) (*tree, func() *tree) {
	w := word()
	if !always && g.r.IntN(2) == 0 {
		return g.str(w), g.around(w)
	}
	v := list(g.str(w))
	for range g.r.IntN(3) {
		v.members = append(v.members, g.str(word()))
	}
	return v, g.around(w)
}

// around gives strings like w, and other things.
func (g *generator) around(w string) func() *tree {
	return func() *tree {
		other := pick(g.r, words)
		switch g.r.IntN(12) {
		case 0, 1, 2:
			return g.str(w)
		case 3:
			return g.str(strings.ToUpper(w))
		case 4:
			return g.str(strings.ToLower(w))
		case 5, 6:
			return g.str(w + other)
		case 7, 8:
			return g.str(other + w)
		case 9:
			return g.str(other)
		case 10:
			return g.str(strings.ToLower(other) + strings.ToUpper(w))
		}
		return g.anything()
	}
}

func (g *generator) aroundNumber(n string) func() *tree {
	return func() *tree {
		switch g.r.IntN(10) {
		case 0, 1:
			return scalar(n)
		case 2, 3:
			return scalar(g.respell(n))
		case 4:
			return g.str(n)
		case 5:
			return g.anything()
		}
		return scalar(g.number())
	}
}

// anything is any scalar.
func (g *generator) anything() *tree {
	switch g.r.IntN(4) {
	case 0:
		return scalar(g.number())
	case 1:
		return scalar(pick(g.r, []string{"true", "false", "null"}))
	}
	return g.str(g.word())
}

func (g *generator) oneOf(all ...*tree) func() *tree {
	return func() *tree { return pick(g.r, all) }
}

func (g *generator) number() string {
	if g.r.IntN(3) > 0 {
		return strconv.Itoa(g.r.IntN(12) - 4)
	}
	return pick(g.r, g.numbers)
}

// respell writes the same number in another way.
func (g *generator) respell(n string) string {
	sign, digits := "", n
	if rest, ok := strings.CutPrefix(n, "-"); ok {
		sign, digits = "-", rest
	}
	if strings.ContainsAny(digits, ".eE") {
		if strings.ContainsAny(digits, "eE") {
			return strings.Replace(strings.Replace(n, "e+", "e", 1), "e", "E", 1)
		}
		return n + pick(g.r, []string{"0", "e0", "E+0", "00e-0"})
	}
	switch g.r.IntN(4) {
	case 0:
		return n + ".0"
	case 1:
		return sign + digits[:1] + "." + digits[1:] + "0e" + strconv.Itoa(len(digits)-1)
	case 2:
		return n + "0e-1"
	}
	return sign + "0." + digits + "E" + strconv.Itoa(len(digits))
}

// wildcard is a pattern, and strings like it.
func (g *generator) wildcard() (string, func() *tree) {
	var w strings.Builder
	var parts []string
	for i := range 1 + g.r.IntN(4) {
		if i > 0 || g.r.IntN(2) == 0 {
			w.WriteByte('*')
			parts = append(parts, "*")
		}
		part := pick(g.r, words)
		if part == "" {
			part = "x"
		}
		w.WriteString(strings.NewReplacer("*", `\*`, `\`, `\\`).Replace(part))
		parts = append(parts, part)
	}
	if g.r.IntN(2) == 0 {
		w.WriteByte('*')
		parts = append(parts, "*")
	}
	return w.String(), func() *tree {
		if g.r.IntN(5) == 0 {
			return g.around(strings.Join(parts, ""))()
		}
		var s strings.Builder
		for _, p := range parts {
			switch {
			case p == "*":
				s.WriteString(pick(g.r, words))
			case g.r.IntN(10) > 0:
				s.WriteString(p)
			}
		}
		return g.str(s.String())
	}
}

func (g *generator) ip4() string {
	octet := func() int { return pick(g.r, []int{0, 1, 10, 15, 16, 127, 192, 255, g.r.IntN(256)}) }
	s := fmt.Sprintf("%d.%d.%d.%d", octet(), octet(), octet(), octet())
	if g.r.IntN(10) == 0 {
		s = "0" + s
	}
	return s
}

func (g *generator) ip6() string {
	if g.r.IntN(4) == 0 {
		return pick(g.r, []string{"::", "::1", "1::", "2001:db8::1", "2001:DB8:0:0:0:0:0:1", "::ffff:a00:1", "00001::", "1:2:3:4:5:6:7:8", "fe80::1:2", "a00::1", "1::2:3:4:5:6:7:8", "1:2:3:4:5:6:7::"})
	}
	groups := make([]string, 8)
	for i := range groups {
		groups[i] = strconv.FormatInt(int64(pick(g.r, []int{0, 1, 0xa00, 0x2001, 0xffff, g.r.IntN(1 << 16)})), 16)
	}
	if n := g.r.IntN(7); n > 0 {
		at := g.r.IntN(8 - n)
		return strings.Join(groups[:at], ":") + "::" + strings.Join(groups[at+n:], ":")
	}
	return strings.Join(groups, ":")
}

func (g *generator) cidr(address func() string, bits int) entry {
	ip, mask := address(), g.r.IntN(bits)
	switch g.r.IntN(12) {
	case 0:
		mask = pick(g.r, []int{-1, 8 * bits, bits})
	case 1, 2, 3, 4, 5, 6, 7:
		mask = g.r.IntN(17)
	}
	near := func() *tree {
		switch g.r.IntN(8) {
		case 0, 1:
			return g.str(ip)
		case 2, 3:
			cut := strings.LastIndexAny(ip, ".:")
			return g.str(ip[:cut+1] + strconv.Itoa(g.r.IntN(10)))
		case 4:
			return g.str(g.ip6())
		case 5:
			return g.anything()
		}
		return g.str(g.ip4())
	}
	return entry{op("cidr", g.str(ip+"/"+strconv.Itoa(mask))), near}
}

func pick[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }
