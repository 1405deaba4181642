//go:build unix && !linux

package process

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Harden switches core dumps off, of gantry and of what it starts.
func Harden() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("switch core dumps off: %w", err)
	}
	return nil
}
