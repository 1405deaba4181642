//go:build linux

package process_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// asksForEgress is set where the test binary only says whether the network can be closed.
const asksForEgress = "PROCESS_TEST_EGRESS_POSSIBLE"

// Who may not close the network is told what is missing and what to do.
func TestEgressWithoutTheRight(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can start this test with fewer rights")
	}
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip("setpriv is not installed (Debian: util-linux)")
	}
	program := forEverybody(t)
	for name, c := range map[string]struct {
		rights []string
		want   []string
	}{
		"another user": {[]string{"--reuid=65534", "--regid=65534", "--clear-groups"},
			[]string{"make a network namespace: operation not permitted", "runs as user id 65534 and lacks CAP_SYS_ADMIN and CAP_NET_ADMIN", "start it as root", "AmbientCapabilities="}},
		"no SYS_ADMIN": {[]string{"--bounding-set=-sys_admin"}, []string{"make a network namespace", "user id 0 and lacks CAP_SYS_ADMIN;"}},
		"no NET_ADMIN": {[]string{"--bounding-set=-net_admin"}, []string{"loopback device", "user id 0 and lacks CAP_NET_ADMIN;"}},
		"no SETPCAP":   {[]string{"--bounding-set=-setpcap"}, []string{"take capability", "CAP_SETPCAP"}},
		"the two alone": {[]string{"--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+sys_admin,+net_admin", "--ambient-caps=+sys_admin,+net_admin"},
			[]string{"<nil>"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("setpriv", append(c.rights, program, "-test.run=^$")...)
			cmd.Dir = filepath.Dir(program)
			cmd.Env = []string{asksForEgress + "=1", "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
			for _, want := range c.want {
				require.Contains(t, string(out), want)
			}
		})
	}
}

// forEverybody copies the test binary to where every user can run it.
func forEverybody(t *testing.T) string {
	path := filepath.Join(filepath.Dir(passable(t)), "test")
	from, err := os.Open(os.Args[0])
	require.NoError(t, err)
	defer from.Close()
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(to, from)
	require.NoError(t, err)
	require.NoError(t, to.Close())
	require.NoError(t, os.Chmod(path, 0o755))
	return path
}
