package compare

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"unicode/utf8"

	"gantry/plan"
)

// change is one place in which two records differ.
type change struct {
	plan.SampleLine
	wide string // the path with [*] for its indices
	mask *rule  // that would leave it out everywhere; nil for a whole value
	rule *rule  // that leaves it out
}

// spot is one place of a record, as a lister of all of them remembers it.
type spot struct {
	place, content uint64
	outside        string
	from, to       int // of the path
	raw            []byte
	json           bool
}

// spotter lists every place of a record.
type spotter struct {
	rules *rules
	path  []step
	spots []spot
	mark  int
	inner bool
}

func (p *spotter) begin() { p.mark, p.inner = len(p.spots), true }
func (p *spotter) undo()  { p.spots, p.inner = p.spots[:p.mark], false }

func (p *spotter) leaf(s *scanner, place, content uint64, raw []byte) {
	from := len(p.path)
	p.path = append(p.path, s.path...)
	p.spots = append(p.spots, spot{place: place, content: content, from: from, to: len(p.path), raw: raw, json: p.inner})
}

func (p *spotter) beyond(place *outside, nth uint64, content []byte) {
	p.spots = append(p.spots, spot{
		place: p.rules.outsideHash(place, nth, []byte{}), content: p.rules.outsideHash(place, nth, content), outside: place.path, raw: content,
	})
}

// diff lists where two records differ, what is left out as well, in the order of the first.
func (r *rules) diff(a, b *output) []change {
	left, right := spotter{rules: r}, spotter{rules: r}
	r.walk(a, &left)
	r.walk(b, &right)
	here, there := left.index(), right.index()
	var out []change
	for i := range left.spots {
		l := &left.spots[i]
		j, both := there[l.place]
		switch {
		case here[l.place] != i: // a member twice in one object: the last counts
		case !both:
			out = append(out, left.change(l, l, nil))
		case l.content != right.spots[j].content || l.json != right.spots[j].json:
			out = append(out, left.change(l, l, &right.spots[j]))
		}
	}
	for j := range right.spots {
		r := &right.spots[j]
		if _, both := here[r.place]; !both && there[r.place] == j {
			out = append(out, right.change(r, nil, r))
		}
	}
	if len(out) == 0 {
		out = append(out, change{SampleLine: plan.SampleLine{Path: "$", Old: shown(a.Value), New: shown(b.Value)}, wide: "$"})
	}
	return out
}

func (p *spotter) index() map[uint64]int {
	out := make(map[uint64]int, len(p.spots))
	for i := range p.spots {
		out[p.spots[i].place] = i
	}
	return out
}

// change makes a change of a place that p knows.
func (p *spotter) change(at, l, r *spot) change {
	c := change{SampleLine: plan.SampleLine{Path: at.outside, Old: l.text(), New: r.text()}, wide: at.outside}
	if at.outside != "" {
		c.rule, c.mask = p.rules.beyond(at.outside), &rule{path: at.outside, outside: at.outside}
		return c
	}
	path := p.path[at.from:at.to]
	c.Path, c.wide = write(path, false), write(path, true)
	c.rule = p.rules.at(at.place, path)
	if len(path) > 0 {
		c.mask = &rule{path: c.wide, parts: wide(path)}
	}
	return c
}

// text is the content as JSON, cut where it is long; "" where it is not there.
func (s *spot) text() string {
	switch {
	case s == nil:
		return ""
	case s.json && s.outside == "":
		return short(string(s.raw))
	}
	return shown(s.raw)
}

// shown is bytes as JSON: themselves where they are JSON, else a text.
func shown(b []byte) string {
	switch {
	case b == nil:
		return ""
	case utf8.Valid(b) && json.Valid(b):
		return short(string(b))
	}
	text, err := json.Marshal(asText(b))
	if err != nil {
		return "" // a text always has a form
	}
	return short(string(text))
}

// asText is bytes as text where they are text, else base64:….
func asText(b []byte) string {
	if utf8.Valid(b) && !slices.ContainsFunc(b, func(c byte) bool { return c < ' ' && c != '\n' && c != '\t' && c != '\r' }) {
		return string(b)
	}
	return "base64:" + base64.StdEncoding.EncodeToString(b)
}

const mostShown = 200 // bytes of a field

func short(text string) string {
	if len(text) <= mostShown {
		return text
	}
	cut := mostShown
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
