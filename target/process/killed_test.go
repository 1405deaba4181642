//go:build linux

package process_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/process"
)

// standIn is set where the test binary plays a gantry that is going to be killed.
const standIn = "PROCESS_TEST_WAITS_FOR"

// closedToo gives that gantry's function a closed network.
const closedToo = "PROCESS_TEST_CLOSED"

// playGantry runs a function that waits for a file to go away, until it is killed.
func playGantry(file string) {
	cfg := process.Config{CodeDir: os.Getenv("CODE"), DataDir: filepath.Dir(file)}
	if os.Getenv(closedToo) != "" {
		cfg.Egress = &process.Egress{Targets: []string{"db.internal:5432"}}
	}
	pool, err := process.New(function.Function{Name: "orders", Runtime: "provided.al2023", Timeout: time.Minute}, cfg)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	pid := pool.Invoke(context.Background(), function.Invocation{Payload: []byte(`{"do":"pid"}`)})
	fmt.Println(string(pid.Answer))
	pool.Invoke(context.Background(), function.Invocation{Payload: fmt.Appendf(nil, `{"do":"wait","path":%q}`, file)})
	os.Exit(2)
}

// A killed gantry leaves no function behind that goes on with its event: the restarted
// one will hand the same records out again.
func TestFunctionsEndWithGantry(t *testing.T) {
	t.Parallel()
	endsWithGantry(t)
}

func TestClosedFunctionsEndWithGantry(t *testing.T) {
	t.Parallel()
	closed(t)
	endsWithGantry(t, closedToo+"=1")
}

func endsWithGantry(t *testing.T, more ...string) {
	dir, err := bootstrap()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "wait")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	gantry := exec.Command(os.Args[0], "-test.run=^$")
	gantry.Env = append(append(os.Environ(), standIn+"="+file, "CODE="+dir), more...)
	out, err := gantry.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, gantry.Start())
	var line string
	_, err = fmt.Fscanln(out, &line)
	require.NoError(t, err)
	pid, err := strconv.Atoi(line)
	require.NoError(t, err, line)
	require.True(t, alive(pid))
	require.NoError(t, gantry.Process.Kill())
	_ = gantry.Wait()
	require.Eventually(t, func() bool { return !alive(pid) }, 5*time.Second, time.Millisecond)
}
