package batch_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/pipeline/batch"
	"gantry/pipeline/encode"
	"gantry/record"
)

// A queue against a plain slice: whatever is pushed and taken, the same records come
// out in the same order, and Fit says what a walk over them says.
func TestQueueIsAList(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(5, 6))
	var q batch.Queue
	var model []record.Record
	next := int64(0)
	for range 20_000 {
		if draw.IntN(2) == 0 {
			var slab []record.Record
			for range draw.IntN(6) {
				slab = append(slab, record.Record{Offset: next, Size: draw.Int32N(50), Timestamp: draw.Int64N(100)})
				next++
			}
			model = append(model, slab...)
			q.Push(slab, time.Unix(next, 0))
		} else if len(model) > 0 {
			n := 1 + draw.IntN(min(7, len(model)))
			require.Equal(t, model[:n], q.Take(n))
			model = append([]record.Record(nil), model[n:]...)
		}
		require.Equal(t, len(model), q.Len())
		if len(model) == 0 {
			continue
		}
		require.Equal(t, model[0].Offset, q.Head().Offset)
		limit, room := 1+draw.IntN(10), draw.IntN(300)
		n, bytes := q.Fit(limit, room)
		wantN, wantBytes := walk(model, limit, room)
		require.Equal(t, []int{wantN, wantBytes}, []int{n, bytes})
		old := false
		for _, r := range model[:min(limit, len(model))] {
			old = old || r.Timestamp < 20
		}
		require.Equal(t, old, q.Older(limit, 20))
	}
}

func walk(rs []record.Record, limit, room int) (n, bytes int) {
	for _, r := range rs {
		size := int(r.Size)
		if n > 0 {
			size++
		}
		if n == limit || bytes+size > room {
			break
		}
		n, bytes = n+1, bytes+size
	}
	return n, bytes
}

// Two records whose event is exactly the payload limit go together; one byte more and
// they don't. The same byte decides whether a record alone is oversize.
func TestThePayloadLimitIsExact(t *testing.T) {
	t.Parallel()
	enc := encode.New(encode.Envelope{EventSource: "SelfManagedKafka", Bootstrap: "b:9092"})
	id := record.Partition{Topic: "orders"}
	limits := batch.Limits{Size: 100, Payload: function.MaxPayload}
	for _, count := range []int{1, 2} {
		for _, over := range []int{0, 1} {
			records := fill(enc, id, count, function.MaxPayload+over)
			b := &record.Batch{Parts: []record.Part{{Lane: record.Lane{Topic: id.Topic}, Records: records}}}
			require.Len(t, enc.Append(nil, b), function.MaxPayload+over)
			var q batch.Queue
			q.Push(records, time.Now())
			n, full, oversize := batch.Alone(limits, enc, id, &q)
			require.Equal(t, count-over, n)
			require.Equal(t, over == 1 && count == 2, full)
			require.Equal(t, over == 1 && count == 1, oversize)
		}
	}
}

// fill makes records whose event is exactly total bytes: the value grows by base64's
// steps of four, a header name makes up the rest.
func fill(enc *encode.Encoder, id record.Partition, count, total int) []record.Record {
	records := make([]record.Record, count)
	size := func() int {
		sum := enc.Base() + enc.PartOverhead(id, true) + count - 1
		for i := range records {
			records[i].Offset = int64(i)
			records[i].Size = int32(enc.Size(&records[i], id))
			sum += int(records[i].Size)
		}
		return sum
	}
	last := &records[count-1]
	last.Headers = []record.Header{{Key: "h", Value: []byte{1}}}
	last.Value = []byte{}
	last.Value = make([]byte, (total-size())/4*3)
	for size() < total {
		last.Headers[0].Key += "h"
	}
	return records
}

type flat struct{}

func (flat) Base() int                               { return 0 }
func (flat) PartOverhead(record.Partition, bool) int { return 0 }

// The open batch reserves and takes nothing; it closes by count, by a record that does
// not fit, or by the window of its oldest record.
func TestOpenReservesUntilItIsFull(t *testing.T) {
	t.Parallel()
	queue := func(n int, at int64) *batch.Queue {
		q := new(batch.Queue)
		var rs []record.Record
		for range n {
			rs = append(rs, record.Record{Size: 10})
		}
		q.Push(rs, time.Unix(at, 0))
		return q
	}
	o := batch.NewOpen(batch.Limits{Size: 5, Payload: 1000, Window: time.Second}, flat{})
	a, b := queue(2, 50), queue(4, 40)
	require.False(t, o.Add(0, record.Partition{}, a))
	require.Equal(t, time.Unix(51, 0), o.Due())
	require.True(t, o.Add(1, record.Partition{Index: 1}, b))
	require.Equal(t, time.Unix(41, 0), o.Due(), "the oldest record's window")
	require.Equal(t, []batch.Share{{Index: 0, Count: 2}, {Index: 1, Count: 3}}, o.Shares())
	require.Equal(t, []int{2, 4}, []int{a.Len(), b.Len()})

	o = batch.NewOpen(batch.Limits{Size: 100, Payload: 25, Window: time.Second}, flat{})
	require.False(t, o.Add(0, record.Partition{}, queue(2, 1)))
	require.True(t, o.Add(1, record.Partition{Index: 1}, queue(1, 1)), "nothing of it fits")
	require.Len(t, o.Shares(), 1)
}
