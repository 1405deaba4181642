//go:build unix && !linux

package process

import "syscall"

// attributes put the function in a process group of its own.
func attributes(user *account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: user.credential()}
}
