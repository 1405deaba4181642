package process

import "syscall"

// attributes keep gantry's Ctrl-C from reaching the function.
func attributes(*account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// signalGroup kills the process itself: Windows knows no SIGTERM and no group to kill.
// Called with c.mu held.
func (c *child) signalGroup(bool) { _ = c.cmd.Process.Kill() }
