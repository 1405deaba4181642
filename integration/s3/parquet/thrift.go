package parquet

import "encoding/binary"

// The types of Thrift's compact protocol that Parquet's structures need.
const (
	typeI32    = 5
	typeI64    = 6
	typeBinary = 8
	typeList   = 9
	typeStruct = 12
)

// fields writes one structure in Thrift's compact protocol, fields in order.
type fields struct {
	out  []byte
	last int
}

func (f *fields) begin(id, kind int) {
	if delta := id - f.last; delta > 0 && delta < 16 {
		f.out = append(f.out, byte(delta<<4|kind))
	} else {
		f.out = append(f.out, byte(kind))
		f.out = binary.AppendVarint(f.out, int64(id))
	}
	f.last = id
}

func (f *fields) i32(id int, v int32) {
	f.begin(id, typeI32)
	f.out = binary.AppendVarint(f.out, int64(v)) // zigzag
}

func (f *fields) i64(id, v int) {
	f.begin(id, typeI64)
	f.out = binary.AppendVarint(f.out, int64(v))
}

func (f *fields) text(id int, s string) {
	f.begin(id, typeBinary)
	f.out = appendText(f.out, s)
}

func (f *fields) structure(id int, inner []byte) {
	f.begin(id, typeStruct)
	f.out = append(f.out, inner...)
}

func (f *fields) list(id, kind int, members [][]byte) {
	f.begin(id, typeList)
	if n := len(members); n < 15 {
		f.out = append(f.out, byte(n<<4|kind))
	} else {
		f.out = append(f.out, byte(15<<4|kind))
		f.out = binary.AppendUvarint(f.out, uint64(n))
	}
	for _, m := range members {
		f.out = append(f.out, m...)
	}
}

// end gives the structure.
func (f *fields) end() []byte { return append(f.out, 0) }

func appendText(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

func i32(v int32) []byte { return binary.AppendVarint(nil, int64(v)) }

const (
	plain    = 0 // encodings
	rle      = 3
	optional = 1 // repetition
)

func pageHeader(size, packed, rows int) []byte {
	var data fields
	data.i32(1, int32(rows)) //nolint:gosec // of an event
	data.i32(2, plain)
	data.i32(3, rle)
	data.i32(4, rle)
	var f fields
	f.i32(1, 0)             // a data page
	f.i32(2, int32(size))   //nolint:gosec // of an event
	f.i32(3, int32(packed)) //nolint:gosec // of an event
	f.structure(5, data.end())
	return f.end()
}

// footer is FileMetaData.
func (t Table) footer(chunks []chunk) []byte {
	var root fields
	root.text(4, "records")
	root.i32(5, int32(len(t.Columns))) //nolint:gosec // a few
	schema := [][]byte{root.end()}
	var columns [][]byte
	total := 0
	for i, c := range t.Columns {
		var element fields
		element.i32(1, physical[c.Kind])
		element.i32(3, optional)
		element.text(4, c.Name)
		if converted[c.Kind] >= 0 {
			element.i32(6, converted[c.Kind])
		}
		schema = append(schema, element.end())
		columns = append(columns, t.column(c, chunks[i]))
		total += chunks[i].plain
	}
	var group fields
	group.list(1, typeStruct, columns)
	group.i64(2, total)
	group.i64(3, len(t.Rows))
	var f fields
	f.i32(1, 1) // the format's version
	f.list(2, typeStruct, schema)
	f.i64(3, len(t.Rows))
	f.list(4, typeStruct, [][]byte{group.end()})
	f.text(6, t.Creator)
	return f.end()
}

func (t Table) column(c Column, at chunk) []byte {
	var meta fields
	meta.i32(1, physical[c.Kind])
	meta.list(2, typeI32, [][]byte{i32(plain), i32(rle)})
	meta.list(3, typeBinary, [][]byte{appendText(nil, c.Name)})
	meta.i32(4, t.Codec.ID)
	meta.i64(5, len(t.Rows))
	meta.i64(6, at.plain)
	meta.i64(7, at.taken)
	meta.i64(9, at.at)
	var f fields
	f.i64(2, at.at)
	f.structure(3, meta.end())
	return f.end()
}
