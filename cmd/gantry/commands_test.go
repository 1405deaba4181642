package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/api/door"
	"gantry/declare"
)

// living is a gantry that serves a file on the built-in broker, in this process.
type living struct {
	t        *testing.T
	endpoint string
}

// live serves text until the test ends.
func live(t *testing.T, text string) living {
	t.Helper()
	dir := t.TempDir()
	file, err := declare.Parse([]byte(text), declare.Identity{Name: "test.yaml", Dir: dir})
	require.NoError(t, err)
	file.DataDir = filepath.Join(dir, "data")
	stopBroker, err := startEmbedded(file)
	require.NoError(t, err)
	t.Cleanup(stopBroker)
	srv, err := open(t.Context(), options{
		file: file, base: dir, name: "test.yaml", anonymous: true, log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	l, err := door.Listen(t.Context(), door.Place{Address: "127.0.0.1:0"})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- srv.run(ctx, l) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
		require.NoError(t, srv.close())
	})
	return living{t, "http://" + l.Addr().String()}
}

// do carries out a command against it.
func (l living) do(in string, line ...string) (code int, out, errs string) {
	l.t.Helper()
	var o, e bytes.Buffer
	code = run(l.t.Context(), append(line, "--endpoint", l.endpoint, "--data-dir", l.t.TempDir()), streams{strings.NewReader(in), &o, &e})
	return code, o.String(), e.String()
}

// must carries out a command that works.
func (l living) must(line ...string) string {
	l.t.Helper()
	code, out, errs := l.do("", line...)
	require.Zero(l.t, code, "%v: %s%s", line, out, errs)
	return out
}

// TestCommands walks through the life of mappings with the commands a person types.
func TestCommands(t *testing.T) {
	t.Parallel()
	keep := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(keep.Close)
	functions := "functions: { keep: { http: \"" + keep.URL + "\" } }\n"
	g := live(t, "clusters: { local: { embedded: true } }\n"+functions+
		"mappings: { base: { function: keep, cluster: local, topic: orders, startingPosition: TRIM_HORIZON } }\n")
	g.until("get", "mappings").contains("base", "Enabled")
	require.Equal(t, "3 records written to orders\n", g.must("produce", "orders", "--cluster", "local", "1", "2", "3"))
	require.Equal(t, "base is settled\n", g.must("wait", "base", "--settled", "--timeout", "20s"))
	require.Contains(t, g.must("offsets", "show", "base"), "group gantry.base")

	name := filepath.Join(t.TempDir(), "test.yaml") // the served file by its base name: it owns what that declared
	const mapping = ": { function: keep, cluster: local, topic: orders, startingPosition: TRIM_HORIZON }\n"
	require.NoError(t, os.WriteFile(name, []byte(functions+"mappings:\n  one"+mapping+"  two"+mapping), 0o600))
	preview := g.must("apply", "-f", name, "--dry-run")
	require.Regexp(t, `create +mapping +one`, preview)
	require.Regexp(t, `pause +mapping +base`, preview)
	require.Contains(t, preview, "nothing was changed (--dry-run)")
	require.NotContains(t, g.must("get", "mappings"), "one")

	require.Equal(t, preview, g.must("apply", "-f", name)+"\nnothing was changed (--dry-run)\n", "what the preview said is done")
	g.until("get", "mappings").matches(`base .*Disabled`)
	require.Contains(t, g.must("wait", "one", "--settled", "--timeout", "20s"), "settled")
	require.NotContains(t, g.must("apply", "-f", name), "create")

	require.NoError(t, os.WriteFile(name, []byte(functions+"mappings:\n  one"+mapping), 0o600))
	require.Regexp(t, `delete +mapping +two`, g.must("apply", "-f", name, "--prune"))
	g.until("get", "mappings").lacks("two", "base")
	g.lifeOf("one")
}

// lifeOf pauses, resumes and deletes a mapping, each with its effect.
func (l living) lifeOf(name string) {
	l.t.Helper()
	require.Equal(l.t, name+": paused\n", l.must("pause", name))
	l.until("describe", "mapping", name).contains("Disabled")
	l.must("produce", "orders", "--cluster", "local", "4")
	code, _, errs := l.do("", "wait", name, "--settled", "--timeout", "3s")
	require.Equal(l.t, 1, code)
	require.Contains(l.t, errs, "1 record not settled within 3s")
	l.must("resume", name)
	l.must("wait", name, "--settled", "--timeout", "20s")

	code, _, errs = l.do("", "delete", "function", "keep")
	require.Equal(l.t, 1, code)
	require.Contains(l.t, errs, "function keep is used by mapping")
	l.must("delete", "mapping", name)
	l.until("get", "mappings").contains("no mappings yet")
	l.must("delete", "function", "keep")
	require.Contains(l.t, l.must("get", "functions"), "no functions yet")
}

// watch repeats a command until it shows what is waited for.
type watch struct {
	living
	line []string
}

func (l living) until(line ...string) watch { return watch{l, line} }

func (w watch) see(what string, ok func(out string) bool) {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return ok(w.must(w.line...)) }, 20*time.Second, 20*time.Millisecond, "%v: %s", w.line, what)
}

func (w watch) contains(words ...string) {
	w.t.Helper()
	for _, word := range words {
		w.see("want "+word, func(out string) bool { return strings.Contains(out, word) })
	}
}

func (w watch) lacks(words ...string) {
	w.t.Helper()
	for _, word := range words {
		w.see("still "+word, func(out string) bool { return !strings.Contains(out, word) })
	}
}

func (w watch) matches(pattern string) {
	w.t.Helper()
	re := regexp.MustCompile(pattern)
	w.see("want "+pattern, re.MatchString)
}
