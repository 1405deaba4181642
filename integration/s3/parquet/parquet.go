// Package parquet writes one flat table as an Apache Parquet file of one row group:
// optional columns, one page each, plain values. It is as much of the format as an
// object of a batch needs; the reason that it is ours is in docs/decisions.
//
// The flow: columns are encoded one after the other behind the magic bytes, the footer
// says where each is. The same rows give the same bytes.
//
// Source: github.com/apache/parquet-format, parquet.thrift and Encodings.md.
package parquet

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Kind is what a column holds.
type Kind uint8

// The kinds, and the type a value of each has.
const (
	Bool      Kind = iota // bool
	Int                   // int64, in 32 bits
	Long                  // int64
	Double                // float64
	Bytes                 // []byte
	Text                  // string
	JSON                  // string
	Timestamp             // int64, milliseconds since 1970
)

// The physical and converted types of each kind; -1 is none.
var physical = map[Kind]int32{Bool: 0, Int: 1, Long: 2, Double: 5, Bytes: 6, Text: 6, JSON: 6, Timestamp: 2}
var converted = map[Kind]int32{Bool: -1, Int: -1, Long: -1, Double: -1, Bytes: -1, Text: 0, JSON: 19, Timestamp: 9}

// Column is one column. Every one may hold nulls.
type Column struct {
	Name string
	Kind Kind
}

// Codec is how pages are compressed.
type Codec struct {
	ID       int32 // of parquet.thrift: 0 none, 1 snappy, 2 gzip, 6 zstd
	Compress func(page []byte) []byte
}

// Table is what is written: rows of one value a column, nil for null.
type Table struct {
	Columns []Column
	Rows    [][]any
	Codec   Codec
	Creator string
}

const magic = "PAR1"

// chunk is where a column was written.
type chunk struct {
	at           int
	plain, taken int // bytes with the page's header, before and after compression
}

// Encode gives the file.
func Encode(t Table) ([]byte, error) {
	out := []byte(magic)
	chunks := make([]chunk, len(t.Columns))
	for i, c := range t.Columns {
		page, err := t.page(i, c)
		if err != nil {
			return nil, err
		}
		packed := page
		if t.Codec.Compress != nil {
			packed = t.Codec.Compress(page)
		}
		header := pageHeader(len(page), len(packed), len(t.Rows))
		chunks[i] = chunk{at: len(out), plain: len(header) + len(page), taken: len(header) + len(packed)}
		out = append(append(out, header...), packed...)
	}
	footer := t.footer(chunks)
	out = append(out, footer...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(footer))) //nolint:gosec // a footer of a few columns
	return append(out, magic...), nil
}

// page is the levels (1 = there, 0 = null) and the values that are there.
func (t Table) page(i int, c Column) ([]byte, error) {
	var levels []byte
	run, present := 0, false
	flush := func() {
		if run > 0 {
			levels = binary.AppendUvarint(levels, uint64(run)<<1) // a run of one value
			levels = append(levels, bit(present))
		}
		run = 0
	}
	var values []byte
	var bits packer
	for _, row := range t.Rows {
		v := row[i]
		if (v != nil) != present {
			flush()
			present = v != nil
		}
		run++
		if v == nil {
			continue
		}
		var err error
		if values, err = appendValue(values, &bits, c, v); err != nil {
			return nil, err
		}
	}
	flush()
	page := binary.LittleEndian.AppendUint32(nil, uint32(len(levels))) //nolint:gosec // a run takes bytes, a page holds 6 MB
	page = append(page, levels...)
	page = append(page, values...)
	return append(page, bits.bytes...), nil
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// packer packs booleans, the first into the lowest bit.
type packer struct {
	bytes []byte
	n     int
}

func (p *packer) add(b bool) {
	if p.n%8 == 0 {
		p.bytes = append(p.bytes, 0)
	}
	p.bytes[len(p.bytes)-1] |= bit(b) << (p.n % 8)
	p.n++
}

func appendValue(to []byte, bits *packer, c Column, v any) ([]byte, error) {
	switch v := v.(type) {
	case bool:
		if c.Kind == Bool {
			bits.add(v)
			return to, nil
		}
	case int64:
		switch {
		case c.Kind == Int && v >= math.MinInt32 && v <= math.MaxInt32:
			return binary.LittleEndian.AppendUint32(to, uint32(int32(v))), nil //nolint:gosec // two's complement
		case c.Kind == Long, c.Kind == Timestamp:
			return binary.LittleEndian.AppendUint64(to, uint64(v)), nil //nolint:gosec // two's complement
		}
	case float64:
		if c.Kind == Double {
			return binary.LittleEndian.AppendUint64(to, math.Float64bits(v)), nil
		}
	case []byte:
		if c.Kind == Bytes {
			return appendBytes(to, v), nil
		}
	case string:
		if c.Kind == Text || c.Kind == JSON {
			return appendBytes(to, []byte(v)), nil
		}
	}
	return nil, fmt.Errorf("parquet: column %s can't hold a %T", c.Name, v)
}

func appendBytes(to, b []byte) []byte {
	to = binary.LittleEndian.AppendUint32(to, uint32(len(b))) //nolint:gosec // of an event
	return append(to, b...)
}
