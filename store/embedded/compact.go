package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// Compact writes the file of a data directory anew, so that nothing of what was replaced
// or deleted is left in it. No other process may hold the directory.
func Compact(dir string) error {
	db, err := lock(dir)
	if err != nil {
		return fmt.Errorf("compact the store: %w", err)
	}
	path := filepath.Join(dir, fileName)
	if err := compactInto(path+".new", db); err != nil {
		return fmt.Errorf("compact the store: %w", errors.Join(err, os.Remove(path+".new"), db.Close()))
	}
	// Renamed while the old one is locked: whoever comes meanwhile waits for it in vain
	// and is told that the directory is in use.
	err = os.Rename(path+".new", path)
	forget(dir)
	return errors.Join(err, db.Close())
}

func compactInto(path string, from *bolt.DB) error {
	if err := os.RemoveAll(path); err != nil { // what a crash left
		return err
	}
	to, err := bolt.Open(path, 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	return errors.Join(bolt.Compact(to, from, 1<<20), to.Close())
}
