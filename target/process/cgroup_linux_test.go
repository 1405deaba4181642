package process

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// A tree of plain files stands for one with the memory controller, which not every
// machine has: what is written where is all that gantry does itself.
func tree(t *testing.T, procs string) string {
	base := t.TempDir()
	for name, text := range map[string]string{"cgroup.controllers": "cpu memory pids\n", "cgroup.subtree_control": "cpu\n", "cgroup.procs": procs} {
		require.NoError(t, os.WriteFile(filepath.Join(base, name), []byte(text), 0o600))
	}
	return base
}

func content(t *testing.T, parts ...string) string {
	t.Helper()
	require.NoError(t, os.Chmod(filepath.Join(parts...), 0o600))
	b, err := os.ReadFile(filepath.Join(parts...))
	require.NoError(t, err)
	return string(b)
}

func TestMemoryIsGivenToTheKernel(t *testing.T) {
	t.Parallel()
	base := tree(t, "4711\n")
	c, err := openCgroups(base, 4711)
	require.NoError(t, err)
	require.True(t, c.LimitsMemory())
	require.Equal(t, "4711", content(t, base, cgroupMain, "cgroup.procs"))
	require.Equal(t, "+memory", content(t, base, "cgroup.subtree_control"))
	require.Equal(t, "+memory", content(t, c.dir, "cgroup.subtree_control"))

	g, err := c.make(256)
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(256<<20), content(t, g.dir, "memory.max"))
	require.Equal(t, "1", content(t, g.dir, "memory.oom.group"))
	require.False(t, g.exceeded())
	events := filepath.Join(g.dir, "memory.events")
	require.NoError(t, os.WriteFile(events, []byte("low 0\nmax 12\noom 1\noom_kill 0\n"), 0o600))
	require.False(t, g.exceeded())
	require.NoError(t, os.WriteFile(events, []byte("low 0\nmax 12\noom 1\noom_kill 3\n"), 0o600))
	require.True(t, g.exceeded())
	g.kill()
	require.Equal(t, "1", content(t, g.dir, "cgroup.kill"))
	other, err := c.make(128)
	require.NoError(t, err)
	require.NotEqual(t, g.dir, other.dir)
}

// A group that holds somebody else was not given to gantry: it is left as it is.
func TestASharedGroupIsLeftAlone(t *testing.T) {
	t.Parallel()
	base := tree(t, "1\n4711\n")
	c, err := openCgroups(base, 4711)
	require.NoError(t, err)
	require.False(t, c.LimitsMemory())
	require.NoDirExists(t, filepath.Join(base, cgroupMain))
	require.Equal(t, "cpu\n", content(t, base, "cgroup.subtree_control"))
	g, err := c.make(256)
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(g.dir, "memory.max"))
}

func TestWhereTheGroupIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	mount, err := cgroupMount(file("mounts", "30 23 0:26 / /sys/fs/cgroup rw,nosuid - tmpfs tmpfs rw\n"+
		"31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw\n"))
	require.NoError(t, err)
	require.Equal(t, "/sys/fs/cgroup/unified", mount)
	_, err = cgroupMount(file("none", "30 23 0:26 / /proc rw - proc proc rw\n"))
	require.ErrorContains(t, err, "not mounted")
	own, err := cgroupOf(file("own", "4:memory:/old\n0::/system.slice/gantry.service\n"))
	require.NoError(t, err)
	require.Equal(t, "/system.slice/gantry.service", own)
}

func TestNoControlGroups(t *testing.T) {
	t.Parallel()
	var none *Cgroups
	g, err := none.make(128)
	require.NoError(t, err)
	require.Nil(t, g)
	g.kill()
	g.remove()
	require.False(t, g.exceeded())
	require.False(t, none.LimitsMemory())
	require.NoError(t, none.Close())
}
