// Package encode writes the event a function is invoked with, byte-compatible with the
// one AWS Lambda's Kafka event source mapping sends.
//
// Flow: the batcher adds up sizes while records wait (arithmetic, no bytes are made),
// and once a batch goes out Append writes it into a buffer the caller reuses.
//
// Invariant, held by a property test: for any batch
//
//	len(Append(nil, b)) == Base()
//	    + Σ PartOverhead(p, first)   for each partition in it, first true once
//	    + Σ Size(record, p)          for each record
//	    + 1 comma                    for each record of a partition after its first
//
// Chosen where AWS is silent or was only observed: a null key or value is a missing
// member and an empty one is ""; a null header value is [], because AWS's own readers
// (Powertools) refuse a null there; member order is that of AWS's documented sample;
// text is escaped as encoding/json does without its HTML escapes.
package encode

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"gantry/record"
)

// Envelope is what all events of a mapping have in common.
type Envelope struct {
	EventSource    string // mapping.SelfManagedType or mapping.MSKType
	EventSourceARN string // left out when empty, as AWS does for a self-managed source
	Bootstrap      string // host:port, comma-joined
}

// Decoration adds members to each record's object, for example schema metadata. Size
// must be exactly what Append appends, which is nothing or members that each begin
// with a comma. Neither may keep the record. Safe for use by many goroutines.
type Decoration interface {
	Size(r *record.Record, p record.Partition) int
	Append(dst []byte, r *record.Record, p record.Partition) []byte
}

// Encoder writes the events of one mapping. Safe for use by many goroutines.
type Encoder struct {
	head        []byte // up to and with "records":{
	decorations []Decoration

	mu    sync.Mutex // held by those who add to parts
	parts atomic.Pointer[map[record.Partition]*Part]
}

const tail = "}}"

// New prepares the constant parts of the events of one mapping.
func New(e Envelope, decorations ...Decoration) *Encoder {
	head := appendText([]byte(`{"eventSource":`), e.EventSource)
	if e.EventSourceARN != "" {
		head = appendText(append(head, `,"eventSourceArn":`...), e.EventSourceARN)
	}
	head = appendText(append(head, `,"bootstrapServers":`...), e.Bootstrap)
	enc := &Encoder{head: append(head, `,"records":{`...), decorations: decorations}
	enc.parts.Store(&map[record.Partition]*Part{})
	return enc
}

// Base is the size of an event without records.
func (e *Encoder) Base() int { return len(e.head) + len(tail) }

// PartOverhead is what the list of one partition adds besides its records: its name,
// its brackets, and a comma unless it is the first of the event.
func (e *Encoder) PartOverhead(p record.Partition, first bool) int {
	return e.Part(p).Overhead(first)
}

// Size is the size of one record's object, without the comma before it.
func (e *Encoder) Size(r *record.Record, p record.Partition) int { return e.Part(p).Size(r) }

// Part gives the prepared encoder of one partition. It may be kept as long as e: a
// caller that sizes many records of a partition saves the look-up.
func (e *Encoder) Part(p record.Partition) *Part {
	if part := (*e.parts.Load())[p]; part != nil {
		return part
	}
	return e.add(p)
}

// add copies the table, so that readers need no lock; a mapping meets each of its
// partitions once.
func (e *Encoder) add(p record.Partition) *Part {
	e.mu.Lock()
	defer e.mu.Unlock()
	if part := (*e.parts.Load())[p]; part != nil {
		return part
	}
	grown := maps.Clone(*e.parts.Load())
	grown[p] = newPart(p, e.decorations)
	e.parts.Store(&grown)
	return grown[p]
}

// BatchSize is the exact size of a batch's event.
func (e *Encoder) BatchSize(b *record.Batch) int {
	return e.measure(b, func(p *Part, r *record.Record) int { return p.Size(r) })
}

// Append appends the event of b to dst. Partitions come in the order of b.Parts. Lanes of
// one partition share its list, for a JSON object must not repeat a name, and their records
// are in order of offset there, as AWS has them.
func (e *Encoder) Append(dst []byte, b *record.Batch) []byte {
	dst = slices.Grow(dst, e.measure(b, knownSize))
	dst = append(dst, e.head...)
	slots := hasSlots(b)
	for i := range b.Parts {
		if slots && !leads(b, i) {
			continue
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		p := e.Part(b.Parts[i].Lane.Of())
		dst = append(dst, p.name...)
		if slots {
			dst = p.appendMerged(dst, b.Parts[i:])
		} else {
			dst = p.appendRecords(dst, b.Parts[i].Records)
		}
		dst = append(dst, ']')
	}
	return append(dst, tail...)
}

// measure adds up an event with the given size of a record.
func (e *Encoder) measure(b *record.Batch, size func(*Part, *record.Record) int) int {
	n, slots := e.Base(), hasSlots(b)
	for i := range b.Parts {
		p := e.Part(b.Parts[i].Lane.Of())
		if slots && !leads(b, i) {
			n++ // the comma between the records of two lanes
		} else {
			n += p.Overhead(i == 0)
		}
		n += len(b.Parts[i].Records) - 1
		for j := range b.Parts[i].Records {
			n += size(p, &b.Parts[i].Records[j])
		}
	}
	return n
}

// knownSize trusts a size the batcher has noted: here it only decides how much room
// is made, and a wrong one costs a copy.
func knownSize(p *Part, r *record.Record) int {
	if r.Size > 0 {
		return int(r.Size)
	}
	return p.Size(r)
}

// hasSlots says whether two lanes of b may be of one partition.
func hasSlots(b *record.Batch) bool {
	return slices.ContainsFunc(b.Parts, func(p record.Part) bool { return p.Lane.Slot != 0 })
}

// leads says whether the i-th part is the first of its partition.
func leads(b *record.Batch, i int) bool {
	for j := range i {
		if b.Parts[j].Lane.Of() == b.Parts[i].Lane.Of() {
			return false
		}
	}
	return true
}
