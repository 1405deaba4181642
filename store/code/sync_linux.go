package code

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncFolder brings what was unpacked to the disk before it gets its name: after a power
// cut a folder of that name would be trusted. One call for the whole file system costs
// less than one for each of some thousand files.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(f.Fd())), f.Close())
}
