package pipeline

import (
	"hash/crc32"

	"gantry/mapping"
	"gantry/record"
)

// dealtAtOnce is how many records share a mark of the span.
const dealtAtOnce = 256

// deal gives the records that wait to the lanes of their partition, as far as the
// uncommitted span has room. Where the mapping's lanes have changed, new ones are made
// once nothing of the old ones is in hand: a record behind one of its key that is still
// at work would overtake it.
func (p *Pipeline) deal() {
	want := p.set.Mapping.Lanes.InForce()
	for _, t := range p.parts {
		if t.fan {
			p.spread(t)
		}
		for _, r := range t.readers {
			if r.shape != want && !t.closed && !p.reshape(r, want) {
				continue
			}
			switch {
			case r.waiting.Len() == 0 || t.closed:
			case len(r.lanes) == 1:
				r.dealOne()
			case r.shape.Order == mapping.OrderNone:
				p.dealToFree(r)
			default:
				r.dealByKey()
			}
		}
	}
}

// reshape gives a function other lanes in a partition, if it has nothing in hand. What waits
// in the queues of the old ones is taken back first.
func (p *Pipeline) reshape(r *reader, want mapping.Lanes) bool {
	r.gather()
	if r.inHand() {
		return false
	}
	r.open(want)
	if t := r.of; !t.several() {
		t.span = span{most: t.span.most}
	}
	p.reorder()
	return true
}

// dealOne gives everything to the only lane.
func (r *reader) dealOne() {
	l := r.lanes[0]
	for r.waiting.Len() > 0 {
		records, arrived := r.waiting.Next(r.waiting.Len())
		l.queue.Push(records, arrived)
		l.held += weight(records)
	}
}

// dealToFree fills the queues of lanes that have nothing in hand up to a batch each. What
// is not taken waits for whichever lane is free next, so nothing stands behind a record
// that fails.
func (p *Pipeline) dealToFree(r *reader) {
	for _, l := range r.lanes {
		if l.flight != nil || len(l.left) > 0 {
			continue
		}
		for room := p.set.Mapping.BatchSize - l.queue.Len(); room > 0; room = p.set.Mapping.BatchSize - l.queue.Len() {
			records, arrived := r.next(min(room, dealtAtOnce))
			if len(records) == 0 {
				return
			}
			l.queue.Push(records, arrived)
			l.held += weight(records)
		}
	}
}

// dealByKey gives each record to the lane of its key.
func (r *reader) dealByKey() {
	var slots [dealtAtOnce]uint16
	ends := make([]int, len(r.lanes))
	for {
		records, arrived := r.next(dealtAtOnce)
		if len(records) == 0 {
			return
		}
		// A counting sort: stable, and one slab for all lanes.
		clear(ends)
		for i := range records {
			slots[i] = slotOf(&records[i], len(r.lanes))
			ends[slots[i]]++
		}
		sum := 0
		for slot, n := range ends {
			ends[slot] = sum
			sum += n
		}
		sorted := make([]record.Record, len(records))
		for i := range records {
			sorted[ends[slots[i]]] = records[i]
			ends[slots[i]]++
		}
		begin := 0
		for slot, end := range ends {
			if l := r.lanes[slot]; end > begin {
				l.queue.Push(sorted[begin:end:end], arrived)
				l.held += weight(sorted[begin:end])
			}
			begin = end
		}
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// slotOf is the lane of a record: that of its key's hash. A record without a key has no
// order to keep; its offset spreads such records evenly. The hash must have nothing in
// common with murmur2, by which Kafka's clients choose the partition: all keys of a
// partition agree in that.
func slotOf(r *record.Record, lanes int) uint16 {
	if r.Key == nil {
		return uint16(r.Offset % int64(lanes))
	}
	h := crc32.Checksum(r.Key, castagnoli)
	// CRC is linear: neighbours differ in few bits until they are mixed (murmur3's finalizer).
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	h ^= h >> 16
	return uint16(uint64(h) * uint64(lanes) >> 32)
}

// reorder puts the lanes of each function in all partitions into one stable order.
func (p *Pipeline) reorder() {
	for _, t := range p.parts {
		for _, r := range t.readers {
			r.by.order = r.by.order[:0]
		}
	}
	for _, c := range p.consumers {
		c.order, c.next = c.order[:0], 0
	}
	for _, t := range p.parts {
		for l := range t.lanes() {
			l.at = len(l.by.order)
			l.by.order = append(l.by.order, l)
		}
	}
}
