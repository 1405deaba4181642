package postgresql

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lib/pq"

	"gantry/integration/table"
	"gantry/sink/row"
)

// dialect is PostgreSQL's.
type dialect struct {
	epoch string
	guard string
}

func quote(name string) string { return pq.QuoteIdentifier(name) }

// split cuts SCHEMA.TABLE. A topic's name may hold dots: what has more than one is a
// table's name as a whole, and so is what stands in quotes.
func split(name string) string {
	if inner, ok := strings.CutPrefix(name, `"`); ok && strings.HasSuffix(inner, `"`) {
		return quote(inner[:len(inner)-1])
	}
	if schema, rest, ok := strings.Cut(name, "."); ok && !strings.Contains(rest, ".") {
		return quote(schema) + "." + quote(rest)
	}
	return quote(name)
}

const columns = `SELECT a.attname, format_type(a.atttypid, -1), a.attnotnull AND NOT a.atthasdef AND a.attidentity = '',
  a.attgenerated <> '' OR a.attidentity = 'a', t.typcategory::text,
  coalesce(a.attnum = ANY (p.indkey::int2[]), false), coalesce(array_position(p.indkey::int2[], a.attnum), 0)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_index p ON p.indrelid = a.attrelid AND p.indisprimary
WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`

// Describe implements table.Dialect.
func (dialect) Describe(ctx context.Context, db *sql.DB, name string) (*table.Table, error) {
	t := &table.Table{Quoted: split(name)}
	found, err := db.QueryContext(ctx, columns, t.Quoted)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var c table.Column
		var category string
		var primary bool
		var at int
		if err := found.Scan(&c.Name, &c.Type, &c.Required, &c.ReadOnly, &category, &primary, &at); err != nil {
			return nil, err
		}
		c.Family = family(c.Type, category)
		if primary {
			t.Primary = append(t.Primary, len(t.Columns))
		}
		t.Columns = append(t.Columns, c)
	}
	return t, found.Err()
}

func family(name, category string) table.Family {
	switch name {
	case "json", "jsonb":
		return table.JSONLike
	case "bytea":
		return table.Binary
	case "date":
		return table.DateLike
	case "timestamp without time zone":
		return table.DateTime
	case "timestamp with time zone":
		return table.Zoned
	}
	switch category {
	case "A":
		return table.List
	case "B":
		return table.Boolean
	case "N":
		return table.Numeric
	case "S":
		return table.TextLike
	}
	return table.Other
}

// Upsert implements table.Dialect.
func (dialect) Upsert(ctx context.Context, tx *sql.Tx, r *table.Rows) error {
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO %s (%s) SELECT ", r.Table.Quoted, names(r.Table, r.Cols, ""))
	casts(&b, r)
	conflict(&b, r)
	return execute(ctx, tx, b.String(), r)
}

// Delete implements table.Dialect.
func (dialect) Delete(ctx context.Context, tx *sql.Tx, r *table.Rows) error {
	var b strings.Builder
	fmt.Fprintf(&b, "DELETE FROM %s AS t USING (SELECT ", r.Table.Quoted)
	casts(&b, r)
	b.WriteString(") AS k WHERE ")
	for i, c := range r.Cols {
		if i > 0 {
			b.WriteString(" AND ")
		}
		fmt.Fprintf(&b, "t.%s = k.%[1]s", quote(r.Table.Columns[c].Name))
	}
	return execute(ctx, tx, b.String(), r)
}

// casts selects the columns out of arrays of texts. The cast is to the type without its
// length: a value that is too long is then refused when it is assigned, where a cast to
// the full type would cut it.
func casts(b *strings.Builder, r *table.Rows) {
	for i, c := range r.Cols {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, "u.c%d::%s AS %s", i, r.Table.Columns[c].Type, quote(r.Table.Columns[c].Name))
	}
	b.WriteString(" FROM unnest(")
	for i := range r.Cols {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, "$%d::text[]", i+1)
	}
	b.WriteString(") AS u(")
	for i := range r.Cols {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, "c%d", i)
	}
	b.WriteByte(')')
}

func conflict(b *strings.Builder, r *table.Rows) {
	if r.Insert && !r.Ignore {
		return
	}
	fmt.Fprintf(b, " ON CONFLICT (%s) DO ", names(r.Table, r.Keys, ""))
	var sets []string
	for _, c := range r.Cols {
		if name := quote(r.Table.Columns[c].Name); !slices.Contains(r.Keys, c) {
			sets = append(sets, name+" = EXCLUDED."+name)
		}
	}
	if r.Ignore || len(sets) == 0 {
		b.WriteString("NOTHING")
		return
	}
	b.WriteString("UPDATE SET " + strings.Join(sets, ", "))
}

func names(t *table.Table, cols []int, prefix string) string {
	var list []string
	for _, c := range cols {
		list = append(list, prefix+quote(t.Columns[c].Name))
	}
	return strings.Join(list, ", ")
}

func execute(ctx context.Context, tx *sql.Tx, text string, r *table.Rows) error {
	args := make([]any, len(r.Cols))
	for i := range r.Cols {
		args[i] = array(r.Cells, i)
	}
	_, err := tx.ExecContext(ctx, text, args...)
	return err
}

const textOID = 25

// array writes one column of rows as text[] in PostgreSQL's binary form (array_send in its
// source: dimensions, whether there are nulls, the elements' type, length, first index).
func array(rows [][][]byte, col int) []byte {
	size, nulls := 20, uint32(0)
	for _, cells := range rows {
		size += 4 + len(cells[col])
		if cells[col] == nil {
			nulls = 1
		}
	}
	b := make([]byte, 0, size)
	for _, n := range []uint32{1, nulls, textOID, uint32(len(rows)), 1} { //nolint:gosec // a batch is not longer
		b = binary.BigEndian.AppendUint32(b, n)
	}
	for _, cells := range rows {
		if cells[col] == nil {
			b = binary.BigEndian.AppendUint32(b, ^uint32(0))
			continue
		}
		b = binary.BigEndian.AppendUint32(b, uint32(len(cells[col]))) //nolint:gosec // a value is at most 6 MB
		b = append(b, cells[col]...)
	}
	return b
}

// Search implements table.Dialect: what is checked at a commit is checked at once, so that
// it is told of the record at fault.
func (dialect) Search() string { return "SET CONSTRAINTS ALL IMMEDIATE" }

// Guard implements table.Dialect.
func (dialect) Guard() table.Guard {
	return table.Guard{
		Create: `CREATE TABLE IF NOT EXISTS gantry_offsets (name text, topic text, part int, next_offset bigint NOT NULL, refused text NOT NULL, PRIMARY KEY (name, topic, part))`,
		Read:   `SELECT next_offset, refused FROM gantry_offsets WHERE name = $1 AND topic = $2 AND part = $3 FOR UPDATE`,
		Write: `INSERT INTO gantry_offsets VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (name, topic, part) DO UPDATE SET next_offset = EXCLUDED.next_offset, refused = EXCLUDED.refused`,
	}
}

// again are errors that another attempt may cure (PostgreSQL, Appendix A). 23505 on the
// making of a table is two who make it at once.
var again = []string{"40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "57P04", "25006", "25P03", "25P04"}

// Class implements table.Dialect.
func (dialect) Class(err error) table.Class {
	var e *pq.Error
	if !errors.As(err, &e) {
		return table.Again
	}
	code := string(e.Code)
	switch {
	case slices.Contains(again, code):
		return table.Again
	case code == "42P01" || code == "3F000" || code == "42602":
		return table.Missing
	case code == "42703" || code == "42804" || code == "0A000" || code == "42846":
		return table.Changed
	case code == "42P10":
		return table.Setup
	}
	switch code[:2] {
	case "22", "23", "21", "44", "P0":
		return table.Record
	case "28", "3D", "42", "0P", "0L":
		return table.Setup
	}
	return table.Again
}

// Create implements table.Dialect.
func (dialect) Create(ctx context.Context, db *sql.DB, name string, key, others []row.Field) error {
	var lines, keys []string
	for _, f := range key {
		lines, keys = append(lines, quote(f.Name)+" "+typeOf(f.Value)+" NOT NULL"), append(keys, quote(f.Name))
	}
	for _, f := range others {
		lines = append(lines, quote(f.Name)+" "+typeOf(f.Value))
	}
	lines = append(lines, "PRIMARY KEY ("+strings.Join(keys, ", ")+")")
	_, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+split(name)+" ("+strings.Join(lines, ", ")+")")
	return err
}

// Add implements table.Dialect.
func (dialect) Add(ctx context.Context, db *sql.DB, t *table.Table, fields []row.Field) error {
	var adds []string
	for _, f := range fields {
		adds = append(adds, "ADD COLUMN IF NOT EXISTS "+quote(f.Name)+" "+typeOf(f.Value))
	}
	_, err := db.ExecContext(ctx, "ALTER TABLE "+t.Quoted+" "+strings.Join(adds, ", "))
	return err
}

var types = map[row.Type]string{
	row.Bool: "boolean", row.Number: "double precision", row.Integer: "bigint", row.Decimal: "numeric", row.JSON: "jsonb",
	row.Bytes: "bytea", row.Date: "date", row.Time: "time", row.Timestamp: "timestamp", row.Instant: "timestamptz",
}

// typeOf is the type of a column that is made for a value.
func typeOf(v row.Value) string {
	if v.Type == row.Number && !strings.ContainsAny(string(v.Text), ".eE") {
		return "numeric" // the next may be longer than a bigint, or have a fraction
	}
	if t, ok := types[v.Type]; ok {
		return t
	}
	return "text"
}
