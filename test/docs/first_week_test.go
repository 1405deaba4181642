package docs

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

func TestMain(m *testing.M) { os.Exit(kafkatest.Main(m)) }

// The first week is lived as it is written, by somebody who has read nothing else.
func TestTheFirstWeek(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/guide/first-week.md")
	require.NoError(t, err)
	c := kafkatest.Start(t, kafkatest.Options{Version: "3.9.1", ACLs: true})
	database := postgres(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), c.TLS.CA.Bytes, 0o600))
	first, second := port(t), port(t)
	here := strings.NewReplacer(
		"kafka-1:9092", c.Brokers()[0], "kafka-1:9093", c.SASLBrokers()[0],
		"db-1", "127.0.0.1", "5432", database, "127.0.0.1:9400", first, "127.0.0.1:9401", second)
	sh := open(t, dir, []string{
		"PATH=" + strings.Join([]string{filepath.Dir(linked(t)), c.Tools(t), os.Getenv("PATH")}, ":"),
		"HOME=" + os.Getenv("HOME"), "GANTRY_ENDPOINT=http://" + first,
		"PIP_ROOT_USER_ACTION=ignore", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_WARN_CONFLICTS=0", // what pip says of this machine
	})
	all := steps(string(page))
	require.Greater(t, len(all), 20)
	for _, s := range all {
		said, code := sh.run(here.Replace(s.command))
		if !matches(here.Replace(s.answer), said) || (code != 0 && s.answer == "") {
			for _, name := range []string{"first.log", "second.log"} {
				log, _ := os.ReadFile(filepath.Join(dir, name))
				t.Logf("%s:\n%s", name, log)
			}
			require.Failf(t, "the page says otherwise", "$ %s\n%s\nexit %d; the page says\n%s", s.command, said, code, s.answer)
		}
	}
}

func TestReadingOfAPage(t *testing.T) {
	t.Parallel()
	got := steps("x\n```console\n$ a <<'E'\n$ b\nE\none\n\n$ c\n```\n```sh\n$ d\n```\n")
	require.Equal(t, []step{{"a <<'E'\n$ b\nE", "one\n\n"}, {"c", ""}}, got)
	require.True(t, matches("a…c\n…\nz", "abc\n1\n2\nz\n"))
	require.False(t, matches("100|5050", "99|4950"))
	require.False(t, matches("", "a warning"))
}

// linked is the built gantry under its own name.
func linked(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "gantry")
	require.NoError(t, os.Symlink(gantrytest.Binary(t), path))
	return path
}

// port is an address on loopback that is free.
func port(t *testing.T) string { return fmt.Sprintf("127.0.0.1:%d", gantrytest.FreePort(t)) }

// postgres runs Debian's PostgreSQL for one test: its administrator is let in from this
// machine, everybody else needs a password. It gives the port.
func postgres(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) == 0 {
		t.Skip("Debian's PostgreSQL is not here")
	}
	bin, dir := found[len(found)-1], t.TempDir()
	as := func(name string, args ...string) *exec.Cmd {
		if os.Geteuid() != 0 {
			return exec.Command(name, args...)
		}
		return exec.Command("setpriv", append([]string{"--reuid", "postgres", "--regid", "postgres", "--clear-groups", name}, args...)...)
	}
	if os.Geteuid() == 0 { // it refuses to run as root
		if _, err := user.Lookup("postgres"); err != nil {
			t.Skipf("PostgreSQL has no user to run as: %v", err)
		}
		require.NoError(t, exec.Command("chown", "postgres", dir).Run())
		for p := dir; p != "/" && p != os.TempDir(); p = filepath.Dir(p) {
			require.NoError(t, os.Chmod(p, 0o755))
		}
		require.NoError(t, os.Chmod(dir, 0o700))
	}
	data := filepath.Join(dir, "data")
	return started(t, as, bin, data)
}

func started(t *testing.T, as func(string, ...string) *exec.Cmd, bin, data string) string {
	init := as(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
	said, err := init.CombinedOutput()
	require.NoError(t, err, "%s", said)
	doors := "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
	require.NoError(t, os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte(doors), 0o600))
	_, number, err := net.SplitHostPort(port(t))
	require.NoError(t, err)
	options := fmt.Sprintf("-p %s -h 127.0.0.1 -k '' -F", number)
	start := as(filepath.Join(bin, "pg_ctl"), "-D", data, "-l", filepath.Join(data, "log"), "-w", "-t", "120", "-o", options, "start")
	require.NoError(t, start.Run())
	t.Cleanup(func() { _ = as(filepath.Join(bin, "pg_ctl"), "-D", data, "-m", "immediate", "stop").Run() })
	return number
}
