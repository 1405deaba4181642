package logevent_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/telemetry/logevent"
)

// call is a place in the code that writes a line.
type call struct {
	at    string
	level slog.Level
	says  string
	attrs []string
	event string // given at the place itself
}

var levels = map[string]slog.Level{"Debug": slog.LevelDebug, "Info": slog.LevelInfo, "Warn": slog.LevelWarn, "Error": slog.LevelError}

// calls finds every one of them in the product.
func calls(t *testing.T) []call {
	var found []call
	files := token.NewFileSet()
	root := filepath.Join("..", "..")
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() {
			top := strings.Split(filepath.ToSlash(rel), "/")[0]
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || slices.Contains([]string{"internal", "test", "examples", "bin"}, top)) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				if one, ok := line(files, c); ok {
					found = append(found, one)
				}
			}
			return true
		})
		return nil
	}))
	return found
}

// line reads a call such as x.Log.Warn("words", "key", value).
func line(files *token.FileSet, c *ast.CallExpr) (call, bool) {
	method, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return call{}, false
	}
	name, withContext := strings.CutSuffix(method.Sel.Name, "Context")
	level, ok := levels[name]
	if !ok || !isLogger(method.X) {
		return call{}, false
	}
	args := c.Args
	if withContext {
		args = args[1:]
	}
	one := call{at: files.Position(c.Pos()).String(), level: level, says: text(args[0])}
	for i := 1; i < len(args); i += 2 {
		if key := text(args[i]); key == logevent.Key {
			one.event = text(args[i+1])
		} else {
			one.attrs = append(one.attrs, key)
		}
	}
	return one, true
}

func isLogger(x ast.Expr) bool {
	var name string
	switch v := x.(type) {
	case *ast.Ident:
		name = v.Name
	case *ast.SelectorExpr:
		name = v.Sel.Name
	}
	return slices.Contains([]string{"log", "Log", "Logger", "logger", "slog"}, name)
}

// text is a constant; of words that end in something else, the constant and an ellipsis.
func text(e ast.Expr) string {
	if sum, ok := e.(*ast.BinaryExpr); ok && sum.Op == token.ADD {
		return text(sum.X) + "…"
	}
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		s, _ := strconv.Unquote(lit.Value)
		return s
	}
	return "(not a constant)"
}

// withFunction are the packages whose logger carries the function's name already.
const withFunction = "target/process"

// TestEveryLineHasItsEvent: a line that is not in the table, or says other attributes, has
// no stable name. What may stand in a line is decided here: no value of a record, no key,
// no header, no answer.
func TestEveryLineHasItsEvent(t *testing.T) {
	t.Parallel()
	table := map[string]logevent.Event{}
	for _, e := range logevent.Events() {
		require.NotContains(t, table, e.Says)
		table[e.Says] = e
	}
	found := calls(t)
	require.Greater(t, len(found), 20, "the code is not read")
	used, said := map[string]bool{}, map[string]bool{}
	for _, c := range found {
		e, ok := table[c.says]
		if !ok {
			t.Errorf("%s: the line %q has no event: give it a row in telemetry/logevent/events.go, then go run ./internal/docgen", c.at, c.says)
			continue
		}
		used[c.says] = true
		attrs := c.attrs
		if strings.Contains(filepath.ToSlash(c.at), withFunction+"/") {
			attrs = append([]string{"function"}, attrs...)
		}
		if e.Level != c.level {
			t.Errorf("%s: %q is %v in the code and %v in telemetry/logevent/events.go", c.at, c.says, c.level, e.Level)
		}
		for _, attr := range attrs {
			if !slices.Contains(e.Attrs, attr) {
				t.Errorf("%s: %q has the attribute %q, which telemetry/logevent/events.go does not name", c.at, c.says, attr)
			}
			said[e.Name+" "+attr] = true
		}
		if c.event != "" && c.event != e.Name {
			t.Errorf("%s: the event is %q here and %q in telemetry/logevent/events.go", c.at, c.event, e.Name)
		}
	}
	for says, e := range table {
		if !used[says] {
			t.Errorf("event %s: nothing says %q any more", e.Name, says)
		}
		for _, attr := range e.Attrs {
			if !said[e.Name+" "+attr] {
				t.Errorf("event %s: no line of it has the attribute %q any more", e.Name, attr)
			}
			accessKey := strings.HasPrefix(e.Name, "aws.credentials.") && attr == "key" // the end of its id
			if !accessKey && slices.Contains([]string{"value", "key", "payload", "headers", "answer", "body", "record"}, attr) {
				t.Errorf("event %s: %q may be a payload", e.Name, attr)
			}
		}
	}
}

func TestHandlerNamesLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	drop := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	log := slog.New(logevent.Handler(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: drop})))
	log.With("function", "f").Warn("a process ended between invocations", "exit", "exit status 1")
	log.Warn("egress refused", "event", "mine", "target", "t")
	log.With("event", "theirs").Info("whatever a library says")
	log.Info("whatever a library says")
	require.Equal(t, `level=WARN msg="a process ended between invocations" function=f event=function.process_ended exit="exit status 1"
level=WARN msg="egress refused" event=mine target=t
level=INFO msg="whatever a library says" event=theirs
level=INFO msg="whatever a library says" event=unnamed
`, out.String())
}
