package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"gantry/kafka/embedded"
)

// terminal makes a terminal and gives the end a person types at.
func terminal(t *testing.T) (keyboard, screen *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no terminal can be made: %s", err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	n, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0))
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = screen.Close() })
	return keyboard, screen
}

// TestAssessAsksFirst: where a person is at the terminal nothing is surveyed before they
// said yes.
func TestAssessAsksFirst(t *testing.T) {
	t.Setenv("TERM", "xterm")
	broker, err := embedded.Start(embedded.Config{Topics: []string{"orders"}})
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	config := filepath.Join(t.TempDir(), "gantry.yaml")
	require.NoError(t, os.WriteFile(config, []byte("clusters: { onprem: { brokers: [\""+broker.Brokers()[0]+"\"] } }\n"), 0o600))
	for typed, want := range map[string]int{"n\n": 1, "\n": 1, "yes\n": 0} {
		keyboard, screen := terminal(t)
		_, err := keyboard.WriteString(typed)
		require.NoError(t, err)
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"assess", "-c", config, "--cluster", "onprem", "--quick", "--watch", "1s"}, streams{screen, &out, &errs})
		require.Equal(t, want, code, "%q: %s", typed, errs.String())
		require.Contains(t, errs.String(), "go on? [y/N]", typed)
		if want == 1 {
			require.Contains(t, errs.String(), "the cluster was asked nothing more")
			require.Empty(t, out.String())
		}
	}
}
