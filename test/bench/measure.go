package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gantry/internal/gantrytest"
)

// roleVariable makes the test binary a program under measurement.
const (
	roleVariable = "GANTRY_BENCH_ROLE"
	jobVariable  = "GANTRY_BENCH_JOB"
)

// roles are the programs that are part of this binary; gantry is its own.
func roles() map[string]func(context.Context, job) error {
	return map[string]func(context.Context, job) error{"raw": runRaw, "floor": runFloor}
}

// child runs as a program under measurement, if this process is one.
func child() (isOne bool, code int) {
	run, ok := roles()[os.Getenv(roleVariable)]
	if !ok {
		return false, 0
	}
	var j job
	if err := json.Unmarshal([]byte(os.Getenv(jobVariable)), &j); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return true, 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx, j); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return true, 1
	}
	return true, 0
}

// usage is what a program took.
type usage struct {
	Rate float64       // records a second
	CPU  time.Duration // user and system
	RSS  int64         // peak, bytes
}

// program starts a program under measurement.
func program(t testing.TB, role string, j job) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	if role == "gantry" {
		cmd = gantry(t, j)
	}
	body, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), roleVariable+"="+role, jobVariable+"="+string(body))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}

// gantry is the binary with one mapping, as a user would declare it.
func gantry(t testing.TB, j job) *exec.Cmd {
	dir := t.TempDir()
	output := ""
	if j.Output != "" {
		output = ", output: " + j.Output
	}
	config := fmt.Sprintf(`
functions: {sink: {http: %q, timeout: 30s}}
mappings:
  load: {function: sink, brokers: [%q], topic: %s, batchSize: %d, startingPosition: TRIM_HORIZON, consumerGroupId: %s, maximumBatchingWindow: %s, lanes: {perPartition: %d}%s}
`, j.URL, j.Brokers[0], j.Topic, j.BatchSize, j.Group, j.window(), max(1, j.Lanes), output)
	path := filepath.Join(dir, "gantry.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return exec.Command(gantrytest.Binary(t), "serve", "-c", path, "--data-dir", filepath.Join(dir, "data"),
		"--listen", "127.0.0.1:0", "--log-level", "warn")
}

// end stops a program and gives what it took. The peak is read before it stops: what
// the kernel gives its parent afterwards begins at the parent's own size.
func end(t testing.TB, cmd *exec.Cmd) (cpu time.Duration, rss int64) {
	t.Helper()
	rss = peakOf(t, cmd.Process.Pid)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the program under measurement failed: %v", err)
	}
	return used(cmd), rss
}

func used(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// peakOf reads the peak resident size of a running process (Linux).
func peakOf(t testing.TB, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		t.Skipf("no process accounting here: %v", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kb int64
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
