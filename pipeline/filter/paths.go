package filter

import (
	"slices"
	"strings"
)

// paths is the set of paths that a Set's conditions name, as a tree of their steps. A
// path is numbered by its place in the order of names, so a condition's paths ascend.
type paths struct {
	root  *step
	count int
	empty bool // an empty name counts as a step
}

// step is where a part of a path leads.
type step struct {
	path  int32 // the path that ends here, -1 = none
	steps map[string]*step
}

// index numbers the paths of all conditions.
func index(all []alternative) *paths {
	var names []string
	for _, a := range all {
		for _, c := range a {
			names = append(names, c.name)
		}
	}
	slices.SortFunc(names, compareNames)
	names = slices.Compact(names)
	p := &paths{root: &step{path: -1}, count: len(names)}
	for i, name := range names {
		p.add(name, int32(i))
	}
	for _, a := range all {
		for i := range a {
			at, _ := slices.BinarySearchFunc(names, a[i].name, compareNames)
			a[i].path = int32(at)
		}
	}
	return p
}

func (p *paths) add(name string, number int32) {
	// Java's split, which the Event Ruler uses to note the steps it needs, leaves out
	// empty ones at the end; an empty name in a record counts only where it is noted.
	noted := strings.Split(strings.TrimRight(name, "."), ".")
	p.empty = p.empty || name == "" || strings.Trim(name, ".") != "" && slices.Contains(noted, "")
	at := p.root
	for part := range strings.SplitSeq(name, ".") {
		next := at.steps[part]
		if next == nil {
			next = &step{path: -1}
			if at.steps == nil {
				at.steps = map[string]*step{}
			}
			at.steps[part] = next
		}
		at = next
	}
	at.path = number
}

// down follows one name of a record, which may itself contain dots.
func (p *paths) down(at *step, name []byte) *step {
	if len(name) == 0 && !p.empty {
		return nil
	}
	for i, c := range name {
		if c != '.' {
			continue
		}
		if at = at.steps[string(name[:i])]; at == nil {
			return nil
		}
		return p.rest(at, name[i+1:])
	}
	return at.steps[string(name)]
}

func (p *paths) rest(at *step, name []byte) *step {
	for part := range strings.SplitSeq(string(name), ".") {
		if at = at.steps[part]; at == nil {
			return nil
		}
	}
	return at
}
