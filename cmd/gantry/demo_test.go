package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/cli/demo"
)

// built is gantry itself, built once for each test that starts it.
func built(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds gantry and runs it")
	}
	name := filepath.Join(t.TempDir(), "gantry")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", name, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return name
}

// TestDemo runs the demo whole, by itself and by Ctrl-C: its equalities hold, and it
// leaves nothing behind.
func TestDemo(t *testing.T) {
	t.Parallel()
	gantry := built(t)
	t.Run("for 3s", func(t *testing.T) {
		t.Parallel()
		s := runDemo(t, exec.CommandContext(t.Context(), gantry, "demo", "--for", "3s", "-o", "json"), nil)
		requireBalanced(t, s)
	})
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		if runtime.GOOS == "windows" {
			t.Skip("a process cannot be interrupted there")
		}
		said := &waitFor{text: "00:02", seen: make(chan struct{})}
		cmd := exec.CommandContext(t.Context(), gantry, "demo", "-o", "json", "--rate", "200")
		cmd.Stderr = said
		requireBalanced(t, runDemo(t, cmd, func() {
			<-said.seen
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
		}))
	})
}

// runDemo runs a demo in a temporary folder of its own and reads its summary.
func runDemo(t *testing.T, cmd *exec.Cmd, meanwhile func()) demo.Summary {
	t.Helper()
	temp := t.TempDir()
	cmd.Env = append(os.Environ(), "TMPDIR="+temp)
	var out bytes.Buffer
	cmd.Stdout = &out
	if cmd.Stderr == nil {
		cmd.Stderr = &bytes.Buffer{}
	}
	require.NoError(t, cmd.Start())
	if meanwhile != nil {
		meanwhile()
	}
	require.NoError(t, cmd.Wait(), "%v", cmd.Stderr)
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	require.Empty(t, left, "the demo's folder stays behind")
	var s demo.Summary
	require.NoError(t, json.Unmarshal(out.Bytes(), &s), out.String())
	return s
}

func requireBalanced(t *testing.T, s demo.Summary) {
	t.Helper()
	require.True(t, s.NothingLost(), "%+v", s)
	by := map[string]demo.StageSummary{}
	for _, f := range s.Stages {
		by[f.Mapping] = f
		require.Equal(t, f.Produced, f.FilteredOut+f.Processed+f.DeadLetters, "%+v", f)
		require.Zero(t, f.Missing+f.Unwanted+f.Lag, "%+v", f)
		require.Positive(t, f.Processed, "%+v", f)
		require.Positive(t, f.Batches, "%+v", f)
	}
	if demo.HasPython(t.Context()) {
		require.Contains(t, by, "orders-to-score", "python3 is here and its function did not join")
	}
	require.GreaterOrEqual(t, len(by), 7, "a function is missing from the summary")
	require.Positive(t, s.Produced["orders"])
	require.Equal(t, s.Produced["orders"], by["orders-to-validate"].Produced)
	require.Positive(t, by["orders-to-price"].FilteredOut, "no order was filtered out")
	settle := by["payments-to-settle"]
	require.Positive(t, settle.DeadLetters, "no poison record became a dead letter")
	require.GreaterOrEqual(t, settle.Retries, 2*settle.DeadLetters, "a dead letter was tried three times")
	require.Equal(t, settle.DeadLetters, by["dead-letters-to-bucket"].Processed)
	require.Equal(t, s.Produced["orders"]+settle.DeadLetters, int64(s.Stored))
}

// waitFor closes seen when text was written.
type waitFor struct {
	text string
	all  bytes.Buffer
	done bool
	seen chan struct{}
}

func (w *waitFor) Write(p []byte) (int, error) {
	n, err := w.all.Write(p)
	if !w.done && strings.Contains(w.all.String(), w.text) {
		w.done = true
		close(w.seen)
	}
	return n, err
}

func TestDemoUsage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line string
		code int
		want string
	}{
		{"demo --print-config", 0, "payments-to-settle:"},
		{"demo --rate 0 --for -1s", 2, "--for -1s: a time cannot be negative\n--rate 0: want 1 to 20000"},
		{"demo -o yaml", 2, "-o yaml: want table or json"},
		{"demo --headles", 2, "unknown flag: --headles"},
		{"demo orders", 2, "unknown command"},
	} {
		var out, said bytes.Buffer
		code := run(context.Background(), strings.Fields(c.line), streams{strings.NewReader(""), &out, &said})
		require.Equal(t, c.code, code, c.line)
		require.Contains(t, out.String()+said.String(), c.want, c.line)
	}
}
