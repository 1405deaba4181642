//go:build !unix

package fault_test

import "syscall"

// Nothing halts a process there, and the suite does not run there either.
const (
	freeze = syscall.SIGTERM
	thaw   = syscall.SIGTERM
)
