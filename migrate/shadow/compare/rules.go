package compare

import (
	"fmt"
	"hash/maphash"
	"strings"

	"gantry/plan"
)

// rule leaves something out of the comparison.
type rule struct {
	path    string
	why     string
	parts   []part
	outside string // key, partition, header:NAME or header:*, in place of parts
	learned bool   // a mask; else an ignore rule of the plan
	count   int64  // pairs in which it differed
}

func (r *rule) covers(path []step) bool { return r.outside == "" && covers(r.parts, path) }

// beyond says that the rule leaves out a place outside the value.
func (r *rule) beyond(place string) bool {
	return r.outside == place || r.outside == pathHeader+"*" && strings.HasPrefix(place, pathHeader)
}

const (
	mostMasks  = 1000
	mostPlaces = 1 << 16 // that are remembered with the rule for them
)

// rules are what is left out of the records of one topic. They grow while masks are
// learned, and then everything that was made by them is made again (version).
type rules struct {
	scanner        scanner
	printer        printer
	headers        map[string]*outside // name → place
	all            []*rule
	version        int
	full           bool             // no more masks are taken
	known          map[uint64]*rule // place → its rule, nil where it has none
	key, partition *outside
	outside        map[string]*rule // likewise for places outside the value
	faults         []plan.Uncovered
	pair           plan.Pair
	placed         bool // partitions are compared as well
}

func newRules(p plan.Plan, o plan.Output) *rules {
	r := &rules{pair: o.Pair, headers: map[string]*outside{}, scanner: scanner{seed: maphash.MakeSeed()}}
	r.key, r.partition = r.beside(pathKey), r.beside(pathPartition)
	for _, i := range p.Ignore {
		if i.Topic != "" && i.Topic != o.Topic {
			continue
		}
		made, err := outsideOrParts(i.Path)
		if err != nil {
			r.faults = append(r.faults, plan.Uncovered{What: "ignore: " + i.Path, Why: fmt.Sprintf("%v; it ignores nothing", err)})
			continue
		}
		made.why = i.Why
		r.all = append(r.all, made)
	}
	r.forget()
	return r
}

func outsideOrParts(path string) (*rule, error) {
	if path == pathKey || path == pathPartition || strings.HasPrefix(path, pathHeader) {
		return &rule{path: path, outside: path}, nil
	}
	p, err := parts(path)
	return &rule{path: path, parts: p}, err
}

func (r *rules) forget() {
	r.version++
	r.known, r.outside = map[uint64]*rule{}, map[string]*rule{}
}

// learn masks a path from now on.
func (r *rules) learn(mask *rule) {
	if len(r.all) >= mostMasks {
		r.full = true
		return
	}
	mask.learned = true
	r.all = append(r.all, mask)
	r.forget()
}

// at is the rule that leaves out a leaf of the value, or nil.
func (r *rules) at(place uint64, path []step) *rule {
	if len(r.all) == 0 {
		return nil
	}
	found, ok := r.known[place]
	if ok {
		return found
	}
	for _, rule := range r.all {
		if rule.covers(path) {
			found = rule
			break
		}
	}
	if len(r.known) >= mostPlaces {
		clear(r.known)
	}
	r.known[place] = found
	return found
}

// beyond is the rule that leaves out a place outside the value, or nil.
func (r *rules) beyond(place string) *rule {
	if len(r.all) == 0 {
		return nil
	}
	found, ok := r.outside[place]
	if ok {
		return found
	}
	for _, rule := range r.all {
		if rule.beyond(place) {
			found = rule
			break
		}
	}
	if len(r.outside) >= mostPlaces {
		clear(r.outside)
	}
	r.outside[place] = found
	return found
}
