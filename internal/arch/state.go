package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// frozen are the calls that give a value nobody can change, or a function that does its
// work once. A package variable may hold what they give.
var frozen = map[string]bool{
	"errors.New": true, "fmt.Errorf": true,
	"regexp.MustCompile": true, "strings.NewReplacer": true, "template.Must": true,
	"sync.OnceFunc": true, "sync.OnceValue": true, "sync.OnceValues": true,
	"reflect.TypeFor": true, "reflect.TypeOf": true,
	"slices.Concat": true, "slices.Sorted": true, "slices.Collect": true, "maps.Keys": true, "strings.Repeat": true,
	"uuid.MustParse": true, "uuid.NewSHA1": true, "netip.MustParsePrefix": true, "netip.MustParseAddr": true,
	"big.NewInt": true, "math.Inf": true, "time.Unix": true, "time.Date": true, "crc32.MakeTable": true,
}

// holders are the packages whose types exist to be changed or to be waited on.
var holders = map[string]bool{"sync": true, "sync/atomic": true}

// State refuses init functions and package variables with state: what a component needs
// is handed to it, so that two of them can live in one process and a test owns its own.
// Errors, patterns, embedded files and tables that no code writes to are no state.
func State(t *Tree) []Breach {
	var found []Breach
	for dir, files := range t.packages() {
		if beside(dir) {
			continue // a suite may share a broker among its tests
		}
		written := writes(files)
		for _, f := range files {
			if !f.Test {
				found = append(found, stateOf(f, written)...)
			}
		}
	}
	return sorted(found)
}

func stateOf(f *File, written map[string]bool) []Breach {
	var found []Breach
	for _, d := range f.AST.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				found = append(found, Breach{File: f.Path, Line: f.Line(d.Pos()),
					What: "init runs before anybody can say no: let main call a constructor"})
			}
		case *ast.GenDecl:
			if d.Tok == token.VAR {
				found = append(found, variables(f, d, written)...)
			}
		}
	}
	return found
}

func variables(f *File, d *ast.GenDecl, written map[string]bool) []Breach {
	var found []Breach
	for _, s := range d.Specs {
		spec := s.(*ast.ValueSpec) // a var declaration holds nothing else
		if embedded(d.Doc) || embedded(spec.Doc) {
			continue
		}
		for n, name := range spec.Names {
			if why := stateful(f, spec, n, written[name.Name]); name.Name != "_" && why != "" {
				found = append(found, Breach{File: f.Path, Line: f.Line(name.Pos()),
					What: fmt.Sprintf("package variable %s %s: make it a field of what uses it", name.Name, why)})
			}
		}
	}
	return found
}

// stateful says why the n-th variable of a declaration is state, or "".
func stateful(f *File, spec *ast.ValueSpec, n int, written bool) string {
	switch {
	case spec.Type != nil && holder(f, spec.Type):
		return "holds state"
	case written:
		return "is written to"
	case len(spec.Values) == 0 && group(f.Dir) == "cmd" && named(spec.Type, "string"):
		return "" // the linker writes it (-X main.NAME), before any code runs
	case len(spec.Values) == 0:
		return "has no value yet, so something writes to it"
	}
	value := spec.Values[0]
	if n < len(spec.Values) {
		value = spec.Values[n]
	}
	return statefulValue(f, value)
}

func statefulValue(f *File, value ast.Expr) string {
	switch v := value.(type) {
	case *ast.UnaryExpr:
		return statefulValue(f, v.X)
	case *ast.CompositeLit:
		if holder(f, v.Type) {
			return "holds state"
		}
	case *ast.CallExpr:
		if made, ok := v.Fun.(*ast.Ident); ok && (made.Name == "make" || made.Name == "new") {
			return "is made empty, so something fills it"
		}
		if sel, ok := v.Fun.(*ast.SelectorExpr); ok && !frozen[spell(sel)] {
			return fmt.Sprintf("holds what %s gave, which may change (internal/arch/state.go lists the calls that are known not to)", spell(sel))
		}
	}
	return ""
}

// holder says whether a type is one of package sync or sync/atomic, or a channel.
func holder(f *File, typ ast.Expr) bool {
	switch typ := typ.(type) {
	case *ast.ChanType:
		return true
	case *ast.StarExpr:
		return holder(f, typ.X)
	case *ast.IndexExpr:
		return holder(f, typ.X)
	case *ast.SelectorExpr:
		for _, i := range f.Imports {
			if holders[i.Path] && named(typ.X, i.Name) {
				return true
			}
		}
	}
	return false
}

func embedded(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if strings.HasPrefix(c.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

func spell(sel *ast.SelectorExpr) string {
	if id, ok := sel.X.(*ast.Ident); ok {
		return id.Name + "." + sel.Sel.Name
	}
	return sel.Sel.Name
}
