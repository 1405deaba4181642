package kafkatest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The test runs itself in a second process, kills that with kill -9 and looks for what
// it had started.
func TestProcessDiesWithTheTestBinary(t *testing.T) {
	if os.Getenv("KAFKATEST_CHILD") == "1" {
		p, err := startProcess(exec.Command("sleep", "600"), filepath.Join(t.TempDir(), "log"))
		require.NoError(t, err)
		fmt.Printf("\nchild %d\n", p.cmd.Process.Pid)
		runtime.GC()
		<-p.done
		return
	}
	t.Parallel()
	parent := exec.Command(os.Args[0], "-test.run=^TestProcessDiesWithTheTestBinary$")
	parent.Env = append(os.Environ(), "KAFKATEST_CHILD=1")
	out, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	var pid int
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		_, _ = fmt.Sscanf(lines.Text(), "child %d", &pid)
	}
	require.NotZero(t, pid)
	require.NoError(t, syscall.Kill(pid, 0), "it runs")
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	require.Eventually(t, func() bool { return gone(pid) }, 10*time.Second, 10*time.Millisecond)
}

// gone counts a zombie as gone: whoever adopted it may take its time to bury it.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	var state string
	_, _ = fmt.Sscanf(string(stat), "%d (sleep) %s", &pid, &state)
	return state == "Z"
}

func TestProcessStops(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	p, err := startProcess(exec.Command("sleep", "600"), log)
	require.NoError(t, err)
	require.True(t, p.running())
	require.NoError(t, p.stop(10*time.Second))
	require.False(t, p.running())
	p.kill()

	deaf, err := startProcess(exec.Command("sh", "-c", `trap "" TERM; echo ready; while :; do sleep 1; done`), log)
	require.NoError(t, err)
	require.Eventually(t, func() bool { b, _ := os.ReadFile(log); return len(b) > 0 }, 10*time.Second, 5*time.Millisecond)
	require.ErrorContains(t, deaf.stop(10*time.Millisecond), "was killed")
	require.False(t, deaf.running())
}
