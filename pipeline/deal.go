package pipeline

import (
	"hash/crc32"
	"time"

	"gantry/mapping"
	"gantry/pipeline/batch"
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
		if t.shape != want && !t.closed && !p.reshape(t, want) {
			continue
		}
		switch {
		case t.waiting.Len() == 0 || t.closed:
		case !t.several():
			p.dealOne(t)
		case t.shape.Order == mapping.OrderNone:
			p.dealToFree(t)
		default:
			p.dealByKey(t)
		}
	}
}

// reshape gives a partition other lanes, if it has nothing in hand. What waits in the
// queues of the old ones is taken back first.
func (p *Pipeline) reshape(t *partition, want mapping.Lanes) bool {
	t.gather()
	for _, l := range t.lanes {
		if l.flight != nil || len(l.left) > 0 {
			return false
		}
	}
	t.open(want)
	if !t.several() {
		t.span = span{most: t.span.most}
	}
	p.reorder()
	return true
}

// gather takes the queues of all lanes back, in order of offset.
func (t *partition) gather() {
	queues := make([]*batch.Queue, 0, len(t.lanes)+1)
	for _, l := range t.lanes {
		if l.queue.Len() > 0 {
			queues = append(queues, &l.queue)
		}
	}
	if len(queues) == 0 {
		return
	}
	for _, l := range t.lanes {
		l.held -= l.queued()
	}
	t.waiting = batch.Merge(append(queues, &t.waiting))
	for _, q := range queues {
		q.Clear()
	}
}

// dealOne gives everything to the only lane.
func (p *Pipeline) dealOne(t *partition) {
	l := t.lanes[0]
	for t.waiting.Len() > 0 {
		records, arrived := t.waiting.Next(t.waiting.Len())
		l.queue.Push(records, arrived)
		l.held += weight(records)
	}
}

// dealToFree fills the queues of lanes that have nothing in hand up to a batch each. What
// is not taken waits for whichever lane is free next, so nothing stands behind a record
// that fails.
func (p *Pipeline) dealToFree(t *partition) {
	for _, l := range t.lanes {
		if l.flight != nil || len(l.left) > 0 {
			continue
		}
		for room := p.set.Mapping.BatchSize - l.queue.Len(); room > 0; room = p.set.Mapping.BatchSize - l.queue.Len() {
			records, arrived := t.next(min(room, dealtAtOnce))
			if len(records) == 0 {
				return
			}
			l.queue.Push(records, arrived)
			l.held += weight(records)
		}
	}
}

// dealByKey gives each record to the lane of its key.
func (p *Pipeline) dealByKey(t *partition) {
	var slots [dealtAtOnce]uint16
	ends := make([]int, len(t.lanes))
	for {
		records, arrived := t.next(dealtAtOnce)
		if len(records) == 0 {
			return
		}
		// A counting sort: stable, and one slab for all lanes.
		clear(ends)
		for i := range records {
			slots[i] = slotOf(&records[i], len(t.lanes))
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
			if l := t.lanes[slot]; end > begin {
				l.queue.Push(sorted[begin:end:end], arrived)
				l.held += weight(sorted[begin:end])
			}
			begin = end
		}
	}
}

// next takes at most limit of the records that wait, as many as the span has room for,
// and notes that they are dealt out. A run is of one poll.
func (t *partition) next(limit int) ([]record.Record, time.Time) {
	if t.waiting.Len() == 0 || !t.span.room() {
		return nil, time.Time{}
	}
	n, bytes := t.span.fit(t.waiting.Front(), limit)
	records, arrived := t.waiting.Next(n)
	t.span.deal(records[0].Offset, records[n-1].Offset, int64(n), bytes)
	return records, arrived
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

// reorder puts the lanes of all partitions into one stable order.
func (p *Pipeline) reorder() {
	p.order = p.order[:0]
	for _, t := range p.parts {
		p.order = append(p.order, t.lanes...)
	}
	for i, l := range p.order {
		l.at = i
	}
	p.next = 0
}
