package table

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gantry/sink"
	"gantry/sink/row"
)

// write is what one record does to its table.
type write struct {
	record int
	table  *Table
	keys   []int // columns of the key
	cols   []int // columns that have a value, the key's among them
	cells  [][]byte
	key    string // the row, as text
	delete bool
	none   bool // nothing to do
}

// resolver turns the records of one batch into writes.
type resolver struct {
	writer *Writer
	ctx    context.Context //nolint:containedctx // it lives as long as one Write
	reader *row.Decoder
	names  map[string]string // topic → table, where the template asks for nothing else
	key    []byte
	absent map[string]bool // tables read in this batch once more, for a column that was not there
}

func (r *resolver) resolve(i int, rec *sink.Record) (write, error) {
	c, err := r.reader.Decode(rec.Key, rec.Value)
	if err != nil {
		return write{}, refuse(err)
	}
	out := write{record: i, delete: c.Kind == row.Delete}
	if c.Kind == row.Nothing || out.delete && !r.writer.config.Deletes {
		out.none = true
		return out, nil
	}
	name, err := r.tableName(rec)
	if err != nil {
		return out, err
	}
	key, err := r.keyFields(rec, c)
	if err != nil {
		return out, err
	}
	if out.table, err = r.table(name, key, c.Fields); err != nil {
		return out, err
	}
	if key, err = r.named(out.table, key); err != nil {
		return out, err
	}
	if err := r.fill(&out, c, key); err != nil {
		return out, err
	}
	return out, nil
}

func refuse(err error) error { return &sink.Fault{Cause: sink.Refused, Err: err} }

func refusef(format string, args ...any) error { return refuse(fmt.Errorf(format, args...)) }

func (r *resolver) tableName(rec *sink.Record) (string, error) {
	t := r.writer.config.Table
	if name, ok := r.names[rec.Topic]; ok {
		return name, nil
	}
	name, err := t.Fill(rec)
	if err == nil && r.writer.config.OfTopic {
		r.names[rec.Topic] = name
	}
	return name, err
}

// keyFields gives the fields of the row's key, unnamed where the record's key is one value.
func (r *resolver) keyFields(rec *sink.Record, c row.Change) ([]row.Field, error) {
	conf := &r.writer.config
	switch conf.Key {
	case "kafka":
		return []row.Field{
			{Name: conf.KeyNames[0], Value: row.Value{Type: row.String, Text: []byte(rec.Topic)}},
			{Name: conf.KeyNames[1], Value: row.Value{Type: row.Integer, Text: strconv.AppendInt(nil, int64(rec.Partition), 10)}},
			{Name: conf.KeyNames[2], Value: row.Value{Type: row.Integer, Text: strconv.AppendInt(nil, rec.Offset, 10)}},
		}, nil
	case "value":
		from := c.Fields
		if len(from) == 0 && c.Kind == row.Delete {
			from = c.Key
		}
		return pick(from, conf.KeyNames)
	}
	switch {
	case len(c.Key) == 0:
		return nil, refusef("the record has no key, and the primary key of its row is taken from there (setting key)")
	case c.Key[0].Name == "" || len(conf.KeyNames) == 0:
		return c.Key, nil
	default:
		return pick(c.Key, conf.KeyNames)
	}
}

func pick(from []row.Field, names []string) ([]row.Field, error) {
	var key []row.Field
	for _, name := range names {
		at := slices.IndexFunc(from, func(f row.Field) bool { return f.Name == name })
		if at < 0 {
			return nil, refusef("the record has no %s, which is of the primary key", name)
		}
		key = append(key, from[at])
	}
	return key, nil
}

// named gives a key that is one value the name of its column.
func (r *resolver) named(t *Table, key []row.Field) ([]row.Field, error) {
	if key[0].Name != "" {
		return key, nil
	}
	names := r.writer.config.KeyNames
	switch {
	case len(names) == 1:
		return []row.Field{{Name: names[0], Value: key[0].Value}}, nil
	case len(names) == 0 && len(t.Primary) == 1:
		return []row.Field{{Name: t.Columns[t.Primary[0]].Name, Value: key[0].Value}}, nil
	}
	return nil, refusef("the record's key is one value, and the primary key of %s has %d columns (setting keyColumns)", t.Name, len(t.Primary))
}

// fill holds the fields against the columns.
func (r *resolver) fill(out *write, c row.Change, key []row.Field) error {
	n := len(key) + len(c.Fields)
	out.cols, out.cells = make([]int, 0, n), make([][]byte, 0, n)
	var unknown []row.Field
	add := func(f row.Field, ofKey bool) error {
		col, ok := out.table.column(f.Name)
		if !ok {
			unknown = append(unknown, f)
			return nil
		}
		if at := slices.Index(out.cols, col); at >= 0 {
			if at < len(key) { // of the key, which has been taken
				return nil
			}
			out.cols, out.cells = slices.Delete(out.cols, at, at+1), slices.Delete(out.cells, at, at+1)
		}
		if out.table.Columns[col].ReadOnly && !ofKey {
			return nil
		}
		cell, err := r.writer.dialect.Cell(out.table.Columns[col], f.Value, c.JSONText)
		if err != nil {
			return refusef("column %s of %s: %w", f.Name, out.table.Name, err)
		}
		out.cols, out.cells = append(out.cols, col), append(out.cells, cell)
		return nil
	}
	for _, f := range key {
		if err := add(f, true); err != nil {
			return err
		}
	}
	if len(unknown) > 0 {
		return refusef("%s has no column %s, which the primary key of the record names", out.table.Name, fieldNames(unknown))
	}
	out.keys = out.cols[:len(key):len(key)]
	out.key = r.identity(out)
	if out.delete {
		return nil
	}
	if r.writer.config.Insert { // each is a row of its own: one that is there already is a conflict
		out.key += "#" + strconv.Itoa(out.record)
	}
	for _, f := range c.Fields {
		if err := add(f, false); err != nil {
			return err
		}
	}
	if len(unknown) > 0 {
		return r.unknown(out, c, key, unknown)
	}
	return nil
}

// unknown deals with fields that the table has no column for, as it was read: it may have
// changed since.
func (r *resolver) unknown(out *write, c row.Change, key, fields []row.Field) error {
	if r.writer.config.Unknown == "ignore" {
		return nil
	}
	create := r.writer.config.Unknown == "create"
	if !r.absent[out.table.Name] || create {
		r.absent[out.table.Name] = true
		changed, err := r.writer.reread(r.ctx, out.table, fields, create)
		if err != nil {
			return err
		}
		if changed != nil {
			out.table = changed
			return r.fill(out, c, key)
		}
	}
	return refusef("%s has no column %s; add it, or set unknownColumns to ignore or create", out.table.Name, fieldNames(fields))
}

func fieldNames(fields []row.Field) string {
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// identity writes the key as one text.
func (r *resolver) identity(w *write) string {
	r.key = append(r.key[:0], w.table.Quoted...)
	for i := range w.keys {
		r.key = append(strconv.AppendInt(append(r.key, 0), int64(len(w.cells[i])), 10), 0)
		r.key = append(r.key, w.cells[i]...)
	}
	return string(r.key)
}

// table gives a table, from memory or its catalogue.
func (r *resolver) table(name string, key, fields []row.Field) (*Table, error) {
	w := r.writer
	w.mu.Lock()
	t := w.tables[name]
	w.mu.Unlock()
	if t != nil {
		return t, nil
	}
	t, err := w.describe(r.ctx, name)
	if err != nil && w.config.Unknown == "create" && w.dialect.Class(err) == Missing && len(fields) > 0 {
		t, err = w.create(r.ctx, name, key, fields)
	}
	if err != nil {
		return nil, w.fault(err)
	}
	return t, nil
}

func (w *Writer) create(ctx context.Context, name string, key, fields []row.Field) (*Table, error) {
	if key[0].Name == "" {
		if len(w.config.KeyNames) != 1 {
			return nil, refusef("the record's key is one value: name its column (setting keyColumns), then %s can be made", name)
		}
		key = []row.Field{{Name: w.config.KeyNames[0], Value: key[0].Value}}
	}
	others := slices.DeleteFunc(slices.Clone(fields), func(f row.Field) bool {
		return slices.ContainsFunc(key, func(k row.Field) bool { return k.Name == f.Name })
	})
	if err := w.dialect.Create(ctx, w.db, name, key, others); err != nil {
		return nil, fmt.Errorf("make the table %s: %w", name, err)
	}
	return w.describe(ctx, name)
}

func (w *Writer) describe(ctx context.Context, name string) (*Table, error) {
	t, err := w.dialect.Describe(ctx, w.db, name)
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", name, err)
	}
	t.Name, t.index = name, map[string]int{}
	for i, c := range t.Columns {
		t.index[c.Name] = i
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tables[name] = t
	return t, nil
}

// reread reads a table anew, and adds columns where that is wanted. It gives nil where the
// table still lacks one.
func (w *Writer) reread(ctx context.Context, old *Table, fields []row.Field, create bool) (*Table, error) {
	lacks := func(t *Table) []row.Field {
		return slices.DeleteFunc(slices.Clone(fields), func(f row.Field) bool { _, ok := t.column(f.Name); return ok })
	}
	t, err := w.describe(ctx, old.Name)
	if err != nil {
		return nil, w.fault(err)
	}
	if missing := lacks(t); create && len(missing) > 0 {
		if err := w.dialect.Add(ctx, w.db, t, missing); err != nil {
			return nil, w.fault(fmt.Errorf("add the columns %s to %s: %w", fieldNames(missing), t.Name, err))
		}
		if t, err = w.describe(ctx, old.Name); err != nil {
			return nil, w.fault(err)
		}
	}
	if len(lacks(t)) > 0 {
		return nil, nil //nolint:nilnil // what is lacking is told by the caller
	}
	return t, nil
}

// forget drops what was read of tables, when one is not as it was.
func (w *Writer) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.tables)
}

// fault says how an error of the database is to be taken.
func (w *Writer) fault(err error) error {
	var f *sink.Fault
	if errors.As(err, &f) {
		return err
	}
	class := w.dialect.Class(err)
	if w.config.Fault != nil {
		err = w.config.Fault(class, err)
	}
	switch class {
	case Record, Changed:
		return &sink.Fault{Cause: sink.Refused, Err: err}
	case Missing, Setup:
		return &sink.Fault{Cause: sink.Misconfigured, Err: err}
	default:
		return &sink.Fault{Cause: sink.Busy, Err: err}
	}
}
