package process_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
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
	if runtime.GOOS != "linux" {
		t.Skip("the hostile functions of this test are written for Linux")
	}
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

func TestFailedStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		options       []option
		kind, message string
	}{
		{"exits", []option{mode("exit-at-start")}, "Runtime.ExitError", "Error: Runtime exited with error: exit status 7"},
		{"reports", []option{mode("init-error")}, "Setup", "no database"},
		{"hangs twice", []option{mode("hang-at-start"), initTimeout(200 * time.Millisecond), timeout(300 * time.Millisecond)}, "Sandbox.Timedout", "Error: Task timed out after 0.30 seconds"},
		{"no bootstrap", []option{func(_ *function.Function, c *process.Config) { c.CodeDir = os.TempDir() }}, "Runtime.InvalidEntrypoint", "Couldn't find valid bootstrap(s): [" + filepath.Join(os.TempDir(), "bootstrap") + "]"},
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

func TestHeaders(t *testing.T) {
	t.Parallel()
	r := newRig(t, mode("headers"), timeout(30*time.Second))
	context := base64.StdEncoding.EncodeToString([]byte(`{"custom":{"a":"b"}}`))
	o := r.Invoke(t.Context(), function.Invocation{Payload: []byte(`{}`), RequestID: "8c5f4f0e-0000-4000-8000-000000000001", ClientContext: context, TraceID: "Root=1-2-3"})
	var h http.Header
	require.NoError(t, json.Unmarshal(o.Answer, &h), o.Message)
	require.Equal(t, "8c5f4f0e-0000-4000-8000-000000000001", o.RequestID)
	require.Equal(t, o.RequestID, h.Get("Lambda-Runtime-Aws-Request-Id"))
	require.Equal(t, "Root=1-2-3", h.Get("Lambda-Runtime-Trace-Id"))
	require.Equal(t, `{"custom":{"a":"b"}}`, h.Get("Lambda-Runtime-Client-Context"))
	require.Equal(t, "arn:aws:lambda:eu-west-1:123456789012:function:orders", h.Get("Lambda-Runtime-Invoked-Function-Arn"))
	require.Equal(t, "application/json", h.Get("Content-Type"))
	require.Len(t, h.Get("Lambda-Runtime-Invocation-Id"), 32)
	deadline, err := strconv.ParseInt(h.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(30*time.Second), time.UnixMilli(deadline), 10*time.Second)
}

// A process gets its own group and folder, and nothing of gantry's environment but PATH.
func TestSurroundings(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIANOTFORFUNCTIONS")
	t.Setenv("GANTRY_SECRET", "not for functions")
	inherited, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer inherited.Close()
	_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, inherited.Fd(), syscall.F_SETFD, 0) // as if it came from gantry's parent
	require.Zero(t, errno)
	dirty, err := syscall.Dup(int(inherited.Fd()))
	require.NoError(t, err)
	defer syscall.Close(dirty)

	r := newRig(t, env("TABLE", "orders"), env("PASSWORD", "declared"), func(_ *function.Function, c *process.Config) {
		c.Overrides = map[string]string{"PASSWORD": "overridden"}
	})
	context := base64.StdEncoding.EncodeToString([]byte(`{"custom":{"a":"b"}}`))
	o := r.Invoke(t.Context(), function.Invocation{Payload: []byte(`{"do":"look"}`), ClientContext: context})
	var seen struct {
		Env        []string
		Fds        map[string]string
		Pid, Group int
		Dir, Arn   string
		ID         string
		Client     map[string]string
		Left       float64
	}
	require.NoError(t, json.Unmarshal(o.Answer, &seen), o.Message)
	vars := map[string]string{}
	for _, v := range seen.Env {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	for _, name := range []string{"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "TMPDIR", "LAMBDA_TASK_ROOT", "LD_LIBRARY_PATH", "PATH"} {
		require.NotEmpty(t, vars[name], name)
		delete(vars, name)
	}
	require.Equal(t, map[string]string{
		"LANG": "C.UTF-8", "TZ": "UTC", "TABLE": "orders", "PASSWORD": "overridden", "_HANDLER": "bootstrap",
		"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_LAMBDA_FUNCTION_NAME": "orders",
		"AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/orders",
	}, varsWithout(vars, "_X_AMZN_TRACE_ID"))
	require.Equal(t, seen.Pid, seen.Group)
	require.Equal(t, os.DevNull, seen.Fds["0"])
	for fd, target := range seen.Fds {
		require.NotEqual(t, os.DevNull+" inherited", target)
		if fd != "0" {
			require.NotEqual(t, os.DevNull, target, "descriptor %s was inherited", fd)
		}
	}
	require.Equal(t, o.RequestID, seen.ID)
	require.Equal(t, map[string]string{"a": "b"}, seen.Client)
	require.InDelta(t, 20, seen.Left, 10)
}

func varsWithout(vars map[string]string, name string) map[string]string {
	delete(vars, name)
	return vars
}

func TestStrangerIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.invoke(`{"do":"look"}`)
	var seen struct{ Env []string }
	require.NoError(t, json.Unmarshal(o.Answer, &seen))
	for _, v := range seen.Env {
		address, ok := strings.CutPrefix(v, "AWS_LAMBDA_RUNTIME_API=")
		if !ok {
			continue
		}
		answer, err := http.Get("http://" + address + "/2018-06-01/runtime/invocation/next")
		require.NoError(t, err)
		defer answer.Body.Close()
		require.Equal(t, http.StatusForbidden, answer.StatusCode)
		return
	}
	t.Fatal("no address")
}

func TestLines(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 20 { // the lines of one event must never carry the id of the next
		o := r.Invoke(t.Context(), function.Invocation{Payload: []byte(`{"do":"log"}`), LogTail: true})
		log := string(o.Log)
		require.True(t, strings.HasPrefix(log, "START RequestId: "+o.RequestID+" Version: $LATEST\n"), log)
		require.Contains(t, log, "to stdout\n")
		require.Contains(t, log, "to stderr\n")
		require.Contains(t, log, "\nEND RequestId: "+o.RequestID+"\nREPORT RequestId: "+o.RequestID+"\tDuration: ")
		r.logs.mu.Lock()
		for _, line := range r.logs.all {
			if line.Text == "to stdout" || line.Text == "to stderr" {
				require.Equal(t, o.RequestID, line.RequestID)
				require.Equal(t, strings.TrimPrefix(line.Text, "to "), line.Stream)
			}
		}
		r.logs.all = nil
		r.logs.mu.Unlock()
		require.Nil(t, r.invoke(`{}`).Log)
	}
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

func TestProcessThatEndsBetweenEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.Equal(t, function.Succeeded, r.invoke(`{"do":"exit-later"}`).Class)
	require.Eventually(t, func() bool { return r.Stats().Crashes == 1 && r.Stats().Processes == 0 }, 10*time.Second, time.Millisecond)
	require.Equal(t, function.Succeeded, r.invoke(`{}`).Class)
}

// Whatever the function started goes with it, also where it holds the function's pipes.
func TestChildrenOfTheFunction(t *testing.T) {
	t.Parallel()
	for _, hang := range []int{0, 1} {
		r := newRig(t, timeout(500*time.Millisecond))
		file := filepath.Join(t.TempDir(), "pid")
		o := r.invoke(fmt.Sprintf(`{"do":"fork","path":%q,"size":%d}`, file, hang))
		if hang == 0 {
			require.Equal(t, function.Succeeded, o.Class, o.Message)
			require.NoError(t, r.Close(t.Context()))
		} else {
			require.Equal(t, function.Failed, o.Class, o.Message)
		}
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		pid, err := strconv.Atoi(string(b))
		require.NoError(t, err)
		require.Eventually(t, func() bool { return !alive(pid) }, 5*time.Second, time.Millisecond)
	}
}

func TestSIGTERM(t *testing.T) {
	t.Parallel()
	mark := filepath.Join(t.TempDir(), "mark")
	r := newRig(t, mode("sigterm"), env("MARK", mark))
	require.Equal(t, function.Succeeded, r.invoke(`{}`).Class)
	require.Eventually(t, func() bool { // its extension may register after its first event
		_, failed := r.logs.find("Failed to register")
		return !failed && r.invoke(`{}`).Class == function.Succeeded
	}, 5*time.Second, 10*time.Millisecond)
	require.NoError(t, r.Close(t.Context()))
	require.FileExists(t, mark)
}

func TestClosedStandardFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t, mode("stdin-closed"))
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

func TestRemoveStale(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "function-orders-1", "x"), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "runtime-1"), 0o700))
	require.NoError(t, process.RemoveStale(dir))
	left, _ := os.ReadDir(dir)
	require.Len(t, left, 1)
}

func BenchmarkWarmInvoke(b *testing.B) {
	for _, size := range []int{100, 100_000, 6_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			r := newRig(b)
			event := []byte(`"` + strings.Repeat("x", size) + `"`)
			in := function.Invocation{Payload: event}
			r.Invoke(b.Context(), in)
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				o := r.Invoke(b.Context(), in)
				if o.Class != function.Succeeded {
					b.Fatal(o.Message)
				}
				took = append(took, o.Elapsed)
			}
			b.ReportMetric(float64(percentile(took, 50).Microseconds()), "p50-µs")
			b.ReportMetric(float64(percentile(took, 99).Microseconds()), "p99-µs")
		})
	}
}

func percentile(d []time.Duration, p int) time.Duration {
	slices.Sort(d)
	return d[len(d)*p/100]
}
