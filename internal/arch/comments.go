package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// standardMethods are known to every Go reader from the standard library's interfaces:
// a sentence on each of them would say nothing.
var standardMethods = map[string]bool{
	"String": true, "Error": true, "Unwrap": true, "Is": true, "As": true, "GoString": true, "Format": true,
	"Len": true, "Less": true, "Swap": true, "Push": true, "Pop": true,
	"Read": true, "Write": true, "Close": true, "Seek": true, "ReadFrom": true, "WriteTo": true,
	"MarshalJSON": true, "UnmarshalJSON": true, "MarshalText": true, "UnmarshalText": true,
	"MarshalYAML": true, "UnmarshalYAML": true, "LogValue": true, "ServeHTTP": true, "RoundTrip": true,
	"Set": true, "Type": true, // flag values
}

// Comments asks for a package comment in every package (the flow, the invariants) and a
// sentence on every exported name. A method that an interface of this repository declares
// has its sentence there, with the contract.
func Comments(t *Tree) []Breach {
	contracts := interfaceMethods(t)
	var found []Breach
	for dir, files := range t.packages() {
		if what := packageComment(files); what != "" {
			found = append(found, Breach{File: dir, What: what})
		}
		for _, f := range files {
			if !f.Test && f.AST.Name.Name != "main" && !ast.IsGenerated(f.AST) {
				found = append(found, undocumented(f, contracts)...)
			}
		}
	}
	return sorted(found)
}

func packageComment(files []*File) string {
	for _, f := range files {
		if f.AST.Doc == nil {
			continue
		}
		text, name := f.AST.Doc.Text(), strings.TrimSuffix(f.AST.Name.Name, "_test")
		if name == "main" || strings.HasPrefix(text, "Package "+name+" ") || strings.HasPrefix(text, "Package "+name+"_test ") {
			return ""
		}
		return fmt.Sprintf("its package comment begins %q, not with \"Package %s\"", first(text), name)
	}
	return "no package comment: say what flows through it and what always holds"
}

func first(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func interfaceMethods(t *Tree) map[string]bool {
	names := map[string]bool{}
	for _, f := range t.Go {
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if i, ok := n.(*ast.InterfaceType); ok {
				for _, m := range i.Methods.List {
					for _, id := range m.Names {
						names[id.Name] = true
					}
				}
			}
			return true
		})
	}
	return names
}

func undocumented(f *File, contracts map[string]bool) []Breach {
	var found []Breach
	need := func(id *ast.Ident, docs ...*ast.CommentGroup) {
		if !id.IsExported() {
			return
		}
		for _, d := range docs {
			if d != nil {
				return
			}
		}
		found = append(found, Breach{File: f.Path, Line: f.Line(id.Pos()), What: id.Name + " is exported and says nothing of itself"})
	}
	for _, d := range f.AST.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || (reachable(d.Recv) && !standardMethods[d.Name.Name] && !contracts[d.Name.Name]) {
				need(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			eachName(d, need)
		}
	}
	return found
}

// eachName visits the names of a declaration with the comments that may speak for them.
// A type speaks for itself; a group of constants or variables may have one comment.
func eachName(d *ast.GenDecl, visit func(*ast.Ident, ...*ast.CommentGroup)) {
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			docs := []*ast.CommentGroup{s.Doc, s.Comment}
			if d.Lparen == token.NoPos {
				docs = append(docs, d.Doc)
			}
			visit(s.Name, docs...)
		case *ast.ValueSpec:
			for _, name := range s.Names {
				visit(name, d.Doc, s.Doc, s.Comment)
			}
		}
	}
}

// reachable says whether the receiver's type is exported.
func reachable(recv *ast.FieldList) bool {
	typ := recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		case *ast.Ident:
			return t.IsExported()
		default:
			return false
		}
	}
}
