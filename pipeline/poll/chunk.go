package poll

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/record"
)

// Chunk is what one poll brought of one partition: the records the filters kept, and
// how far the poll went. A chunk without records still moves Tail: filtered records and
// control records are behind it.
type Chunk struct {
	Partition record.Partition
	Records   []record.Record
	Tail      record.Offset // what to commit when everything up to here is resolved
	Bytes     int           // keys, values and headers of Records
	Polled    int           // records read, control records left out
	Filtered  int
	By        Filter // that kept them
}

// Filter says whether a record goes to a function, and with several functions notes in it to
// which. Safe for use while it is replaced; a pointer, so that two may be compared.
type Filter interface {
	Keep(r *record.Record) bool
}

// Sizer gives the bytes of a record in the encoded event.
type Sizer interface {
	Size(r *record.Record, p record.Partition) int
}

// filter is replaced by a change of the mapping while polls go on.
type filter struct {
	mu sync.RWMutex
	f  Filter
	s  Sizer
}

func (f *filter) get() (Filter, Sizer) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.f, f.s
}

// Use sets the filter and the sizer for the polls to come. A nil filter keeps everything.
func (p *Poller) Use(f Filter, s Sizer) {
	p.keep.mu.Lock()
	defer p.keep.mu.Unlock()
	p.keep.f, p.keep.s = f, s
}

// chunk converts the records of a partition. Records of a lost partition and of one
// that is not assigned any more are dropped: nothing is committed for them.
func (p *Poller) chunk(id record.Partition, fp kgo.FetchPartition) (Chunk, bool) {
	p.mu.Lock()
	part := p.parts[id]
	if part == nil || part.lost {
		p.mu.Unlock()
		return Chunk{}, false
	}
	next := part.next
	part.high = fp.HighWatermark
	p.mu.Unlock()
	if len(fp.Records) == 0 {
		return Chunk{}, false
	}
	c := p.convert(id, next, fp.Records)
	p.mu.Lock()
	part.next = c.Tail
	p.mu.Unlock()
	return c, true
}

func (p *Poller) convert(id record.Partition, next record.Offset, from []*kgo.Record) Chunk {
	keep, sizer := p.keep.get()
	c := Chunk{Partition: id, By: keep, Records: make([]record.Record, 0, len(from))}
	var headers []record.Header
	for _, r := range from {
		resume := next
		next = record.Offset{At: r.Offset + 1, Epoch: r.LeaderEpoch}
		if r.Attrs.IsControl() {
			r.Recycle()
			continue
		}
		c.Polled++
		c.Records = append(c.Records, record.Record{
			Offset: r.Offset, Epoch: r.LeaderEpoch, Resume: resume,
			Timestamp: r.Timestamp.UnixMilli(), LogAppend: r.Attrs.TimestampType() == 1,
			Key: r.Key, Value: r.Value,
		})
		out := &c.Records[len(c.Records)-1]
		if len(r.Headers) > 0 {
			out.Headers, headers = convertHeaders(headers, r.Headers)
		}
		r.Recycle()
		if keep != nil && !keep.Keep(out) {
			c.Records = c.Records[:len(c.Records)-1]
			c.Filtered++
			continue
		}
		out.Size = int32(sizer.Size(out, id))
		c.Bytes += weight(out)
	}
	c.Tail = next
	return c
}

// convertHeaders copies headers into a slab that the records of a chunk share.
func convertHeaders(slab []record.Header, from []kgo.RecordHeader) (mine, rest []record.Header) {
	if cap(slab)-len(slab) < len(from) {
		slab = make([]record.Header, 0, max(256, len(from)))
	}
	begin := len(slab)
	for _, h := range from {
		slab = append(slab, record.Header{Key: h.Key, Value: h.Value})
	}
	return slab[begin:len(slab):len(slab)], slab
}

// weight is what a record holds in memory, near enough for a budget.
func weight(r *record.Record) int {
	n := len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return n + recordOverhead
}

const recordOverhead = 128 // the record value itself

// recordPool gives the client's record values back after conversion. The bytes they
// point to stay: nothing of the client is kept but those.
type recordPool struct{ p sync.Pool }

// GetRecords implements kgo.PoolRecords.
func (r *recordPool) GetRecords(n int) []kgo.Record {
	if s, ok := r.p.Get().(*[]kgo.Record); ok && cap(*s) >= n {
		return (*s)[:0]
	}
	return make([]kgo.Record, 0, n)
}

// PutRecords implements kgo.PoolRecords.
func (r *recordPool) PutRecords(s []kgo.Record) { r.p.Put(&s) }
