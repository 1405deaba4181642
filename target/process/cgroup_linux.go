package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Cgroups is a part of the machine's control group tree (version 2) that gantry may
// write: each process of a function gets a group of its own there. Its memory is limited
// by the kernel where the tree has that controller, and ending the group ends whatever
// the function started, also what left its process group.
type Cgroups struct {
	dir    string // holds one folder a process
	memory bool
	last   atomic.Int64
}

// The two children of the group that gantry was started in: a group with limits for its
// children may hold no process of its own.
const (
	cgroupMain      = "gantry.main"
	cgroupFunctions = "gantry.functions"
)

// OpenCgroups takes the group gantry was started in, where that was given to it (as
// systemd does with Delegate=yes). An error says why not; memory is watched then.
func OpenCgroups() (*Cgroups, error) {
	mount, err := cgroupMount("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	own, err := cgroupOf("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	return openCgroups(filepath.Join(mount, own), os.Getpid())
}

func openCgroups(base string, pid int) (*Cgroups, error) {
	// Groups of several gantries may stand side by side, in a tree that none of them owns.
	c := &Cgroups{dir: filepath.Join(base, cgroupFunctions+"."+strconv.Itoa(pid))}
	available, err := os.ReadFile(filepath.Join(base, "cgroup.controllers"))
	if err != nil {
		return nil, fmt.Errorf("read the control group %s: %w", base, err)
	}
	removeLeft(base)
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a control group below %s: %w; systemd gives one with Delegate=yes", base, err)
	}
	if slices.Contains(strings.Fields(string(available)), "memory") {
		c.memory = c.limitMemory(base, pid) == nil
	}
	return c, nil
}

// removeLeft takes away the groups of gantries that were killed. What a function of
// theirs left running ends first.
func removeLeft(base string) {
	left, _ := filepath.Glob(filepath.Join(base, cgroupFunctions+".*"))
	for _, dir := range left {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(dir), cgroupFunctions+"."))
		if err != nil || unix.Kill(pid, 0) == nil {
			continue
		}
		groups, _ := filepath.Glob(filepath.Join(dir, "[0-9]*"))
		for _, d := range groups {
			g := &cgroup{dir: d}
			g.kill()
			g.remove()
		}
		_ = unix.Rmdir(dir) // the next start tries again
	}
}

// limitMemory makes the memory controller reach the groups of functions.
func (c *Cgroups) limitMemory(base string, pid int) error {
	enabled, err := os.ReadFile(filepath.Join(base, "cgroup.subtree_control"))
	if err != nil {
		return err
	}
	if !slices.Contains(strings.Fields(string(enabled)), "memory") {
		if err := stepAside(base, pid); err != nil {
			return err
		}
		if err := put(base, "cgroup.subtree_control", "+memory"); err != nil {
			return err
		}
	}
	return put(c.dir, "cgroup.subtree_control", "+memory")
}

// stepAside moves gantry into a child of its group, if nobody else is in it.
func stepAside(base string, pid int) error {
	text, err := os.ReadFile(filepath.Join(base, "cgroup.procs"))
	if err != nil {
		return err
	}
	switch in := strings.Fields(string(text)); {
	case len(in) == 0:
		return nil
	case !slices.Equal(in, []string{strconv.Itoa(pid)}):
		return fmt.Errorf("control group %s holds %d processes; it is not gantry's alone", base, len(in))
	}
	aside := filepath.Join(base, cgroupMain)
	if err := os.MkdirAll(aside, 0o755); err != nil {
		return err
	}
	return put(aside, "cgroup.procs", strconv.Itoa(pid))
}

// LimitsMemory says whether the kernel holds memory:.
func (c *Cgroups) LimitsMemory() bool { return c != nil && c.memory }

// Close removes the tree, once no process is left in it.
func (c *Cgroups) Close() error {
	if c == nil {
		return nil
	}
	return os.Remove(c.dir)
}

// cgroup is the group of one process.
type cgroup struct {
	dir  string
	file *os.File
}

// make gives a new group with a limit in MB; nil where there are none.
func (c *Cgroups) make(memory int) (*cgroup, error) {
	if c == nil {
		return nil, nil //nolint:nilnil // no control groups here: memory is watched
	}
	g := &cgroup{dir: filepath.Join(c.dir, strconv.FormatInt(c.last.Add(1), 10))}
	err := os.Mkdir(g.dir, 0o755)
	if err == nil && c.memory {
		err = errors.Join(
			put(g.dir, "memory.max", strconv.Itoa(memory<<20)),
			put(g.dir, "memory.oom.group", "1"), // the function ends whole, not in part
		)
		_ = put(g.dir, "memory.swap.max", "0") // where the kernel has swap accounting
	}
	if err == nil {
		g.file, err = os.Open(g.dir)
	}
	if err != nil {
		g.remove()
		return nil, fmt.Errorf("make its control group: %w", err)
	}
	return g, nil
}

// kill ends everything in the group, wherever it has gone.
func (g *cgroup) kill() {
	if g != nil {
		_ = put(g.dir, "cgroup.kill", "1") // kernels before 5.14 have none: the process group is killed in any case
	}
}

// exceeded says whether the kernel ended it for its memory.
func (g *cgroup) exceeded() bool {
	if g == nil {
		return false
	}
	text, err := os.ReadFile(filepath.Join(g.dir, "memory.events"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
			return n != "0"
		}
	}
	return false
}

// remove takes an ended group away. The kernel needs a moment to see that it is empty.
func (g *cgroup) remove() {
	if g == nil {
		return
	}
	if g.file != nil {
		_ = g.file.Close()
	}
	for end := time.Now().Add(lastWords); errors.Is(unix.Rmdir(g.dir), unix.EBUSY) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

func put(dir, name, value string) error {
	return os.WriteFile(filepath.Join(dir, name), []byte(value), 0)
}

// cgroupMount finds where version 2 is mounted.
func cgroupMount(mountinfo string) (string, error) {
	text, err := os.ReadFile(mountinfo)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) { // id parent device root MOUNT options … - TYPE source …
		before, after, ok := strings.Cut(line, " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if ok && len(fields) > 4 && len(kind) > 0 && kind[0] == "cgroup2" {
			return fields[4], nil
		}
	}
	return "", errors.New("control groups (version 2) are not mounted")
}

// cgroupOf reads the group of a process in version 2: the line 0::/PATH.
func cgroupOf(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			return path, nil
		}
	}
	return "", errors.New("this process is in no control group of version 2")
}
