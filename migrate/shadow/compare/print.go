package compare

import (
	"bytes"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"gantry/plan"
	"gantry/record"
)

// output is one record with what was made of it.
type output struct {
	Record
	early bool // written before the run began

	version int    // of the rules the prints were made by; 0 = not made
	full    uint64 // stands for everything in it
	kept    uint64 // for what is not left out
	each    []uint64
}

// own are the headers by which gantry itself says where a record comes from; no old
// service writes them.
func own(header string) bool { return strings.HasPrefix(header, "gantry-source-") }

// identical says that two records have the same bytes, which needs no reading of them.
func (r *rules) identical(a, b *output) bool {
	return (a.Value == nil) == (b.Value == nil) && bytes.Equal(a.Value, b.Value) && (!r.placed || a.Partition == b.Partition) &&
		(a.Key == nil) == (b.Key == nil) && bytes.Equal(a.Key, b.Key) &&
		slices.EqualFunc(a.Headers, b.Headers, func(x, y record.Header) bool {
			return x.Key == y.Key && (x.Value == nil) == (y.Value == nil) && bytes.Equal(x.Value, y.Value)
		})
}

// equal says that two records differ in nothing that is compared.
func (r *rules) equal(a, b *output) bool {
	if r.identical(a, b) {
		return true
	}
	r.print(a)
	r.print(b)
	return a.kept == b.kept
}

// whole says that they differ in nothing at all.
func (r *rules) whole(a, b *output) bool {
	if r.identical(a, b) {
		return true
	}
	r.print(a)
	r.print(b)
	return a.full == b.full
}

// print makes the prints of a record. A print is a sum over the places of the record, so
// the order in which an object has its members does not count. That two records which
// differ have the same 64 bits is as likely as a wrong bit in memory.
func (r *rules) print(o *output) {
	if o.version == r.version {
		return
	}
	p := &r.printer
	*p = printer{rules: r}
	r.walk(o, p)
	o.full, o.kept, o.version, o.each = p.full, p.kept, r.version, nil
}

// walk tells to every place of a record.
func (r *rules) walk(o *output, to walker) {
	if r.pair != plan.PairKey {
		to.beyond(r.key, 0, o.Key)
	}
	if r.placed {
		to.beyond(r.partition, 0, strconv.AppendInt(nil, int64(o.Partition), 10))
	}
	for i, h := range o.Headers {
		if !own(h.Key) {
			to.beyond(r.header(h.Key), nth(o.Headers[:i], h.Key), h.Value)
		}
	}
	to.begin()
	switch {
	case o.Value == nil:
	case r.scanner.scan(o.Value, to):
		return
	}
	to.undo()
	content := uint64('-') // a tombstone is not an empty value
	if o.Value != nil {
		content = r.scanner.hash('b', o.Value)
	}
	r.scanner.path = r.scanner.path[:0]
	to.leaf(&r.scanner, root, content, o.Value)
}

// outside is a place outside the value.
type outside struct {
	path string
	hash uint64
}

// header is the place of a header.
func (r *rules) header(name string) *outside {
	place, known := r.headers[name]
	if !known {
		if len(r.headers) >= mostPlaces {
			clear(r.headers)
		}
		place = r.beside(pathHeader + name)
		r.headers[name] = place
	}
	return place
}

func (r *rules) beside(path string) *outside {
	return &outside{path, maphash.String(r.scanner.seed, path)}
}

// nth counts the headers of the same name: they are compared one by one.
func nth(before []record.Header, name string) (n uint64) {
	for _, h := range before {
		if h.Key == name {
			n++
		}
	}
	return n
}

// walker takes what walk finds. What came between begin and undo is not JSON after all.
type walker interface {
	visitor
	beyond(place *outside, nth uint64, content []byte)
	begin()
	undo()
}

// printer sums.
type printer struct {
	rules              *rules
	full, kept         uint64
	fullMark, keptMark uint64
}

func (p *printer) begin() { p.fullMark, p.keptMark = p.full, p.kept }
func (p *printer) undo()  { p.full, p.kept = p.fullMark, p.keptMark }

func (p *printer) leaf(s *scanner, place, content uint64, _ []byte) {
	h := mix(place, content)
	p.full += h
	if p.rules.at(place, s.path) == nil {
		p.kept += h
	}
}

func (p *printer) beyond(place *outside, nth uint64, content []byte) {
	h := p.rules.outsideHash(place, nth, content)
	p.full += h
	if p.rules.beyond(place.path) == nil {
		p.kept += h
	}
}

func (r *rules) outsideHash(place *outside, nth uint64, content []byte) uint64 {
	h := mix(place.hash, nth)
	if content == nil {
		return mix(h, '-')
	}
	return mix(h, r.scanner.hash('b', content))
}

// lister keeps what printer sums of what is compared.
type lister struct {
	printer
	each []uint64
	mark int
}

func (l *lister) begin() { l.mark = len(l.each) }
func (l *lister) undo()  { l.each = l.each[:l.mark] }

func (l *lister) leaf(s *scanner, place, content uint64, _ []byte) {
	if l.rules.at(place, s.path) == nil {
		l.each = append(l.each, mix(place, content))
	}
}

func (l *lister) beyond(place *outside, nth uint64, content []byte) {
	if l.rules.beyond(place.path) == nil {
		l.each = append(l.each, l.rules.outsideHash(place, nth, content))
	}
}

// apart is the share of the places in which two records differ, from 0 to 1.
func (r *rules) apart(a, b *output) float64 {
	x, y := r.places(a), r.places(b)
	most := max(len(x), len(y))
	if most == 0 {
		return 0
	}
	common := 0
	for i, j := 0, 0; i < len(x) && j < len(y); {
		switch {
		case x[i] == y[j]:
			common, i, j = common+1, i+1, j+1
		case x[i] < y[j]:
			i++
		default:
			j++
		}
	}
	return 1 - float64(common)/float64(most)
}

func (r *rules) places(o *output) []uint64 {
	r.print(o)
	if o.each == nil {
		l := lister{printer: printer{rules: r}, each: make([]uint64, 0, 16)}
		r.walk(o, &l)
		slices.Sort(l.each)
		o.each = l.each
	}
	return o.each
}
