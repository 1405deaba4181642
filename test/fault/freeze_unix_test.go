//go:build unix

package fault_test

import "syscall"

// The signals that halt a process and let it go on.
const (
	freeze = syscall.SIGSTOP
	thaw   = syscall.SIGCONT
)
