package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gantry/store"

	bolt "go.etcd.io/bbolt"
	boltErrors "go.etcd.io/bbolt/errors"
)

const (
	fileName = "gantry.db"
	pidName  = "gantry.pid"

	// lockPatience lets a process that is just ending let go, and is short enough that
	// nobody would call it hanging.
	lockPatience = 250 * time.Millisecond
)

// prepare makes the directory. One that was there before keeps its mode unless it is
// empty: it may be somebody's project folder, and each file in it is 0600 anyway.
func prepare(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("%w; name a directory that this user may create with --data-dir", err)
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) == 0 {
		err = os.Chmod(dir, 0o700)
	}
	return dir, err
}

// lock opens the file under the lock that bbolt holds on it, and leaves the pid for the
// next one who tries.
func lock(dir string) (*bolt.DB, error) {
	path := filepath.Join(dir, fileName)
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockPatience, FreelistType: bolt.FreelistMapType})
	switch {
	case errors.Is(err, boltErrors.ErrTimeout):
		return nil, fmt.Errorf("%w by %s; stop it, or choose another directory with --data-dir", store.ErrLocked, holder(dir))
	case errors.Is(err, boltErrors.ErrInvalid), errors.Is(err, boltErrors.ErrChecksum), errors.Is(err, boltErrors.ErrVersionMismatch):
		return nil, fmt.Errorf("%s is damaged or was not written by gantry: %w; put it aside and restore a backup", fileName, err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w; start gantry as the user that owns the directory", err)
	case err != nil:
		return nil, err
	}
	if err := claim(dir, path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// claim corrects the mode of a file that a backup brought back too open, and says who
// holds the directory.
func claim(dir, path string) error {
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, pidName), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600)
}

// forget removes the pid file. Call it while the lock is still held, so that it can
// never be the next holder's.
func forget(dir string) {
	_ = os.Remove(filepath.Join(dir, pidName)) // a hint for people, nothing depends on it
}

// holder names the process that has the lock.
func holder(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, pidName))
	pid, bad := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || bad != nil {
		return "another process"
	}
	return "process " + strconv.Itoa(pid)
}
