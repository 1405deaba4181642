package compare

import (
	"hash/maphash"

	"gantry/plan"
)

// pairing gives what a record is paired by.
type pairing struct {
	output plan.Output
	seed   maphash.Seed
	field  []part
	known  map[uint64]bool // places of values that belong to the field
	sum    uint64
	found  bool
}

func newPairing(o plan.Output) *pairing {
	p := &pairing{output: o, seed: maphash.MakeSeed(), known: map[uint64]bool{}}
	if o.Pair == plan.PairValue {
		p.field, _ = parts(o.Field) // a fault leaves every record unpaired, which is shown
	}
	return p
}

// of gives a print of what pairs a record; false where it has nothing of the kind.
func (p *pairing) of(o *output, rules *rules) (uint64, bool) {
	r := &o.Record
	switch p.output.Pair {
	case plan.PairHeader:
		return p.header(r, p.output.Field)
	case plan.PairValue:
		return p.value(o, rules)
	case plan.PairSource:
		return p.source(r)
	}
	return p.key(r.Key), true
}

func (p *pairing) key(key []byte) uint64 {
	if key == nil {
		return 1
	}
	return maphash.Bytes(p.seed, key)
}

// header takes the last of a name, as most clients do.
func (p *pairing) header(r *Record, name string) (uint64, bool) {
	for i := len(r.Headers) - 1; i >= 0; i-- {
		if h := &r.Headers[i]; h.Key == name && h.Value != nil {
			return maphash.Bytes(p.seed, h.Value), true
		}
	}
	return 0, false
}

// source takes gantry-source-topic, -partition and -offset, which a function of kind kafka
// writes, or gantry-topic, -partition and -offset, which dead letters have; with a field,
// FIELD-topic, -partition and -offset only.
func (p *pairing) source(r *Record) (uint64, bool) {
	prefixes := []string{"gantry-source", "gantry"}
	if p.output.Field != "" {
		prefixes = []string{p.output.Field}
	}
	for _, prefix := range prefixes {
		topic, ok := p.header(r, prefix+"-topic")
		partition, also := p.header(r, prefix+"-partition")
		offset, too := p.header(r, prefix+"-offset")
		if ok && also && too {
			return mix(mix(topic, partition), offset), true
		}
	}
	return 0, false
}

// value takes what lies at the field's path: 1 and 1.0 are one, null is nothing. It makes
// the prints of the record on the way, as reading a value is most of the work.
func (p *pairing) value(o *output, r *rules) (uint64, bool) {
	p.sum, p.found = 0, false
	if p.field == nil || o.Value == nil {
		return 0, false
	}
	r.printer = printer{rules: r}
	r.walk(o, &pairingPrinter{&r.printer, p})
	o.full, o.kept, o.version, o.each = r.printer.full, r.printer.kept, r.version, nil
	return p.sum, p.found
}

// pairingPrinter sums, and looks for the field that pairs.
type pairingPrinter struct {
	*printer
	pairing *pairing
}

func (p *pairingPrinter) undo() {
	p.printer.undo()
	p.pairing.sum, p.pairing.found = 0, false
}

func (p *pairingPrinter) leaf(s *scanner, place, content uint64, raw []byte) {
	p.printer.leaf(s, place, content, raw)
	p.pairing.leaf(s, place, content)
}

func (p *pairing) leaf(s *scanner, place, content uint64) {
	inside, ok := p.known[place]
	if !ok {
		if len(p.known) >= mostPlaces {
			clear(p.known)
		}
		inside = covers(p.field, s.path)
		p.known[place] = inside
	}
	if inside && content != 'n' {
		p.sum += mix(place, content)
		p.found = true
	}
}
