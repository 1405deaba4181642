package process

import (
	"errors"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes put the function in a process group of its own and end it with gantry, also
// when gantry is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
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
	c.gone = true
	return c.cmd.Wait()
}

// spawner starts processes from one operating system thread that it keeps. The kernel
// sends the parent death signal when the *thread* that forked ends, and Go ends threads
// as it likes.
type spawner struct {
	once     sync.Once
	requests chan spawn
}

type spawn struct {
	program program
	done    chan error
	child   *child
}

func (s *spawner) start(p program) (*child, error) {
	s.once.Do(func() {
		s.requests = make(chan spawn)
		go s.work()
	})
	job := spawn{program: p, done: make(chan error, 1), child: &child{cmd: command(p)}}
	s.requests <- job
	if err := <-job.done; err != nil {
		return nil, err
	}
	return job.child, nil
}

func (s *spawner) stop() {
	s.once.Do(func() {})
	if s.requests != nil {
		close(s.requests)
	}
}

func (s *spawner) work() {
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
	for job := range s.requests {
		// Descriptors gantry itself inherited without close-on-exec must not go further.
		// Go's own are marked already; where the kernel lacks the call, nothing is lost
		// for those.
		_ = unix.CloseRange(3, ^uint(0)>>1, unix.CLOSE_RANGE_CLOEXEC)
		job.done <- job.child.cmd.Start()
	}
}
