package process

import (
	"errors"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes put the function in a process group of its own, as its user, and end it with
// gantry, also when gantry is killed.
func attributes(user *account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: user.credential()}
}

// attributesOf start a program in its control group, if it has one.
func attributesOf(p program) *syscall.SysProcAttr {
	a := attributes(p.user)
	if p.group != nil {
		a.UseCgroupFD, a.CgroupFD = true, int(p.group.file.Fd())
	}
	return a
}

// reap waits for the program's end and collects it. It is collected only after the rest
// of its group was killed: until then the group's id cannot belong to anybody else.
func (c *child) reap() error {
	for {
		err := unix.Waitid(unix.P_PID, c.pid(), nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signalGroup(true)
	c.group.kill()
	c.gone = true
	return c.cmd.Wait()
}

// spawner starts processes from one operating system thread, which it keeps as long as
// there are processes: the kernel sends the parent death signal when the *thread* that
// forked ends, and Go ends threads as it likes.
type spawner struct {
	mu     sync.Mutex
	thread *thread
	kept   bool // it is another's, who ends it
}

// settle has processes started from a thread that is there already.
func (s *spawner) settle(t *thread) { s.thread, s.kept = t, true }

func (s *spawner) start(p program) (*child, error) {
	s.mu.Lock()
	if s.thread == nil {
		s.thread = newThread()
	}
	from := s.thread
	s.mu.Unlock()
	cmd := command(p)
	if err := from.do(func() error { return launchFrom(cmd) }); err != nil {
		return nil, err
	}
	return &child{cmd: cmd, user: p.user, group: p.group}, nil
}

// rest ends the thread. Called when no process is left and none is being started.
func (s *spawner) rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.thread != nil && !s.kept {
		s.thread.end()
		s.thread = nil
	}
}

// launchFrom starts a program from the calling thread.
func launchFrom(cmd *exec.Cmd) error {
	// Nothing started from here gains rights by a set-user-id program, as in Lambda.
	// The kernel refuses this to nobody.
	_ = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	// Descriptors gantry itself inherited without close-on-exec must not go further.
	// Go's own are marked already; where the kernel lacks the call, nothing is lost
	// for those.
	_ = unix.CloseRange(3, ^uint(0)>>1, unix.CLOSE_RANGE_CLOEXEC)
	return cmd.Start()
}
