package encode

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gantry/record"
)

// batch draws a batch of one to five lanes; some share a partition.
func batch(r *rand.Rand) record.Batch {
	var b record.Batch
	topic := text(r, 1+r.IntN(20))
	offset := r.Int64N(1 << r.IntN(60))
	for lane := range 1 + r.IntN(5) {
		part := record.Part{Lane: record.Lane{Topic: topic, Partition: int32(r.IntN(3)), Slot: int32(lane)}}
		for range 1 + r.IntN(6) {
			offset += 1 + r.Int64N(1000)
			part.Records = append(part.Records, random(r, offset))
		}
		b.Parts = append(b.Parts, part)
	}
	return b
}

func random(r *rand.Rand, offset int64) record.Record {
	rec := record.Record{
		Offset: offset, Timestamp: r.Int64N(1<<r.IntN(45)) - 1,
		Key: octets(r, 40), Value: octets(r, 300), LogAppend: r.IntN(2) == 0,
	}
	for range r.IntN(4) {
		rec.Headers = append(rec.Headers, record.Header{Key: text(r, r.IntN(12)), Value: octets(r, 20)})
	}
	return rec
}

// octets draws nil, an empty or a random value.
func octets(r *rand.Rand, limit int) []byte {
	if r.IntN(4) == 0 {
		return nil
	}
	b := make([]byte, r.IntN(limit))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// text draws letters, controls, quotes, runes and bytes that are not UTF-8.
func text(r *rand.Rand, length int) string {
	alphabet := []string{"a", "Z", "-", ".", "_", `"`, `\`, "\n", "\x00", "\x7f", "<", "é", "語", "\u2028", "\U0001f680", "\xff", "\xe8\xaa", "\ufffd"}
	s := ""
	for range length {
		s += alphabet[r.IntN(len(alphabet))]
	}
	return s
}

// uniform is a batch of one lane with values of one size, as a benchmark reads them.
func uniform(records, size int) record.Batch {
	part := record.Part{Lane: orders(3)}
	for i := range records {
		value := make([]byte, size)
		for j := range value {
			value[j] = byte(i * j)
		}
		part.Records = append(part.Records, record.Record{
			Offset: int64(1_000_000 + i), Timestamp: 1767225600123, Key: []byte("order-42"), Value: value,
		})
	}
	return record.Batch{Parts: []record.Part{part}}
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{100, 1000} {
		for _, n := range []int{100, 1000} {
			b.Run(fmt.Sprintf("%dx%dB", n, size), func(b *testing.B) {
				batch := uniform(n, size)
				enc := New(selfManaged)
				p := enc.Part(batch.Parts[0].Lane.Of())
				for i := range batch.Parts[0].Records { // as the batcher has noted them
					batch.Parts[0].Records[i].Size = int32(p.Size(&batch.Parts[0].Records[i]))
				}
				buffer := enc.Append(nil, &batch)
				b.SetBytes(int64(len(buffer)))
				b.ReportAllocs()
				for b.Loop() {
					buffer = enc.Append(buffer[:0], &batch)
				}
			})
		}
	}
}

func BenchmarkSize(b *testing.B) {
	batch := uniform(1, 1000)
	r, p := &batch.Parts[0].Records[0], batch.Parts[0].Lane.Of()
	enc := New(selfManaged)
	b.ReportAllocs()
	for b.Loop() {
		enc.Size(r, p)
	}
}
