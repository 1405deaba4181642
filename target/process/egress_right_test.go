//go:build linux

package process_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"gantry/function"
	"gantry/target/process"
)

// asksForEgress is set where the test binary only says whether the network can be closed,
// and with a way to a target.
const asksForEgress = "PROCESS_TEST_EGRESS_TARGET"

func sayEgress(target string) {
	fmt.Println("possible:", process.EgressPossible())
	pool, err := process.New(function.Function{Name: "orders", Runtime: "provided.al2023"},
		process.Config{CodeDir: os.TempDir(), Egress: &process.Egress{Targets: []string{target}}})
	fmt.Println("target:", err)
	if err == nil {
		err = pool.Close(context.Background())
	}
	fmt.Println("closed:", err)
	os.Exit(0)
}

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
			[]string{"possible: close the network to its processes: make a network namespace: operation not permitted", "runs as user id 65534 and lacks CAP_SYS_ADMIN and CAP_NET_ADMIN", "start it as root", "AmbientCapabilities="}},
		"no SYS_ADMIN": {[]string{"--bounding-set=-sys_admin"}, []string{"make a network namespace", "user id 0 and lacks CAP_SYS_ADMIN;"}},
		"no NET_ADMIN": {[]string{"--bounding-set=-net_admin"}, []string{"loopback device", "user id 0 and lacks CAP_NET_ADMIN;"}},
		"no SETPCAP":   {[]string{"--bounding-set=-setpcap"}, []string{"take capability", "CAP_SETPCAP"}},
		"the two alone": {[]string{"--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+sys_admin,+net_admin", "--ambient-caps=+sys_admin,+net_admin"},
			[]string{"possible: <nil>\n", "target: <nil>\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("setpriv", append(c.rights, program, "-test.run=^$")...)
			cmd.Dir = filepath.Dir(program)
			cmd.Env = []string{asksForEgress + "=10.1.2.3:443", "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
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

// ownMounts is set where the test binary has mounts of its own.
const ownMounts = "PROCESS_TEST_OWN_MOUNTS"

// What looks names up for others does it on the machine's network: functions in a closed
// one do not find it.
func TestNameServicesAreCovered(t *testing.T) {
	if os.Getenv(ownMounts) != "" {
		require.NoError(t, unix.Mount("tmpfs", "/run", "tmpfs", 0, ""))
		for _, dir := range []string{"/run/nscd", "/run/systemd/resolve"} {
			require.NoError(t, os.MkdirAll(dir, 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "socket"), nil, 0o644))
		}
		inside, outside := newRig(t, closed(t, "db.internal:5432")), newRig(t)
		for _, file := range []string{"/run/nscd/socket", "/run/systemd/resolve/socket"} {
			event := fmt.Sprintf(`{"do":"read","path":%q}`, file)
			require.Equal(t, function.Succeeded, outside.invoke(event).Class)
			_, message := inside.document(inside.invoke(event))
			require.Contains(t, message, "no such file")
		}
		inside.refused("undeclared.internal:5432")
		return
	}
	t.Parallel()
	closed(t)
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), ownMounts+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "PASS")
}
