package netns

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Program is something that runs on a host until the test ends.
type Program struct {
	cmd  *exec.Cmd
	done chan struct{}
	t    testing.TB
	out  lockedBuffer
}

// Run starts a program on the host. It is killed when the test ends, and its output is
// shown when the test has failed. A program that is not installed skips the test.
func (h *Host) Run(program string, args ...string) *Program {
	h.t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		h.t.Skipf("%s is not installed", program)
	}
	p := &Program{cmd: h.Command(context.Background(), program, args...), done: make(chan struct{}), t: h.t}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.cmd.WaitDelay = time.Second // what it started may hold its output open
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		defer close(p.done)
		runtime.LockOSThread() // the kernel kills the child with the thread that started it
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		h.t.Fatalf("run %s on %s: %v", program, h.name, err)
	}
	h.t.Cleanup(func() {
		p.Kill()
		if h.t.Failed() {
			h.t.Logf("%s on %s said:\n%s", program, h.name, p.out.String())
		}
	})
	return p
}

// Kill ends the program and all it started (kill -9), sessions of their own included,
// and waits. Twice is harmless.
func (p *Program) Kill() {
	for _, pid := range append(descendants(p.cmd.Process.Pid), p.cmd.Process.Pid) {
		select {
		case <-p.done:
			return // its number may be another's by now
		default:
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended meanwhile
		}
	}
	<-p.done
}

// descendants gives the processes that a process started, and those that they did.
func descendants(pid int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		var child, parent int
		_, rest, _ := strings.Cut(string(text), ") ")
		_, _ = fmt.Sscanf(string(text), "%d", &child)
		_, _ = fmt.Sscanf(rest[min(2, len(rest)):], "%d", &parent)
		children[parent] = append(children[parent], child)
	}
	var all []int
	for next := children[pid]; len(next) > 0; next = next[1:] {
		all = append(all, next[0])
		next = append(next, children[next[0]]...)
	}
	return all
}

// Output is what it has said.
func (p *Program) Output() string { return p.out.String() }

// Wait returns when something listens at an address of the host.
func (h *Host) Wait(address string) {
	h.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		conn, err := h.Dial(ctx, "tcp", address)
		cancel()
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("nothing listens at %s on %s: %v", address, h.name, err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// Forward makes a port of the host's loopback reachable at the same port of the test's
// own, for clients that the test runs outside.
func (h *Host) Forward(address string) {
	h.t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			go h.pipe(near, address)
		}
	}()
}

func (h *Host) pipe(near net.Conn, address string) {
	defer near.Close()
	far, err := h.Dial(context.Background(), "tcp", address)
	if err != nil {
		return
	}
	defer far.Close()
	go func() {
		_, _ = near.(*net.TCPConn).WriteTo(far) // whoever waits sees the end
		_ = far.(*net.TCPConn).CloseWrite()
	}()
	_, _ = far.(*net.TCPConn).WriteTo(near)
}

// lockedBuffer takes the output of a process while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
