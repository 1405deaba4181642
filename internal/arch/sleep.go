package arch

import (
	"go/ast"
	"strings"
)

// sleepReason marks a sleep that a suite against a real broker can't do without. The
// reason follows it on the same line: //gantry:sleep the broker offers no event for this
const sleepReason = "//gantry:sleep "

// Sleep refuses time.Sleep in tests: it makes them slow on every machine and wrong on a
// slow one. In a file that uses testing/synctest, itself or by a function of its package
// that opens the bubble, the clock is not real, so it may sleep.
// The suites under test/ face brokers that have no such clock; there, and only there, a
// sleep may stand with its reason.
func Sleep(t *Tree) []Breach {
	var found []Breach
	for _, files := range t.packages() {
		openers := bubbles(files)
		for _, f := range files {
			if (f.Test || group(f.Dir) == "test") && !inBubble(f, openers) {
				found = append(found, restless(f)...)
			}
		}
	}
	return sorted(found)
}

func restless(f *File) []Breach {
	var found []Breach
	allowed := reasons(f)
	for _, line := range sleeps(f) {
		if !allowed[line] {
			found = append(found, Breach{File: f.Path, Line: line, What: "time.Sleep in a test: use testing/synctest, " +
				"or wait for the thing itself (a channel, require.Eventually)"})
		}
	}
	return found
}

// bubbles gives the functions of a package that open a synctest bubble for their caller.
func bubbles(files []*File) map[string]bool {
	names := map[string]bool{}
	for _, f := range files {
		lab := f.NameOf("testing/synctest")
		for _, d := range f.AST.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || fn.Body == nil || lab == "" {
				continue
			}
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Test" && named(sel.X, lab) {
					names[fn.Name.Name] = true
				}
				return true
			})
		}
	}
	return names
}

func inBubble(f *File, openers map[string]bool) bool {
	if f.NameOf("testing/synctest") != "" {
		return true
	}
	found := false
	ast.Inspect(f.AST, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			id, ok := call.Fun.(*ast.Ident)
			found = found || (ok && openers[id.Name])
		}
		return true
	})
	return found
}

func sleeps(f *File) []int {
	clock := f.NameOf("time")
	if clock == "" {
		return nil
	}
	var lines []int
	ast.Inspect(f.AST, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sleep" && named(sel.X, clock) {
			lines = append(lines, f.Line(sel.Pos()))
		}
		return true
	})
	return lines
}

// reasons gives the lines on which a sleep has its reason, on the line itself or above it.
func reasons(f *File) map[int]bool {
	lines := map[int]bool{}
	if group(f.Dir) != "test" {
		return lines
	}
	for _, g := range f.AST.Comments {
		for _, c := range g.List {
			if why, ok := strings.CutPrefix(c.Text, sleepReason); ok && strings.TrimSpace(why) != "" {
				lines[f.Line(c.Pos())], lines[f.Line(c.Pos())+1] = true, true
			}
		}
	}
	return lines
}

func named(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}
