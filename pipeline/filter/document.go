package filter

// document is what one record holds at the paths of a Set, and the search over it. It
// is reused, and it aliases the record it has read last.
//
// Arrays make a tree: each element that is an object or an array is an element here,
// with the element around it. A value belongs to the innermost one it is in.
type document struct {
	paths    *paths
	values   [][]occurrence // by path, in the order of the record
	count    int32          // values noted so far
	elements []element      // [0] stands for "in no array"
	arrays   []array
	decoded  []byte // strings that contained escapes

	// of the search
	chosen   []int32         // arrays with a choice
	steps    int             // left
	hopeless [maxFields]bool // by the number of conditions behind it
}

type occurrence struct {
	value
	element int32
	order   int32 // among all values noted
}

type element struct {
	parent     int32 // the element around its array
	array      int32
	begin, end int32 // the order of the first value in it, and of the first behind it
}

type array struct {
	end      int32 // the order of the first value behind it
	lastPath int32 // the highest path with a value inside its elements
	mixed    bool  // it has values beside elements
	choice   int32 // the element the search has chosen, 0 = none yet
}

func newDocument(p *paths) *document {
	return &document{paths: p, values: make([][]occurrence, p.count)}
}

func (d *document) reset() {
	for i := range d.values {
		clear(d.values[i]) // lets go of the record before
		d.values[i] = d.values[i][:0]
	}
	d.count = 0
	d.elements = append(d.elements[:0], element{})
	d.arrays = d.arrays[:0]
	d.decoded = d.decoded[:0]
	d.chosen = d.chosen[:0]
}

// read scans a record's value.
func (d *document) read(text []byte) verdict {
	d.reset()
	s := scanner{doc: d, text: text}
	return s.run()
}

func (d *document) note(path, in int32, kind valueKind, text []byte) {
	d.values[path] = append(d.values[path], occurrence{value{kind: kind, text: text}, in, d.count})
	d.count++
	for e := in; e != 0; e = d.elements[e].parent {
		a := &d.arrays[d.elements[e].array]
		a.lastPath = max(a.lastPath, path)
	}
}

func (d *document) openArray() int32 {
	d.arrays = append(d.arrays, array{lastPath: -1})
	return int32(len(d.arrays) - 1)
}

func (d *document) openElement(a, in int32) int32 {
	d.elements = append(d.elements, element{parent: in, array: a, begin: d.count})
	return int32(len(d.elements) - 1)
}
