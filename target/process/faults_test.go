//go:build linux

package process_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/process"
)

// What Lambda's documents look like for each fault, and whether the next event works.
func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, event   string
		options       []option
		kind, message string
		crashes       uint64
	}{
		{"error", `{"do":"fail"}`, nil, "errorString", "no such order", 0},
		{"panic", `{"do":"panic"}`, nil, "string", "lost", 1},
		{"exit status", `{"do":"exit"}`, nil, "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 3", 1},
		{"exit status 0", `{"do":"exit-0"}`, nil, "Runtime.ExitError", "RequestId: ID Error: Runtime exited without providing a reason", 1},
		{"timeout, ignoring signals", `{"do":"hang"}`, []option{timeout(400 * time.Millisecond)}, "Sandbox.Timedout", "RequestId: ID Error: Task timed out after 0.40 seconds", 0},
		{"timeout while it floods its output", `{"do":"flood"}`, []option{timeout(400 * time.Millisecond)}, "Sandbox.Timedout", "RequestId: ID Error: Task timed out after 0.40 seconds", 0},
		{"memory", `{"do":"memory"}`, nil, "Runtime.OutOfMemory", "RequestId: ID Error: Runtime exited with error: signal: killed", 1},
		{"answer too large", `{"do":"big","size":6291557}`, nil, "Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes).", 0},
		{"asks for the next event without an answer", `{}`, []option{mode("next-twice")}, "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 3", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, test.options...)
			kind, message := r.document(r.invoke(test.event))
			require.Equal(t, test.kind, kind)
			require.Equal(t, test.message, message)
			if len(test.options) == 0 {
				require.Equal(t, function.Succeeded, r.invoke(`{}`).Class, "the event after it")
			}
			require.Eventually(t, func() bool { return r.Stats().Crashes >= test.crashes }, 5*time.Second, time.Millisecond)
		})
	}
}

func TestFailedStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		options       []option
		kind, message string
	}{
		{"exits", []option{mode("exit-at-start")}, "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 7"},
		{"reports", []option{mode("init-error")}, "Setup", "no database"},
		{"hangs twice", []option{mode("hang-at-start"), initTimeout(200 * time.Millisecond), timeout(300 * time.Millisecond)}, "Sandbox.Timedout", "RequestId: ID Error: Task timed out after 0.30 seconds"},
		{"no bootstrap", []option{func(_ *function.Function, c *process.Config) { c.CodeDir = os.TempDir() }}, "Runtime.InvalidEntrypoint", "RequestId: ID Error: Couldn't find valid bootstrap(s): [" + filepath.Join(os.TempDir(), "bootstrap") + "]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mark := t.TempDir()
			r := newRig(t, append(test.options, env("MARK", mark))...)
			o := r.Invoke(t.Context(), function.Invocation{Payload: []byte(`{}`), LogTail: true})
			kind, message := r.document(o)
			require.Equal(t, test.kind, kind)
			require.Contains(t, message, test.message)
			require.NotZero(t, r.Stats().InitFailure)
			if test.name == "hangs twice" {
				starts, _ := os.ReadDir(mark)
				require.Len(t, starts, 2, "the init phase is repeated once")
			}
			if test.name == "exits" {
				require.Contains(t, string(o.Log), "cannot go on")
			}
		})
	}
}

// An init phase over its limit is repeated under the function's timeout, and then works.
func TestSlowStart(t *testing.T) {
	t.Parallel()
	r := newRig(t, mode("slow-first-start"), env("MARK", filepath.Join(t.TempDir(), "mark")), initTimeout(300*time.Millisecond))
	o := r.invoke(`{"n":1}`)
	require.Equal(t, function.Succeeded, o.Class, o.Message)
	_, ok := r.logs.find("INIT_REPORT")
	require.True(t, ok)
}

func TestStrictAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t, mode("wrong-id"))
	o := r.invoke(`{}`)
	require.JSONEq(t, `[400,400]`, string(o.Answer), o.Message)

	r = newRig(t, mode("twice"))
	require.Equal(t, `"one"`, string(r.invoke(`{}`).Answer))
	require.Equal(t, `"one"`, string(r.invoke(`{}`).Answer))
	_, ok := r.logs.find("first 202 second 403")
	require.True(t, ok)
}

func TestCut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	pid := r.pid()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	o := r.Invoke(ctx, function.Invocation{Payload: []byte(`{"do":"hang"}`)})
	require.Equal(t, function.Unknown, o.Class, o.Message)
	require.False(t, alive(pid), "the process is gone when Invoke returns")
	require.Zero(t, r.Stats().Crashes)
}

func TestProcessThatEndsBetweenEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.Equal(t, function.Succeeded, r.invoke(`{"do":"exit-later"}`).Class)
	require.Eventually(t, func() bool { return r.Stats().Crashes == 1 && r.Stats().Processes == 0 }, 10*time.Second, time.Millisecond)
	require.Equal(t, function.Succeeded, r.invoke(`{}`).Class)
}

// The payload is the caller's when Invoke returns, also if the process never reads it.
func TestEventThatIsNotRead(t *testing.T) {
	t.Parallel()
	r := newRig(t, mode("unread-event"), timeout(700*time.Millisecond))
	event := bytes.Repeat([]byte{' '}, function.MaxPayload)
	o := r.Invoke(t.Context(), function.Invocation{Payload: event})
	require.Equal(t, function.Succeeded, o.Class, o.Message)
	clear(event) // the race detector sees a write that is still reading
}
