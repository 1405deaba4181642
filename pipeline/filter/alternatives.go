package filter

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
)

// maxAlternatives bounds what several $or multiply to, as EventBridge does.
const maxAlternatives = 1000

// maxFields is the Event Ruler's bound for the fields of one alternative.
const maxFields = 256

// alternative is a pattern without $or: all its fields must pass. They are ordered as
// the Event Ruler orders them, because exists:false looks only at the array elements
// that the fields before it chose.
type alternative []condition

// condition asks that one value at a path passes one test, or that there is none.
type condition struct {
	name   string // the path, joined with dots
	path   int32  // its number in the Set
	tests  []test
	absent bool // exists:false is one of the tests
}

// orMode says how $or is read.
type orMode uint8

const (
	strictOr orMode = iota // a list of alternatives
	insideOr               // the same, within one: names of operators are no field names there
	plainOr                // a field that is called $or, as it was before the operator came
)

// compileObject turns a pattern for JSON objects into alternatives. A pattern that is
// wrong is read once more with $or as an ordinary field: the Event Ruler does so for
// rules older than the operator, with the operators of that time.
func compileObject(n *node, at string, f *faults) []alternative {
	var found faults
	c := objectCompiler{faults: &found}
	c.object(n, nil, at, strictOr)
	if len(found) > 0 && usesOr(n) {
		var older faults
		plain := objectCompiler{faults: &older}
		plain.object(n, nil, at, plainOr)
		if all := plain.finish(at); len(older) == 0 {
			return all
		}
	}
	all := c.finish(at)
	*f = append(*f, found...)
	return all
}

func usesOr(n *node) bool {
	return slices.ContainsFunc(n.members, func(m member) bool { return m.name == "$or" || usesOr(m.value) })
}

// objectCompiler keeps the alternatives found so far. Every field that is read goes
// to all of them, every $or multiplies them.
type objectCompiler struct {
	open   []map[string]condition
	faults *faults
}

func (c *objectCompiler) object(n *node, path []string, at string, mode orMode) {
	if len(n.members) == 0 {
		c.faults.add(at, "must not be empty")
	}
	for _, m := range n.members {
		here := at + "." + m.name
		switch {
		case m.name == "$or" && mode != plainOr:
			c.or(m.value, path, here)
		case mode == insideOr && reserved(m.name):
			c.faults.add(here, "the name of an operator can't be a field inside $or")
		case m.value.kind == objectNode:
			c.object(m.value, append(path[:len(path):len(path)], m.name), here, mode)
		case m.value.kind == listNode:
			c.add(fieldName(path, m.name), compileTests(m.value, here, mode, c.faults))
		default:
			c.faults.add(here, "is %s, it must be an object or a list: write [%s]", m.value.kind, m.value.quoted())
		}
	}
}

// fieldName joins a path as the Event Ruler does, so that {"a.b": …} and
// {"a": {"b": …}} are the same field.
func fieldName(path []string, last string) string {
	base := strings.Join(path, ".")
	if base == "" {
		return last
	}
	return base + "." + last
}

func (c *objectCompiler) add(name string, tests []test) {
	if len(c.open) == 0 {
		c.open = []map[string]condition{{}}
	}
	cond := condition{name: name}
	for _, t := range tests {
		if _, ok := t.(absence); ok {
			cond.absent = true
		} else {
			cond.tests = append(cond.tests, t)
		}
	}
	for _, open := range c.open {
		open[name] = cond // a field given twice: the later one wins
	}
}

func (c *objectCompiler) or(n *node, path []string, at string) {
	if n.kind != listNode || len(n.items) < 2 {
		c.faults.add(at, "must be a list of at least two objects")
		return
	}
	before := c.open
	if len(before) == 0 {
		before = []map[string]condition{{}}
	}
	var after []map[string]condition
	for i, item := range n.items {
		place := indexed(at, i)
		if item.kind != objectNode {
			c.faults.add(place, "is %s, only objects are allowed here", item.kind)
			continue
		}
		c.open = nil
		for _, b := range before {
			c.open = append(c.open, maps.Clone(b))
		}
		c.object(item, path, place, insideOr)
		after = append(after, c.open...)
		if len(after) > maxAlternatives {
			c.faults.add(at, "the pattern comes to more than %d alternatives", maxAlternatives)
			after = after[:1]
			break
		}
	}
	c.open = after
}

func (c *objectCompiler) finish(at string) []alternative {
	var all []alternative
	for _, open := range c.open {
		if len(open) > maxFields {
			c.faults.add(at, "%d fields, at most %d are allowed", len(open), maxFields)
		}
		all = append(all, slices.SortedFunc(maps.Values(open), byName))
	}
	return all
}

func byName(a, b condition) int { return compareNames(a.name, b.name) }

// compareNames orders names by UTF-16 unit, as Java does.
func compareNames(a, b string) int {
	if c := slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b))); c != 0 {
		return c
	}
	return cmp.Compare(a, b)
}

// reserved are the words the Event Ruler keeps for operators of today and tomorrow.
func reserved(name string) bool {
	switch name {
	case "exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr",
		"=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case",
		"date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range",
		"ip-address-in-range", "ip-address-not-in-range":
		return true
	}
	return false
}
