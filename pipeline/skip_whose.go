package pipeline

import (
	"fmt"
	"slices"
	"strings"
)

// meant is the reader of the function that a skip is about: the one it names, or the one
// whose lanes stand on the records.
func (t *partition) meant(s *Skip) (*reader, error) {
	var standing []*reader
	var names []string
	for _, r := range t.readers {
		if s.Function == r.by.Name {
			return r, nil
		}
		names = append(names, r.by.Name)
		if slices.ContainsFunc(r.holding(s), (*lane).stands) {
			standing = append(standing, r)
		}
	}
	switch {
	case s.Function != "":
		return nil, fmt.Errorf("%s: %w; it has %s", s.Function, ErrNoFunction, strings.Join(names, ", "))
	case len(standing) > 1:
		names = nil
		for _, r := range standing {
			names = append(names, r.by.Name)
		}
		return nil, fmt.Errorf("%w: %s", ErrWhichFunction, strings.Join(names, ", "))
	case len(standing) == 1:
		return standing[0], nil
	}
	for _, r := range t.readers { // none stands on them: what is said is why not
		if slices.ContainsFunc(r.lanes, (*lane).stands) {
			return r, nil
		}
	}
	return t.readers[0], nil
}

// stands says that the lane does not get on.
func (l *lane) stands() bool { return l.blocked != "" || !l.since.IsZero() }

// holding gives the lanes that hold named records, and flies says whether one of them has
// work in flight, whose answer may change everything.
func (r *reader) holding(s *Skip) []*lane {
	var out []*lane
	for _, l := range r.lanes {
		for rec := range l.all() {
			if s.names(rec.Offset) {
				out = append(out, l)
				break
			}
		}
	}
	return out
}

func (r *reader) flies(s *Skip) bool {
	return slices.ContainsFunc(r.holding(s), func(l *lane) bool { return l.flight != nil })
}
