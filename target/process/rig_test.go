//go:build linux

package process_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/process"
)

// bootstrap builds the function of the tests, once.
var bootstrap = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gantry-process-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "bootstrap")
	out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", path, "./testdata/function").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the function: %w: %s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	if file := os.Getenv(standIn); file != "" {
		playGantry(file)
	}
	if target := os.Getenv(asksForEgress); target != "" {
		sayEgress(target)
	}
	code := m.Run()
	if dir, err := bootstrap(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// lines keeps what functions wrote.
type lines struct {
	mu  sync.Mutex
	all []process.Line
}

func (l *lines) Line(line process.Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) < 100_000 {
		l.all = append(l.all, line)
	}
}

func (l *lines) find(text string) (process.Line, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if strings.Contains(line.Text, text) {
			return line, true
		}
	}
	return process.Line{}, false
}

// rig is one pool of the tests' function.
type rig struct {
	*process.Pool
	t    testing.TB
	logs *lines
	data string
}

type option func(*function.Function, *process.Config)

func mode(m string) option { return env("MODE", m) }
func env(k, v string) option {
	return func(f *function.Function, _ *process.Config) { f.Environment[k] = v }
}
func timeout(d time.Duration) option {
	return func(f *function.Function, _ *process.Config) { f.Timeout = d }
}
func processes(n int) option {
	return func(f *function.Function, _ *process.Config) { f.Processes = n }
}
func initTimeout(d time.Duration) option {
	return func(_ *function.Function, c *process.Config) { c.InitTimeout = d }
}

func newRig(t testing.TB, options ...option) *rig {
	t.Helper()
	dir, err := bootstrap()
	require.NoError(t, err)
	r := &rig{t: t, logs: &lines{}, data: t.TempDir()}
	fn := function.Function{Name: "orders", Runtime: "provided.al2023", Handler: "bootstrap", Timeout: 20 * time.Second, Memory: 256, Processes: 1, Environment: map[string]string{}}
	cfg := process.Config{CodeDir: dir, Region: "eu-west-1", AccountID: "123456789012", DataDir: r.data, Log: r.logs, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, o := range options {
		o(&fn, &cfg)
	}
	r.Pool, err = process.New(fn, cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, r.Close(ctx))
		left, _ := filepath.Glob(filepath.Join(r.data, "function-*"))
		require.Empty(t, left, "temp folders left behind")
	})
	return r
}

func (r *rig) invoke(event string) function.Outcome {
	return r.Invoke(r.t.Context(), function.Invocation{Payload: []byte(event)})
}

func (r *rig) pid() int {
	o := r.invoke(`{"do":"pid"}`)
	require.Equal(r.t, function.Succeeded, o.Class, o.Message)
	pid, err := strconv.Atoi(string(o.Answer))
	require.NoError(r.t, err)
	return pid
}

func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !bytes.Contains(b, []byte(") Z "))
}

func (r *rig) document(o function.Outcome) (kind, message string) {
	var doc struct{ ErrorType, ErrorMessage string }
	require.Equal(r.t, function.Failed, o.Class, o.Message)
	require.Equal(r.t, "Unhandled", o.FunctionError)
	require.Equal(r.t, 200, o.StatusCode)
	require.NoError(r.t, json.Unmarshal(o.Answer, &doc), string(o.Answer))
	return doc.ErrorType, strings.ReplaceAll(doc.ErrorMessage, o.RequestID, "ID")
}
