package table

import (
	"context"
	"database/sql"
	"fmt"
	"maps"

	"gantry/sink"
	"gantry/sink/row"
)

// batch is one Write at work.
type batch struct {
	writer  *Writer
	ctx     context.Context //nolint:containedctx // it lives as long as one Write
	db      *sql.DB
	records []sink.Record
	guard   *guard
	refused map[int]error
	closed  map[string]bool // keys of refused records
}

// Write implements sink.Sink.
func (w *Writer) Write(ctx context.Context, records []sink.Record) (sink.Result, error) {
	db, err := w.open(ctx)
	if err != nil {
		return sink.Result{}, err
	}
	b := &batch{writer: w, ctx: ctx, db: db, records: records}
	for try := 0; ; try++ {
		err := b.run(try > 0)
		switch {
		case err == nil:
			return b.result(), nil
		case try == 0 && w.dialect.Class(err) == Record:
		case try < 2 && w.dialect.Class(err) == Changed:
			w.forget()
		default:
			return sink.Result{}, w.fault(err)
		}
	}
}

func (b *batch) result() sink.Result {
	var r sink.Result
	for i := range b.records {
		if err := b.refused[i]; err != nil {
			r.Failed = append(r.Failed, sink.Failure{Index: i, Err: err})
		}
	}
	return r
}

// run makes one transaction of the batch. With search the records at fault are looked for.
func (b *batch) run(search bool) error {
	b.refused, b.closed = map[int]error{}, map[string]bool{}
	writes, err := b.resolve()
	if err != nil {
		return err
	}
	tx, err := b.db.BeginTx(b.ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing, and before one the error is told already
	if b.guard, err = b.writer.guard(b.ctx, b.db, tx, b.records); err != nil {
		return err
	}
	writes = b.guard.fresh(b.records, writes)
	maps.DeleteFunc(b.refused, func(i int, _ error) bool { return b.guard.known(&b.records[i]) })
	if search {
		err = b.search(tx, writes)
	} else {
		err = b.apply(tx, writes)
	}
	if err == nil {
		err = b.guard.keep(b.ctx, tx, b.records, b.refused)
	}
	if err != nil {
		return err
	}
	return tx.Commit()
}

// resolve gives the writes of the records that can be read, in order.
func (b *batch) resolve() ([]write, error) {
	reader := b.writer.decoders.Get().(*row.Decoder) //nolint:forcetypeassert // New puts nothing else in
	defer b.writer.decoders.Put(reader)
	r := resolver{writer: b.writer, ctx: b.ctx, reader: reader, names: map[string]string{}, absent: map[string]bool{}}
	writes := make([]write, 0, len(b.records))
	for i := range b.records {
		w, err := r.resolve(i, &b.records[i])
		if err != nil {
			if sink.CauseOf(err) != sink.Refused && sink.CauseOf(err) != sink.Misconfigured {
				return nil, err
			}
			b.refuse(&w, i, err)
			continue
		}
		if b.closed[w.key] && !w.none {
			b.refuse(&w, i, errOfKey)
			continue
		}
		writes = append(writes, w)
	}
	return writes, nil
}

var errOfKey = refuse(fmt.Errorf("an earlier record of the same key was refused, and order is kept"))

func (b *batch) refuse(w *write, i int, err error) {
	b.refused[i] = err
	if w.key != "" {
		b.closed[w.key] = true
	}
}

// search writes what can be written, and finds what can't.
func (b *batch) search(tx *sql.Tx, writes []write) error {
	if s := b.writer.dialect.Search(); s != "" {
		if _, err := tx.ExecContext(b.ctx, s); err != nil {
			return err
		}
	}
	return b.cut(tx, writes, 0)
}

// cut writes under a savepoint, and what is refused in halves.
func (b *batch) cut(tx *sql.Tx, writes []write, depth int) error {
	open := writes[:0:0]
	for _, w := range writes {
		if b.closed[w.key] {
			b.refuse(&w, w.record, errOfKey)
		} else {
			open = append(open, w)
		}
	}
	if len(open) == 0 {
		return nil
	}
	point := fmt.Sprintf("gantry_%d", depth)
	if _, err := tx.ExecContext(b.ctx, "SAVEPOINT "+point); err != nil {
		return err
	}
	err := b.apply(tx, open)
	if err == nil {
		_, err = tx.ExecContext(b.ctx, "RELEASE SAVEPOINT "+point)
		return err
	}
	if class := b.writer.dialect.Class(err); class != Record {
		return err
	}
	if _, back := tx.ExecContext(b.ctx, "ROLLBACK TO SAVEPOINT "+point); back != nil {
		return back
	}
	if len(open) == 1 {
		b.refuse(&open[0], open[0].record, b.writer.fault(err))
		return nil
	}
	half := len(open) / 2
	if err := b.cut(tx, open[:half], depth+1); err != nil {
		return err
	}
	return b.cut(tx, open[half:], depth+1)
}

// apply writes rows, of each what it is after the last of its records.
func (b *batch) apply(tx *sql.Tx, writes []write) error {
	for _, s := range plan(writes) {
		for _, rows := range s {
			if err := b.one(tx, rows); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *batch) one(tx *sql.Tx, s statement) error {
	rows := &s.Rows
	if s.delete {
		if err := b.writer.dialect.Delete(b.ctx, tx, rows); err != nil {
			return fmt.Errorf("delete %d rows of %s: %w", len(rows.Cells), rows.Table.Name, err)
		}
		return nil
	}
	rows.Insert = b.writer.config.Insert
	rows.Ignore = rows.Insert && b.writer.config.Key == "kafka"
	if err := b.writer.dialect.Upsert(b.ctx, tx, rows); err != nil {
		return fmt.Errorf("write %d rows to %s: %w", len(rows.Cells), rows.Table.Name, err)
	}
	return nil
}
