package process

import (
	"errors"
	"os"
	"os/exec"
	"sync"
	"time"
)

// program is what to start, and how.
type program struct {
	argv           []string
	user           *account // nil = gantry's own
	group          *cgroup  // nil where there are no control groups
	dir            string
	env            []string
	stdout, stderr *os.File
}

// child is a started program and its process group.
type child struct {
	cmd   *exec.Cmd
	user  *account // nil = gantry's own
	group *cgroup  // nil where there are no control groups

	mu   sync.Mutex
	gone bool // reaped: its id may belong to somebody else now
}

func (c *child) pid() int { return c.cmd.Process.Pid }

func command(p program) *exec.Cmd {
	cmd := &exec.Cmd{Path: p.argv[0], Args: p.argv, Dir: p.dir, Env: p.env, Stdout: p.stdout, Stderr: p.stderr}
	cmd.SysProcAttr = attributesOf(p)
	return cmd
}

// wait returns when the program has ended and nothing of its process group is left that
// could be killed.
func (c *child) wait() exit {
	err := c.reap()
	var failed *exec.ExitError
	switch {
	case err == nil:
		return exit{}
	case errors.As(err, &failed):
		return exit{text: failed.String()}
	default:
		return exit{text: err.Error()}
	}
}

// kill ends the process group at once.
func (c *child) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gone {
		c.signalGroup(true)
	}
}

// terminate asks the process group to end, and kills it after the grace.
func (c *child) terminate(grace time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gone {
		c.signalGroup(false)
		time.AfterFunc(grace, c.kill)
	}
}
