package arch

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Tree is a repository as the rules see it: its text files, the Go ones parsed.
type Tree struct {
	Fset  *token.FileSet
	Go    []*File
	Texts []Text
}

// File is one parsed Go file.
type File struct {
	Path    string // relative to the root, slashes
	Dir     string // its folder; "." for the root
	Test    bool   // ends in _test.go
	Lines   int
	Imports []Import
	AST     *ast.File
	fset    *token.FileSet
}

// Import is one import of a file.
type Import struct {
	Path string
	Name string // the name it goes by in the file
	Line int
}

// Text is one text file, Go or not.
type Text struct {
	Path string
	Body []byte
}

// Line gives the line of a position in the file.
func (f *File) Line(p token.Pos) int { return f.fset.Position(p).Line }

// NameOf gives the name by which a file knows a package, or "".
func (f *File) NameOf(importPath string) string {
	for _, i := range f.Imports {
		if i.Path == importPath {
			return i.Name
		}
	}
	return ""
}

// Load reads the tree under root. Folders that are built, downloaded or hidden are left
// out; Go files under testdata are text, as they are for the go command.
func Load(root fs.FS) (*Tree, error) {
	t := &Tree{Fset: token.NewFileSet()}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && skipped(name):
			return fs.SkipDir
		case !entry.Type().IsRegular() || name == ".git": // a file in a second work tree
			return nil
		}
		return t.add(root, name)
	})
	if err != nil {
		return nil, fmt.Errorf("read the tree: %w", err)
	}
	return t, nil
}

func skipped(dir string) bool {
	switch base := path.Base(dir); base {
	case ".", ".ci":
		return false
	case "node_modules", "__pycache__", "gantry-data":
		return true
	default:
		return dir == "bin" || strings.HasPrefix(base, ".")
	}
}

func (t *Tree) add(root fs.FS, name string) error {
	body, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	if bytes.IndexByte(body, 0) >= 0 || !utf8.Valid(body) {
		return nil // not text
	}
	t.Texts = append(t.Texts, Text{Path: name, Body: body})
	if path.Ext(name) != ".go" || strings.Contains("/"+name, "/testdata/") {
		return nil
	}
	return t.parse(name, body)
}

func (t *Tree) parse(name string, body []byte) error {
	parsed, err := parser.ParseFile(t.Fset, name, body, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	f := &File{
		Path: name, Dir: path.Dir(name), Test: strings.HasSuffix(name, "_test.go"),
		Lines: bytes.Count(body, []byte("\n")), AST: parsed, fset: t.Fset,
	}
	for _, spec := range parsed.Imports {
		f.Imports = append(f.Imports, importOf(f, spec))
	}
	t.Go = append(t.Go, f)
	return nil
}

func importOf(f *File, spec *ast.ImportSpec) Import {
	p, _ := strconv.Unquote(spec.Path.Value) // the parser has accepted it
	name := path.Base(p)
	if spec.Name != nil {
		name = spec.Name.Name
	}
	return Import{Path: p, Name: name, Line: f.Line(spec.Pos())}
}

// packages gives the files of every package folder. Test files are among them.
func (t *Tree) packages() map[string][]*File {
	dirs := map[string][]*File{}
	for _, f := range t.Go {
		dirs[f.Dir] = append(dirs[f.Dir], f)
	}
	return dirs
}
