package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"
)

// roleVariable makes the test binary a program under measurement: each runs in a
// process of its own, so that its CPU and memory are its own.
const (
	roleVariable = "GANTRY_BENCH_ROLE"
	jobVariable  = "GANTRY_BENCH_JOB"
)

// roles are the programs.
func roles() map[string]func(context.Context, job) error {
	return map[string]func(context.Context, job) error{"raw": runRaw, "floor": runFloor, "engine": runEngine}
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

func (u usage) perCPU(records int64) float64 { return float64(records) / u.CPU.Seconds() }

// start starts a program.
func start(t testing.TB, role string, j job) *exec.Cmd {
	t.Helper()
	body, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, jobVariable+"="+string(body))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}

// end stops a program and gives what it took.
func end(t testing.TB, cmd *exec.Cmd) (cpu time.Duration, rss int64) {
	t.Helper()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the program under measurement failed: %v", err)
	}
	s := cmd.ProcessState
	use, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		t.Fatal("no resource usage on this system")
	}
	return s.UserTime() + s.SystemTime(), use.Maxrss << 10
}
