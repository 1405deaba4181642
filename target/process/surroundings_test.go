//go:build linux

package process_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/process"
)

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
	delete(vars, "_X_AMZN_TRACE_ID") // aws-lambda-go sets it itself
	for _, name := range []string{"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "TMPDIR", "LAMBDA_TASK_ROOT", "LD_LIBRARY_PATH", "PATH", "HOME"} {
		require.NotEmpty(t, vars[name], name)
		delete(vars, name)
	}
	require.Equal(t, map[string]string{
		"LANG": "C.UTF-8", "TZ": "UTC", "TABLE": "orders", "PASSWORD": "overridden", "_HANDLER": "bootstrap",
		"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_LAMBDA_FUNCTION_NAME": "orders",
		"AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_EC2_METADATA_DISABLED":      "true",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/orders",
	}, vars)
	require.Equal(t, seen.Pid, seen.Group)
	require.Equal(t, os.DevNull, seen.Fds["0"])
	for fd, target := range seen.Fds {
		if fd != "0" {
			require.NotEqual(t, os.DevNull, target, "descriptor %s was inherited", fd)
		}
	}
	require.Equal(t, o.RequestID, seen.ID)
	require.Equal(t, map[string]string{"a": "b"}, seen.Client)
	require.InDelta(t, 20, seen.Left, 10)
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
		require.NoError(t, answer.Body.Close())
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

func TestRemoveStale(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "function-orders-1", "x"), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "runtime-1"), 0o700))
	require.NoError(t, process.RemoveStale(dir))
	left, _ := os.ReadDir(dir)
	require.Len(t, left, 1)
}
