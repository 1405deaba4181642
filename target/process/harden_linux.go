package process

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Harden closes gantry's own process to the functions it starts, also to those that run
// as the same user: no core dumps, neither of gantry nor of what it starts, and no
// reading of its memory, environment and descriptors through /proc or ptrace. Only root
// may do that still. Debuggers can't attach any more, and that is the price.
func Harden() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("switch core dumps off: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("close this process to debuggers: %w", err)
	}
	return nil
}
