package table

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
)

// statement is what one statement does.
type statement struct {
	Rows
	delete bool
}

// plan makes few statements of many writes: of each row what it is in the end, deletes
// before the rest, rows with the same columns together. Writes whose keys the database may
// hold for the same though their texts differ are never put in another order: there a new
// stretch begins.
func plan(writes []write) [][]statement {
	var plans [][]statement
	for len(writes) > 0 {
		n := stretch(writes)
		plans = append(plans, statements(writes[:n]))
		writes = writes[n:]
	}
	return plans
}

// stretch counts the writes that may be put in any order as long as those of equal keys
// keep theirs.
func stretch(writes []write) int {
	var deletes bool
	for i := range writes {
		deletes = deletes || writes[i].delete
	}
	if !deletes { // upserts of one statement keep their order
		return len(writes)
	}
	texts := make(map[string]string, len(writes))
	for i := range writes {
		w := &writes[i]
		near, certain := nearly(w)
		if !certain && i > 0 && w.delete != writes[i-1].delete {
			return i
		}
		if text, seen := texts[near]; seen && text != w.key {
			return i
		}
		texts[near] = w.key
	}
	return len(writes)
}

// nearly gives what keys have in common that a database may compare as equal: without
// letter case, blanks at the end, and ways to write a number. It is not certain where
// letters outside ASCII may be equal to others.
func nearly(w *write) (text string, certain bool) {
	var b strings.Builder
	b.WriteString(w.table.Quoted)
	certain = true
	for i := range w.keys {
		cell := string(w.cells[i])
		for j := range len(cell) {
			certain = certain && cell[j] < 0x80
		}
		if n, err := strconv.ParseFloat(cell, 64); err == nil {
			cell = strconv.FormatFloat(n, 'g', -1, 64)
		}
		b.WriteByte(0)
		b.WriteString(strings.ToLower(strings.TrimRight(cell, " ")))
	}
	return b.String(), certain
}

// end is what becomes of one row.
type end struct {
	last    *write
	deleted *write // before last was written anew
}

func statements(writes []write) []statement {
	order := make([]end, 0, len(writes))
	at := make(map[string]int, len(writes))
	for i := range writes {
		w := &writes[i]
		n, seen := at[w.key]
		if !seen {
			at[w.key] = len(order)
			order = append(order, end{last: w})
			continue
		}
		switch e := &order[n]; {
		case w.delete:
			e.last, e.deleted = w, nil
		case e.last.delete:
			e.last, e.deleted = w, e.last
		default:
			e.last = merged(e.last, w)
		}
	}
	var g groups
	for _, e := range order {
		if e.last.delete {
			g.add(e.last)
		} else if e.deleted != nil {
			g.add(e.deleted)
		}
	}
	for _, e := range order {
		if !e.last.delete {
			g.add(e.last)
		}
	}
	return g.list
}

// merged is a write that does what two do one after the other.
func merged(first, then *write) *write {
	if slices.Equal(first.cols, then.cols) {
		return then
	}
	both := *then
	both.cols, both.cells = slices.Clone(then.cols), slices.Clone(then.cells)
	for i, c := range first.cols {
		if !slices.Contains(both.cols, c) {
			both.cols, both.cells = append(both.cols, c), append(both.cells, first.cells[i])
		}
	}
	return &both
}

// groups puts writes together that one statement can do.
type groups struct {
	list []statement
	at   map[string]int
	name []byte
}

func (g *groups) add(w *write) {
	cols, cells := w.cols, w.cells
	if w.delete {
		cols, cells = w.keys, w.cells[:len(w.keys)]
	}
	g.name = append(g.name[:0], w.table.Quoted...)
	g.name = append(g.name, 0, '+')
	if w.delete {
		g.name[len(g.name)-1] = '-'
	}
	for _, c := range cols {
		g.name = binary.AppendUvarint(g.name, uint64(c))
	}
	n, seen := g.at[string(g.name)]
	if !seen {
		if g.at == nil {
			g.at = map[string]int{}
		}
		n = len(g.list)
		g.at[string(g.name)] = n
		s := statement{Rows: Rows{Table: w.table, Cols: cols, Keys: w.keys}, delete: w.delete}
		for i := range w.keys {
			s.Key = append(s.Key, i)
		}
		g.list = append(g.list, s)
	}
	g.list[n].Cells = append(g.list[n].Cells, cells)
}
