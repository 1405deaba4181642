package s3

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"

	"gantry/integration/s3/parquet"
)

// encoding makes rows the bytes of an object; the same rows give the same bytes.
type encoding struct {
	extension   string
	contentType string
	encode      func(rows [][]any) ([]byte, error)
}

func encodingOf(format, compression string, columns []column) (encoding, error) {
	switch format {
	case "avro":
		return avroOf(columns, compression)
	case "parquet":
		return parquetOf(columns, compression), nil
	}
	pack := map[string]func([]byte) ([]byte, error){"jsonl": unpacked, "jsonl.gz": gzipped, "jsonl.zst": zstandard}[format]
	kind := map[string]string{"jsonl": "application/x-ndjson", "jsonl.gz": "application/gzip", "jsonl.zst": "application/zstd"}[format]
	return encoding{format, kind, func(rows [][]any) ([]byte, error) {
		var out bytes.Buffer
		for _, row := range rows {
			if err := appendLine(&out, columns, row); err != nil {
				return nil, err
			}
		}
		return pack(out.Bytes())
	}}, nil
}

func unpacked(b []byte) ([]byte, error) { return b, nil }

// gzipped has no time in it, so the same rows give the same bytes.
func gzipped(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

func zstandard(b []byte) ([]byte, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer w.Close()
	return w.EncodeAll(b, nil), nil
}

// appendLine writes a row as a JSON object, columns in their order. Bytes that are JSON
// stand as JSON, else as text, else as {"base64": …}.
func appendLine(out *bytes.Buffer, columns []column, row []any) error {
	out.WriteByte('{')
	for i, c := range columns {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(out, "%q:", c.name)
		v := row[i]
		switch text := v.(type) {
		case []byte:
			v = jsonOf(text)
		case string:
			if c.kind == "json" {
				v = json.RawMessage(text)
			}
		}
		body, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("write column %s: %w", c.name, err)
		}
		out.Write(body)
	}
	out.WriteString("}\n")
	return nil
}

func jsonOf(b []byte) any {
	switch {
	case json.Valid(b):
		return json.RawMessage(b)
	case utf8.Valid(b):
		return string(b)
	}
	return map[string][]byte{"base64": b}
}

// avroType is the type of each kind of column.
var avroType = map[string]string{
	"bool": `"boolean"`, "int": `"int"`, "long": `"long"`, "double": `"double"`, "bytes": `"bytes"`, "string": `"string"`, "json": `"string"`,
	"timestamp": `{"type":"long","logicalType":"timestamp-millis"}`,
}

// avroOf writes object container files. Their sync marker is ours, not drawn: it only has
// to be unlikely within a file.
func avroOf(columns []column, compression string) (encoding, error) {
	var schema bytes.Buffer
	schema.WriteString(`{"type":"record","name":"Record","namespace":"gantry","fields":[`)
	for i, c := range columns {
		if i > 0 {
			schema.WriteByte(',')
		}
		fmt.Fprintf(&schema, `{"name":%q,"type":["null",%s],"default":null}`, c.name, avroType[c.kind])
	}
	schema.WriteString("]}")
	parsed, err := avro.Parse(schema.String())
	if err != nil {
		return encoding{}, fmt.Errorf("columns: %w", err)
	}
	return encoding{"avro", "application/avro", func(rows [][]any) ([]byte, error) {
		var out bytes.Buffer
		options := []ocf.WriterOpt{ocf.WithSyncMarker([16]byte([]byte("gantry.sync.0001"))), ocf.WithBlockBytes(1 << 20)}
		codec, err := avroCodec(compression)
		if err != nil {
			return nil, err
		}
		if codec != nil {
			options = append(options, ocf.WithCodec(codec))
		}
		w, err := ocf.NewWriter(&out, parsed, options...)
		if err != nil {
			return nil, fmt.Errorf("write the Avro file: %w", err)
		}
		for _, row := range rows {
			if err := w.Encode(avroRow(columns, row)); err != nil {
				return nil, fmt.Errorf("write the Avro file: %w", err)
			}
		}
		if err := w.Close(); err != nil {
			return nil, fmt.Errorf("write the Avro file: %w", err)
		}
		return out.Bytes(), nil
	}}, nil
}

func avroCodec(compression string) (ocf.Codec, error) {
	switch compression {
	case "snappy":
		return ocf.SnappyCodec(), nil
	case "gzip":
		return ocf.DeflateCodec(6), nil
	case "zstd":
		return ocf.ZstdCodec(nil, nil)
	}
	return nil, nil
}

func avroRow(columns []column, row []any) map[string]any {
	m := make(map[string]any, len(row))
	for i, c := range columns {
		m[c.name] = row[i]
		if n, ok := row[i].(int64); ok && c.kind == "int" {
			m[c.name] = int32(n) //nolint:gosec // rowOf has looked
		}
	}
	return m
}

var parquetKind = map[string]parquet.Kind{
	"bool": parquet.Bool, "int": parquet.Int, "long": parquet.Long, "double": parquet.Double, "bytes": parquet.Bytes,
	"string": parquet.Text, "json": parquet.JSON, "timestamp": parquet.Timestamp,
}

func parquetOf(columns []column, compression string) encoding {
	list := make([]parquet.Column, len(columns))
	for i, c := range columns {
		list[i] = parquet.Column{Name: c.name, Kind: parquetKind[c.kind]}
	}
	codecs := map[string]parquet.Codec{
		"snappy": {ID: 1, Compress: func(b []byte) []byte { return s2.EncodeSnappy(nil, b) }},
		"gzip":   {ID: 2, Compress: func(b []byte) []byte { out, _ := gzipped(b); return out }}, // into memory: can't fail
		"zstd":   {ID: 6, Compress: func(b []byte) []byte { out, _ := zstandard(b); return out }},
	}
	return encoding{"parquet", "application/vnd.apache.parquet", func(rows [][]any) ([]byte, error) {
		return parquet.Encode(parquet.Table{Columns: list, Rows: rows, Codec: codecs[compression], Creator: "gantry"})
	}}
}
