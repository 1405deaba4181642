//go:build unix

package process

import (
	"errors"

	"golang.org/x/sys/unix"
)

// drainReads bounds what one drain takes from a process that never stops writing: more
// than a pipe holds, so nothing written before is left.
const drainReads = 32

// follow reads one pipe to its end.
func (o *output) follow(s *stream) {
	raw, err := s.read.SyscallConn()
	if err != nil {
		return
	}
	for {
		n := 0
		err := raw.Read(func(fd uintptr) bool {
			n = o.take(s, int(fd))
			return n >= 0
		})
		if err != nil || n == 0 {
			return
		}
	}
}

// drain reads what is in the pipes now, and does not wait for more.
func (o *output) drain() {
	for _, s := range o.streams {
		raw, err := s.read.SyscallConn()
		if err != nil {
			continue
		}
		_ = raw.Control(func(fd uintptr) { // fails only on a closed pipe: nothing to read
			for range drainReads {
				if o.take(s, int(fd)) <= 0 {
					return
				}
			}
		})
	}
}

// take reads once. It returns 0 at the end of the pipe, and -1 if nothing is there now.
func (o *output) take(s *stream, fd int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		n, err := unix.Read(fd, o.buf[:])
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return -1
		case err != nil || n <= 0:
			return 0
		default:
			o.absorb(s, o.buf[:n])
			return n
		}
	}
}
