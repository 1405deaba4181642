package table

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gantry/record"
	"gantry/sink"
)

// guard is what gantry_offsets says of the partitions of a batch: up to where their
// records were written, and which of those before were refused. Its rows are locked until
// the transaction ends. A nil guard keeps nothing.
type guard struct {
	writer *Writer
	parts  map[record.Partition]*kept
	order  []record.Partition
}

type kept struct {
	next    int64
	refused []int64 // below next, and not written
}

// mostRefused bounds the list of a partition: beyond it something is wrong with all of it.
const mostRefused = 10_000

func (w *Writer) guard(ctx context.Context, db *sql.DB, tx *sql.Tx, records []sink.Record) (*guard, error) {
	if w.config.Guard == "" {
		return nil, nil //nolint:nilnil // no guard is a guard that keeps nothing
	}
	if err := w.makeGuard(ctx, db); err != nil {
		return nil, err
	}
	g := &guard{writer: w, parts: map[record.Partition]*kept{}}
	for i := range records {
		if of := records[i].Of(); g.parts[of] == nil {
			g.parts[of] = &kept{}
			g.order = append(g.order, of)
		}
	}
	slices.SortFunc(g.order, func(a, b record.Partition) int { // one order, so that two batches never wait for each other
		return strings.Compare(a.String(), b.String())
	})
	for _, of := range g.order {
		if err := g.read(ctx, tx, of); err != nil {
			return nil, fmt.Errorf("read what was written of %s from gantry_offsets: %w", of, err)
		}
	}
	return g, nil
}

func (w *Writer) makeGuard(ctx context.Context, db *sql.DB) error {
	w.mu.Lock()
	done := w.guarded
	w.mu.Unlock()
	if done {
		return nil
	}
	if _, err := db.ExecContext(ctx, w.dialect.Guard().Create); err != nil {
		return fmt.Errorf("make the table gantry_offsets: %w", err)
	}
	w.mu.Lock()
	w.guarded = true
	w.mu.Unlock()
	return nil
}

func (g *guard) read(ctx context.Context, tx *sql.Tx, of record.Partition) error {
	var refused string
	k := g.parts[of]
	err := tx.QueryRowContext(ctx, g.writer.dialect.Guard().Read, g.writer.config.Guard, of.Topic, of.Index).Scan(&k.next, &refused)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	for one := range strings.SplitSeq(refused, ",") {
		if n, err := strconv.ParseInt(one, 10, 64); err == nil {
			k.refused = append(k.refused, n)
		}
	}
	return nil
}

// fresh gives the writes that were not made yet.
func (g *guard) fresh(records []sink.Record, writes []write) []write {
	if g == nil {
		return slices.DeleteFunc(writes, func(w write) bool { return w.none })
	}
	return slices.DeleteFunc(writes, func(w write) bool { return w.none || g.known(&records[w.record]) })
}

// known says that a record was written before.
func (g *guard) known(r *sink.Record) bool {
	if g == nil {
		return false
	}
	k := g.parts[r.Of()]
	return r.Offset < k.next && !slices.Contains(k.refused, r.Offset)
}

// keep notes what this transaction writes.
func (g *guard) keep(ctx context.Context, tx *sql.Tx, records []sink.Record, refused map[int]error) error {
	if g == nil {
		return nil
	}
	after := map[record.Partition]*kept{}
	for of, k := range g.parts {
		after[of] = &kept{next: k.next, refused: slices.Clone(k.refused)}
	}
	for i := range records {
		r := &records[i]
		k := after[r.Of()]
		at := slices.Index(k.refused, r.Offset)
		switch {
		case refused[i] != nil && at < 0 && !g.known(r):
			k.refused = append(k.refused, r.Offset)
		case refused[i] == nil && at >= 0:
			k.refused = slices.Delete(k.refused, at, at+1)
		}
		k.next = max(k.next, r.Offset+1)
	}
	for _, of := range g.order {
		k := after[of]
		if len(k.refused) > mostRefused {
			return &sink.Fault{Cause: sink.Misconfigured, Err: fmt.Errorf("%s has more than %d records that the database refused; gantry_offsets can't keep more: look at what it refuses", of, mostRefused)}
		}
		if _, err := tx.ExecContext(ctx, g.writer.dialect.Guard().Write, g.writer.config.Guard, of.Topic, of.Index, k.next, list(k.refused)); err != nil {
			return fmt.Errorf("keep what was written of %s in gantry_offsets: %w", of, err)
		}
	}
	return nil
}

func list(offsets []int64) string {
	var texts []string
	for _, n := range offsets {
		texts = append(texts, strconv.FormatInt(n, 10))
	}
	return strings.Join(texts, ",")
}
