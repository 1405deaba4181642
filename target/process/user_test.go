//go:build linux

package process_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/target/process"
)

// asNobody runs the function as a user of its own; only root can.
func asNobody(t *testing.T) option {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can start processes as another user")
	}
	return func(f *function.Function, c *process.Config) {
		f.User = "nobody"
		c.Packaged = true
		c.DataDir = passable(t)
	}
}

// passable is a data folder in a place that every user can get to.
func passable(t *testing.T) string {
	dir, err := os.MkdirTemp("", "gantry-user-test-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	data := filepath.Join(dir, "data")
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.Mkdir(data, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(data, "credentials"), []byte("key"), 0o600))
	return data
}

type surroundings struct {
	Env      []string
	Fds      map[string]string
	Pid, UID int
	Groups   []int
	Dir      string
}

func (s surroundings) variable(name string) string {
	for _, v := range s.Env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

func (r *rig) look() surroundings {
	o := r.invoke(`{"do":"look"}`)
	var seen surroundings
	require.NoError(r.t, json.Unmarshal(o.Answer, &seen), o.Message)
	return seen
}

func TestUser(t *testing.T) {
	t.Parallel()
	var data string
	r := newRig(t, asNobody(t), func(_ *function.Function, c *process.Config) { data = c.DataDir })
	seen := r.look()
	require.Equal(t, 65534, seen.UID)
	require.Empty(t, seen.Groups, "groups of gantry's went along")
	require.True(t, strings.HasPrefix(seen.Dir, filepath.Join(data, "functions")), "it runs the package from %s", seen.Dir)

	temp := seen.variable("TMPDIR")
	info, err := os.Stat(temp)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	require.Equal(t, function.Succeeded, r.invoke(`{"do":"write","path":"`+temp+`/mine"}`).Class)
	for _, foreign := range []string{filepath.Join(data, "credentials"), filepath.Join(seen.Dir, "bootstrap"), filepath.Join(seen.Dir, "new"), filepath.Join(data, "new")} {
		require.Equal(t, function.Failed, r.invoke(`{"do":"write","path":"`+foreign+`"}`).Class, foreign)
	}
	require.Equal(t, function.Failed, r.invoke(`{"do":"read","path":"`+data+`/credentials"}`).Class)
	require.Equal(t, function.Failed, r.invoke(`{"do":"list","path":"`+data+`"}`).Class)
	require.Equal(t, function.Succeeded, r.invoke(`{"do":"read","path":"`+seen.Dir+`/bootstrap"}`).Class)
	require.NoError(t, r.Close(t.Context()))
	require.NoDirExists(t, temp)
	require.NoError(t, process.RemoveStale(data))
	require.NoDirExists(t, seen.Dir)
}

func TestUserThatCannotBe(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		require.ErrorContains(t, process.CheckUser("nobody"), "only root may start processes as another user")
		return
	}
	require.NoError(t, process.CheckUser(""))
	require.NoError(t, process.CheckUser("nobody"))
	require.NoError(t, process.CheckUser("23456:34567"))
	require.ErrorContains(t, process.CheckUser("no-such-user"), "useradd")
	require.ErrorContains(t, process.CheckUser("nobody:no-such-group"), "there is no group")
	require.ErrorContains(t, process.CheckUser("root"), "would isolate nothing")
	require.ErrorContains(t, process.CheckUser("nobody:root"), "would isolate nothing")

	closed := filepath.Join(passable(t), "code") // its parent is 0700
	require.NoError(t, os.Mkdir(closed, 0o755))
	_, err := process.New(function.Function{Name: "orders", Runtime: "provided.al2023", User: "nobody"},
		process.Config{CodeDir: closed, DataDir: passable(t)})
	require.ErrorContains(t, err, "code folder: user nobody may not pass through "+filepath.Dir(closed))
}

// No set-user-id program gives a function rights it does not have.
func TestNoNewPrivileges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.invoke(`{"do":"read","path":"/proc/self/status"}`)
	require.Equal(t, function.Succeeded, o.Class, o.Message)
	require.Contains(t, string(o.Answer), `NoNewPrivs:\t1`)
}

func TestExposed(t *testing.T) {
	t.Parallel()
	here := func(name, user string) function.Function {
		return function.Function{Name: name, Kind: function.Process, User: user}
	}
	say := func(c process.Config, f ...function.Function) string { return strings.Join(c.Exposed(f), "\n") }
	require.Contains(t, say(process.Config{DataDir: "/var/lib/gantry"}, here("b", ""), here("a", ""), here("c", "x")), "a, b run as gantry's own user")
	require.NotContains(t, say(process.Config{User: "x"}, here("a", "")), "gantry's own user")
	require.Contains(t, say(process.Config{User: "x"}, here("a", ""), here("b", "")), "functions of one user (x)")
	require.NotContains(t, say(process.Config{}, here("a", "x"), here("b", "y")), "of one user")
}

// What left the process group ends with its control group.
func TestControlGroups(t *testing.T) {
	t.Parallel()
	groups, err := process.OpenCgroups()
	if err != nil {
		t.Skipf("control groups can't be made here: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, groups.Close()) })
	r := newRig(t, func(_ *function.Function, c *process.Config) { c.Cgroups = groups })
	file := filepath.Join(t.TempDir(), "pid")
	o := r.invoke(`{"do":"escape","path":"` + file + `"}`)
	require.Equal(t, function.Succeeded, o.Class, o.Message)
	var pid int
	require.NoError(t, json.Unmarshal(o.Answer, &pid))
	require.True(t, alive(pid))
	require.NoError(t, r.Close(t.Context()))
	require.Eventually(t, func() bool { return !alive(pid) }, 5*time.Second, time.Millisecond)
}
