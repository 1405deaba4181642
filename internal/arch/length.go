package arch

import (
	"fmt"
	"go/ast"
)

// The budgets. A file is thought over at fileWarning and refused over fileLimit; a
// function is listed over functionWarning and refused over functionLimit.
const (
	fileWarning     = 400
	fileLimit       = 800
	functionWarning = 45
	functionLimit   = 60
)

// Length refuses files and functions that are too long to be one idea. Generated files
// have no reader to spare; functions of test files may be long tables.
func Length(t *Tree) []Breach { return lengths(t, fileLimit, functionLimit) }

// LengthWarnings lists what has outgrown its size and is not refused yet.
func LengthWarnings(t *Tree) []Breach {
	var found []Breach
	refused := map[Breach]bool{}
	for _, b := range Length(t) {
		refused[Breach{File: b.File, Line: b.Line}] = true
	}
	for _, b := range lengths(t, fileWarning, functionWarning) {
		if !refused[Breach{File: b.File, Line: b.Line}] {
			found = append(found, b)
		}
	}
	return found
}

func lengths(t *Tree, file, function int) []Breach {
	var found []Breach
	for _, f := range t.Go {
		if ast.IsGenerated(f.AST) {
			continue
		}
		if f.Lines > file {
			found = append(found, Breach{File: f.Path, What: fmt.Sprintf(
				"%d lines, the budget is %d: a file holds one idea, split it by idea", f.Lines, file)})
		}
		if !f.Test {
			found = append(found, longFunctions(f, function)...)
		}
	}
	return sorted(found)
}

func longFunctions(f *File, limit int) []Breach {
	var found []Breach
	for _, d := range f.AST.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := f.Line(fn.End()) - f.Line(fn.Pos()) + 1; n > limit {
			found = append(found, Breach{File: f.Path, Line: f.Line(fn.Pos()), What: fmt.Sprintf(
				"%s has %d lines, the budget is %d: name its steps", fn.Name.Name, n, limit)})
		}
	}
	return found
}
