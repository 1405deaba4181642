//go:build unix

package process

import "syscall"

// signalGroup sends SIGKILL or SIGTERM to the whole process group. That it is gone
// already is no fault. Called with c.mu held.
func (c *child) signalGroup(kill bool) {
	sig := syscall.SIGTERM
	if kill {
		sig = syscall.SIGKILL
	}
	_ = syscall.Kill(-c.pid(), sig)
}
