package process

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// thread is an operating system thread of its own that does jobs one after the other.
// What a job changes of the thread (rights, namespaces) later jobs find changed, and
// nobody else: the thread is never given back, it ends.
type thread struct{ jobs chan job }

type job struct {
	do   func() error
	done chan error
}

func newThread() *thread {
	t := &thread{jobs: make(chan job)}
	go t.work(func() {})
	return t
}

// work does the jobs. It keeps off the process's first thread: that one can't end, and
// its namespaces are what /proc/self shows everybody.
func (t *thread) work(locked func()) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		moved := make(chan struct{})
		go t.work(func() { close(moved) })
		<-moved
		runtime.UnlockOSThread()
		return
	}
	locked()
	for j := range t.jobs {
		j.done <- j.do()
	} // still locked: the thread ends with this goroutine
}

// do returns what the job returned. Not to be called after end.
func (t *thread) do(f func() error) error {
	j := job{do: f, done: make(chan error, 1)}
	t.jobs <- j
	return <-j.done
}

func (t *thread) end() { close(t.jobs) }
