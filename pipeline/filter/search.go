package filter

import "sort"

// maxSteps bounds the search in one record. Only records with several large arrays
// that a pattern ties together come near it.
const maxSteps = 1_000_000

// search looks for an alternative all of whose conditions pass.
func (d *document) search(all []alternative) Reason {
	d.steps = maxSteps
	for _, a := range all {
		clear(d.hopeless[:])
		if d.holds(a) {
			return Matched
		}
	}
	if d.steps < 0 {
		return TooManyChoices
	}
	return NotMatched
}

// holds tries the conditions in their order. What failed while no choice made before
// could bear on it fails for every choice, and is not tried twice.
func (d *document) holds(rest alternative) bool {
	if len(rest) == 0 {
		return true
	}
	free := !d.bound(rest[0].path)
	if free && d.hopeless[len(rest)-1] {
		return false
	}
	c := &rest[0]
	if c.absent && !d.present(d.values[c.path]) && d.holds(rest[1:]) || d.takes(c, rest[1:]) {
		return true
	}
	d.hopeless[len(rest)-1] = free
	return false
}

// takes gives a condition one value after the other that passes and does not contradict
// the array elements chosen before, until the rest holds as well.
func (d *document) takes(c *condition, rest alternative) bool {
	values := d.values[c.path]
	failed := int32(-1)
	for i := 0; i < len(values); {
		if d.steps--; d.steps < 0 {
			return false
		}
		o := &values[i]
		if wrong := d.contradicts(o.element); wrong != 0 {
			i = d.behind(values, i, wrong)
			continue
		}
		i++
		// Two values that leave the later conditions the same choice fail alike.
		choice := d.relevant(o.element, c.path)
		if choice == failed || !passesOne(c.tests, &o.value) {
			continue
		}
		mark := d.choose(choice)
		found := d.holds(rest)
		d.unchoose(mark)
		if found {
			return true
		}
		failed = choice
	}
	return false
}

// bound says whether an array with values at this path or a later one has an element
// chosen.
func (d *document) bound(path int32) bool {
	for _, a := range d.chosen {
		if d.arrays[a].lastPath >= path {
			return true
		}
	}
	return false
}

// present says whether a condition's path has a value beside the elements chosen.
func (d *document) present(values []occurrence) bool {
	for i := 0; i < len(values); {
		wrong := d.contradicts(values[i].element)
		if wrong == 0 {
			return true
		}
		d.steps--
		i = d.behind(values, i, wrong)
	}
	return false
}

// contradicts gives the outermost element around e whose array has another element
// chosen, or 0.
func (d *document) contradicts(e int32) int32 {
	wrong := int32(0)
	for ; e != 0; e = d.elements[e].parent {
		if choice := d.arrays[d.elements[e].array].choice; choice != 0 && choice != e {
			wrong = e
		}
	}
	return wrong
}

// behind gives the next value worth a look when value i lies in the wrong element: the
// first in the chosen element, or the first behind the array.
func (d *document) behind(values []occurrence, i int, wrong int32) int {
	a := &d.arrays[d.elements[wrong].array]
	next := d.elements[wrong].end
	if chosen := &d.elements[a.choice]; !a.mixed {
		next = a.end
		if d.elements[wrong].end <= chosen.begin {
			next = chosen.begin
		}
	}
	return i + sort.Search(len(values)-i, func(j int) bool { return values[i+j].order >= next })
}

// relevant gives the innermost element around e whose array also holds values of later
// conditions: choosing further inside binds none of them.
func (d *document) relevant(e, path int32) int32 {
	for e != 0 && d.arrays[d.elements[e].array].lastPath <= path {
		e = d.elements[e].parent
	}
	return e
}

// choose binds the arrays around e to the elements e is in. unchoose takes it back.
func (d *document) choose(e int32) (mark int) {
	mark = len(d.chosen)
	for ; e != 0; e = d.elements[e].parent {
		if a := d.elements[e].array; d.arrays[a].choice == 0 {
			d.arrays[a].choice = e
			d.chosen = append(d.chosen, a)
		}
	}
	return mark
}

func (d *document) unchoose(mark int) {
	for _, a := range d.chosen[mark:] {
		d.arrays[a].choice = 0
	}
	d.chosen = d.chosen[:mark]
}
