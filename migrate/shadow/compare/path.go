package compare

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// part is one part of a rule's path.
type part struct {
	name  string
	index int
	kind  partKind
}

type partKind int

const (
	aName partKind = iota
	anIndex
	anyName
	anyIndex
)

// parts reads a path: total, lines[2].price, lines[*].id, meta.*, meta["a.b"], $ for the
// whole value. A leading $. may stand before any.
func parts(path string) ([]part, error) {
	rest := strings.TrimPrefix(path, "$")
	out := []part{}
	for first := len(rest) == len(path); rest != ""; first = false {
		p, after, err := firstPart(rest, first)
		if err != nil {
			return nil, fmt.Errorf("%q is no path (total, lines[2].price, lines[*].id, meta.*, meta[\"a.b\"], $): %w", path, err)
		}
		out, rest = append(out, p), after
	}
	if path == "" {
		return nil, errors.New("an empty path names nothing: $ is the whole value")
	}
	return out, nil
}

// firstPart takes the first part off a path.
func firstPart(text string, first bool) (part, string, error) {
	if text[0] == '[' {
		return bracket(text)
	}
	if !first {
		if text[0] != '.' {
			return part{}, "", fmt.Errorf("want . or [ before %q", text)
		}
		text = text[1:]
	}
	end := strings.IndexAny(text, ".[")
	if end < 0 {
		end = len(text)
	}
	switch name := text[:end]; name {
	case "":
		return part{}, "", errors.New("a name is missing")
	case "*":
		return part{kind: anyName}, text[end:], nil
	default:
		return part{name: name}, text[end:], nil
	}
}

// bracket reads [2], [*] or ["name"].
func bracket(text string) (part, string, error) {
	if quoted, err := strconv.QuotedPrefix(text[1:]); err == nil {
		name, err := strconv.Unquote(quoted)
		after, closed := strings.CutPrefix(text[1+len(quoted):], "]")
		if err != nil || !closed {
			return part{}, "", fmt.Errorf("%q is not closed", text)
		}
		return part{name: name}, after, nil
	}
	inside, after, closed := strings.Cut(text[1:], "]")
	if inside == "*" && closed {
		return part{kind: anyIndex}, after, nil
	}
	n, err := strconv.Atoi(inside)
	if err != nil || n < 0 || !closed {
		return part{}, "", fmt.Errorf("want [2], [*] or [\"name\"] at %q", text)
	}
	return part{kind: anIndex, index: n}, after, nil
}

// covers says that a leaf at path is at the rule's path or below it.
func covers(rule []part, path []step) bool {
	if len(rule) > len(path) {
		return false
	}
	for i, p := range rule {
		s := &path[i]
		switch {
		case (p.kind == aName || p.kind == anyName) != (s.name != nil):
			return false
		case p.kind == aName && p.name != string(s.name), p.kind == anIndex && p.index != s.index:
			return false
		}
	}
	return true
}

// wide makes a rule of a path that covers it at every index.
func wide(path []step) []part {
	out := make([]part, len(path))
	for i, s := range path {
		out[i] = part{name: string(s.name)}
		if s.name == nil {
			out[i] = part{kind: anyIndex}
		}
	}
	return out
}

// write writes a path, with [*] for each index where it is to stand for all of them.
func write(path []step, everywhere bool) string {
	if len(path) == 0 {
		return "$"
	}
	var b strings.Builder
	for i, s := range path {
		switch {
		case s.name == nil && everywhere:
			b.WriteString("[*]")
		case s.name == nil:
			fmt.Fprintf(&b, "[%d]", s.index)
		case len(s.name) == 0 || string(s.name) == "*" || bytes.ContainsAny(s.name, ".[]$\"") || i == 0 && reserved(s.name):
			fmt.Fprintf(&b, "[%q]", s.name)
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.Write(s.name)
		}
	}
	return b.String()
}

// The places outside the value.
const (
	pathKey       = "key"
	pathPartition = "partition"
	pathHeader    = "header:"
	pathOther     = "…other" // what differs in a way that was not kept apart
)

// reserved says that a member of the value has the name of a place outside it.
func reserved(name []byte) bool {
	return string(name) == pathKey || string(name) == pathPartition || bytes.HasPrefix(name, []byte(pathHeader))
}
