package filter

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"gantry/mapping"
)

// Pattern is one compiled FilterCriteria pattern.
type Pattern struct {
	source  string
	objects []alternative // for values that are JSON objects
	plain   []test        // for values that are plain strings; nil = it is an object pattern
}

// Compile reads one whole FilterCriteria pattern, such as
// {"value":{"total":[{"numeric":[">",100]}]}}. The error names every fault with the
// place it is at.
func Compile(pattern string) (*Pattern, error) {
	p, found := compile(pattern)
	return p, errors.Join(found...)
}

func compile(pattern string) (*Pattern, faults) {
	var found faults
	if n := utf8.RuneCountInString(pattern); n > mapping.MaxPatternLen {
		found.add("pattern", "%d characters, at most %d are allowed", n, mapping.MaxPatternLen)
		return nil, found
	}
	root, err := parse(pattern)
	if err != nil {
		found.add("pattern", "%v", err)
		return nil, found
	}
	p := &Pattern{source: pattern}
	p.compile(root, &found)
	if len(found) > 0 {
		return nil, found
	}
	return p, nil
}

func (p *Pattern) String() string { return p.source }

// field compiles what a pattern says about one field of the record.
type field func(p *Pattern, n *node, at string, f *faults)

// fields are the fields of a record a pattern may name. A field joins by its line
// here, its part of Pattern, and its step in Set.Decide.
func fields() map[string]field { return map[string]field{"value": compileValue} }

// notYet are fields of a record people try to filter on. AWS filters on value only.
func notYet(name string) bool {
	switch name {
	case "key", "headers", "topic", "partition", "offset", "timestamp":
		return true
	}
	return false
}

func (p *Pattern) compile(root *node, f *faults) {
	if root.kind != objectNode || len(root.members) == 0 {
		f.add("pattern", `must be an object with the field "value", such as {"value": {"total": [100]}}`)
		return
	}
	known, seen := fields(), map[string]bool{}
	for _, m := range root.members {
		compileField, ok := known[m.name]
		switch {
		case seen[m.name]:
			f.add(m.name, "given twice")
		case ok:
			compileField(p, m.value, m.name, f)
		case m.name == "$or":
			f.add(m.name, `not allowed beside "value", put it inside: {"value": {"$or": [...]}}`)
		case notYet(m.name):
			f.add(m.name, `a Kafka filter tests "value" only`)
		default:
			f.add(m.name, `unknown field, a Kafka filter tests "value"; fields of the value belong inside it: {"value": {...}}`)
		}
		seen[m.name] = true
	}
}

func compileValue(p *Pattern, n *node, at string, f *faults) {
	switch n.kind {
	case objectNode:
		p.objects = compileObject(n, at, f)
	case listNode:
		p.plain = compileTests(n, at, strictOr, f)
	default:
		f.add(at, "must be an object (for JSON values) or a list (for plain strings)")
	}
}

// faults collects what is wrong with a pattern, each with its place.
type faults []error

func (f *faults) add(at, format string, args ...any) {
	*f = append(*f, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...)))
}
