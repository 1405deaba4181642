package encode

import (
	"cmp"
	"encoding/base64"
	"math/bits"
	"slices"
	"strconv"

	simd "github.com/segmentio/asm/base64"

	"gantry/record"
)

// Part encodes the records of one partition. Safe for use by many goroutines.
type Part struct {
	partition   record.Partition
	name        []byte // "topic-0":[
	prefix      []byte // {"topic":"topic","partition":0,"offset":
	decorations []Decoration
}

// The constant text of a record's object, in the order it is written.
const (
	timestamp     = `,"timestamp":`
	createTime    = `,"timestampType":"CREATE_TIME"`
	logAppendTime = `,"timestampType":"LOG_APPEND_TIME"`
	key           = `,"key":"`
	value         = `,"value":"`
	headers       = `,"headers":[`
)

func newPart(p record.Partition, decorations []Decoration) *Part {
	index := strconv.Itoa(int(p.Index))
	prefix := appendText([]byte(`{"topic":`), p.Topic)
	return &Part{
		partition:   p,
		name:        append(appendText(nil, p.Topic+"-"+index), ":["...),
		prefix:      append(prefix, `,"partition":`+index+`,"offset":`...),
		decorations: decorations,
	}
}

// Overhead is what the list adds besides its records, see Encoder.PartOverhead.
func (p *Part) Overhead(first bool) int {
	n := len(p.name) + len("]")
	if !first {
		n += len(",")
	}
	return n
}

// Size is the size of one record's object, without the comma before it.
func (p *Part) Size(r *record.Record) int {
	n := len(p.prefix) + digits(r.Offset) + len(timestamp) + digits(r.Timestamp)
	if r.LogAppend {
		n += len(logAppendTime)
	} else {
		n += len(createTime)
	}
	if r.Key != nil {
		n += len(key) + encodedLen(r.Key) + len(`"`)
	}
	if r.Value != nil {
		n += len(value) + encodedLen(r.Value) + len(`"`)
	}
	n += len(headers) + headersSize(r.Headers) + len("]}")
	for _, d := range p.decorations {
		n += d.Size(r, p.partition)
	}
	return n
}

func (p *Part) appendRecords(dst []byte, records []record.Record) []byte {
	for i := range records {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = p.append(dst, &records[i])
	}
	return dst
}

// appendMerged appends the records of all lanes of the partition.
func (p *Part) appendMerged(dst []byte, parts []record.Part) []byte {
	var all []*record.Record
	for i := range parts {
		if parts[i].Lane.Of() != p.partition {
			continue
		}
		for j := range parts[i].Records {
			all = append(all, &parts[i].Records[j])
		}
	}
	slices.SortStableFunc(all, func(a, b *record.Record) int { return cmp.Compare(a.Offset, b.Offset) })
	for i, r := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = p.append(dst, r)
	}
	return dst
}

func (p *Part) append(dst []byte, r *record.Record) []byte {
	dst = strconv.AppendInt(append(dst, p.prefix...), r.Offset, 10)
	dst = strconv.AppendInt(append(dst, timestamp...), r.Timestamp, 10)
	if r.LogAppend {
		dst = append(dst, logAppendTime...)
	} else {
		dst = append(dst, createTime...)
	}
	if r.Key != nil {
		dst = append(appendBase64(append(dst, key...), r.Key), '"')
	}
	if r.Value != nil {
		dst = append(appendBase64(append(dst, value...), r.Value), '"')
	}
	dst = append(appendHeaders(append(dst, headers...), r.Headers), ']')
	for _, d := range p.decorations {
		dst = d.Append(dst, r, p.partition)
	}
	return append(dst, '}')
}

func encodedLen(b []byte) int { return (len(b) + 2) / 3 * 4 }

// simdFrom is the size from which the SIMD encoder wins: its set-up costs about what
// the standard library takes for a hundred bytes.
const simdFrom = 128

// appendBase64 writes straight into dst. Base64 is most of what an event costs, and at
// 1 KB the SIMD encoder is five times as fast as the standard library's.
func appendBase64(dst, src []byte) []byte {
	n := encodedLen(src)
	dst = slices.Grow(dst, n)
	end := dst[len(dst) : len(dst)+n]
	if len(src) < simdFrom {
		base64.StdEncoding.Encode(end, src)
	} else {
		simd.StdEncoding.Encode(end, src)
	}
	return dst[:len(dst)+n]
}

// digits is the length of n in decimal, with its sign.
func digits(n int64) int {
	u, sign := uint64(n), 0
	if n < 0 {
		u, sign = -u, 1
	}
	guess := bits.Len64(u) * 1233 >> 12 // log10(2) ≈ 1233/4096
	if u >= pow10[guess] {
		guess++
	}
	return max(guess, 1) + sign
}

var pow10 = [...]uint64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
	1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}
