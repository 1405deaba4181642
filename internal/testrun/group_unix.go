//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// ownGroup makes the end of ctx end everything a command started: go test runs its test
// binaries as children, and those start brokers and functions.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}
