//go:build linux

package process_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/process"
)

func TestAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.invoke(`{"hello":"wörld"}`)
	require.Equal(t, function.Succeeded, o.Class, o.Message)
	require.JSONEq(t, `{"hello":"wörld"}`, string(o.Answer))
	require.Equal(t, 200, o.StatusCode)
	require.Equal(t, "$LATEST", o.ExecutedVersion)
	require.Empty(t, o.FunctionError)
	require.NotEmpty(t, o.RequestID)
	require.Equal(t, uint64(1), r.Stats().ColdStarts)
}

func TestAnswerOfTheLargestSize(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.invoke(fmt.Sprintf(`{"do":"big","size":%d}`, function.MaxAnswer))
	require.Equal(t, function.Succeeded, o.Class, o.Message)
	require.Len(t, o.Answer, function.MaxAnswer)
	event := `"` + strings.Repeat("x", function.MaxPayload-2) + `"`
	require.Equal(t, event, string(r.invoke(event).Answer))
	require.Equal(t, function.TooLarge, r.invoke(event+" ").Class)
}

// With every process busy a caller waits until its context ends; it never ran.
func TestNoProcessFree(t *testing.T) {
	t.Parallel()
	r := newRig(t, processes(2))
	file := filepath.Join(t.TempDir(), "wait")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	answers := make(chan function.Outcome, 3)
	for range 2 {
		go func() { answers <- r.invoke(fmt.Sprintf(`{"do":"wait","path":%q}`, file)) }()
	}
	require.Eventually(t, func() bool { return r.Stats().Busy == 2 && r.Stats().ColdStarts == 2 }, 10*time.Second, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	o := r.Invoke(ctx, function.Invocation{Payload: []byte(`{}`)})
	require.Equal(t, function.NotReached, o.Class)
	require.Contains(t, o.Message, "no process became free")

	go func() { answers <- r.invoke(`{}`) }()
	require.Eventually(t, func() bool { return r.Stats().Waiting == 1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, os.Remove(file))
	for range 3 {
		require.Equal(t, function.Succeeded, (<-answers).Class)
	}
	require.Equal(t, 2, r.Stats().Processes)
}

// One caller at a time needs one process, also when it calls again at once.
func TestOneProcessForOneCaller(t *testing.T) {
	t.Parallel()
	r := newRig(t, processes(8))
	seen := map[int]bool{}
	for range 200 {
		seen[r.pid()] = true
	}
	require.LessOrEqual(t, len(seen), 3, "a busy machine may delay a process, not two hundred times")
}

func TestIdleProcessesEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(_ *function.Function, c *process.Config) { c.IdleTimeout = 100 * time.Millisecond })
	pid := r.pid()
	require.Eventually(t, func() bool { return r.Stats().Processes == 0 && !alive(pid) }, 10*time.Second, 5*time.Millisecond)
	require.Zero(t, r.Stats().Crashes)
	require.NotEqual(t, pid, r.pid())
}

func TestClose(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	pid := r.pid()
	require.NoError(t, r.Close(t.Context()))
	require.NoError(t, r.Close(t.Context()))
	require.False(t, alive(pid))
	require.Equal(t, function.NotReached, r.invoke(`{}`).Class)

	unused := newRig(t)
	require.NoError(t, unused.Close(t.Context()))

	busy := newRig(t)
	done := make(chan function.Outcome, 1)
	go func() { done <- busy.invoke(`{"do":"hang"}`) }()
	require.Eventually(t, func() bool { return busy.Stats().ColdStarts == 1 }, 10*time.Second, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.NoError(t, busy.Close(ctx))
	require.Equal(t, function.Unknown, (<-done).Class)
}

func TestCommand(t *testing.T) {
	t.Parallel()
	dir, err := bootstrap()
	require.NoError(t, err)
	r := newRig(t, func(f *function.Function, c *process.Config) {
		f.Runtime, c.CodeDir, c.Command = "", "", []string{filepath.Join(dir, "bootstrap"), "argument"}
	})
	require.Equal(t, function.Succeeded, r.invoke(`{}`).Class)
}

func TestManyCallers(t *testing.T) {
	t.Parallel()
	r := newRig(t, processes(4))
	var callers sync.WaitGroup
	for c := range 16 {
		callers.Go(func() {
			for i := range 50 {
				event := fmt.Sprintf(`{"caller":%d,"i":%d}`, c, i)
				if i%25 == 24 {
					event = `{"do":"exit"}`
				}
				o := r.invoke(event)
				if i%25 == 24 {
					if o.Class != function.Failed {
						t.Errorf("an exit is %s: %s", o.Class, o.Message)
					}
				} else if string(o.Answer) != event {
					t.Errorf("%s answered %s (%s: %s)", event, o.Answer, o.Class, o.Message)
				}
			}
		})
	}
	callers.Wait()
	require.LessOrEqual(t, r.Stats().Processes, 4)
	require.Zero(t, r.Stats().Waiting)
}

func TestNewNamesEveryFault(t *testing.T) {
	t.Parallel()
	_, err := process.New(function.Function{Name: "orders", Runtime: "python3.12", Environment: map[string]string{"AWS_REGION": "x", "1": "y", "_HANDLER": "z"}},
		process.Config{CodeDir: filepath.Join(t.TempDir(), "missing")})
	for _, part := range []string{"AWS_REGION: the name is reserved", `"1": a name`, "_HANDLER: the name is reserved", "code folder"} {
		require.ErrorContains(t, err, part)
	}
	require.Equal(t, []string{"AWS_REGION", "_HANDLER"}, process.Reserved(map[string]string{"AWS_REGION": "", "_HANDLER": "", "OK": ""}))
	_, err = process.New(function.Function{Name: "orders", Runtime: "ruby3.4"}, process.Config{CodeDir: t.TempDir()})
	require.ErrorContains(t, err, `runtime "ruby3.4" cannot run`)
	require.ErrorContains(t, process.Validate(map[string]string{"BIG": strings.Repeat("x", 5000)}), "over the limit of 4096")
}
