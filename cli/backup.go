package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"gantry/api/client"
	"gantry/store/backup"
	"gantry/store/embedded"
	"gantry/store/sealed"
)

// notInBackup says what a backup leaves out.
const notInBackup = "not in it: the keys of the API (credentials) and the key of encrypted functions (store.key); keep those files of the data directory apart"

func (a *app) backupCommand() *cobra.Command {
	var offline bool
	c := &cobra.Command{
		Use: "backup FILE", Short: "Write the store and the functions' code into a file",
		Long: `Backup writes all that gantry must remember as it stands at one moment: functions, mappings,
the audit and migration ledgers, and the functions' packages. The running gantry is asked
for it and goes on; with --offline the data directory is read directly, which no gantry may
be using.

Keys are not in it: functions and their environments stay encrypted, and the key file of the
data directory (store.key) is to be kept apart. FILE must not be there yet; it is written 0600 and appears whole.`,
		Example: "  gantry backup /backup/gantry-2026-11-23.tar.gz\n  gantry backup gantry.tar.gz --offline --data-dir ./gantry-data",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, words []string) error {
			write := a.fetchBackup
			if offline {
				write = a.readBackup
			}
			size, err := whole(words[0], func(f io.Writer) error { return write(c.Context(), f) })
			if err != nil {
				return fmt.Errorf("back up to %s: %w", words[0], err)
			}
			return a.tell(map[string]any{"file": words[0], "bytes": size}, "%s: %d bytes\n%s", words[0], size, notInBackup)
		},
	}
	c.Flags().BoolVar(&offline, "offline", false, "read the data directory; no gantry may be running on it")
	return c
}

// whole writes a file that appears when all of it is there, and overwrites none.
func whole(path string, write func(io.Writer) error) (size int64, err error) {
	if _, err := os.Lstat(path); err == nil {
		return 0, errors.New("there is such a file already; name another")
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".gantry-backup-*") // 0600
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // the name, when it was linked
	if err := errors.Join(write(temp), temp.Sync()); err != nil {
		return 0, errors.Join(err, temp.Close())
	}
	info, err := temp.Stat()
	if err := errors.Join(err, temp.Close()); err != nil {
		return 0, err
	}
	err = os.Link(temp.Name(), path) // unlike a rename, it never takes the place of another
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) {
		err = os.Rename(temp.Name(), path)
	}
	return info.Size(), err
}

func (a *app) fetchBackup(ctx context.Context, w io.Writer) error {
	api, err := a.client(ctx)
	if err != nil {
		return err
	}
	body, err := api.Stream(ctx, client.Request{Method: http.MethodGet, Path: "/gantry/v1/backup"})
	if err != nil {
		return err
	}
	_, err = io.Copy(w, body)
	if err = errors.Join(err, body.Close()); err != nil {
		return fmt.Errorf("the answer broke off: %w", err)
	}
	return nil
}

func (a *app) readBackup(ctx context.Context, w io.Writer) error {
	if _, err := os.Stat(filepath.Join(a.dataDir, "gantry.db")); err != nil {
		return fmt.Errorf("there is no data directory to read: %w", err)
	}
	db, err := embedded.Open(a.dataDir)
	if err != nil {
		return err
	}
	err = backup.Write(ctx, w, backup.Source{DataDir: a.dataDir, Snapshot: db.Snapshot, Version: a.Build.Version, Now: time.Now()})
	return errors.Join(err, db.Close())
}

func (a *app) restoreCommand() *cobra.Command {
	var key string
	c := &cobra.Command{
		Use: "restore FILE", Short: "Make a data directory of a backup",
		Long: `Restore makes the data directory named by --data-dir of a backup: all of it or nothing, each
part held against its digest. The directory must not be there yet, or be empty. A backup of
a newer gantry is refused.

The directory gets the identity of the one that was backed up: do not run both. Functions are
stored encrypted: give the key file of that data directory (store.key) with --store-key, or
put it there before gantry is started, unless store.key of the configuration file says where
the key is. Without it gantry makes a new one and can't read them.`,
		Example: "  gantry restore /backup/gantry-2026-11-23.tar.gz --data-dir ./gantry-data --store-key /safe/store.key",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, words []string) error {
			f, err := os.Open(words[0])
			if err != nil {
				return err
			}
			m, err := backup.Restore(f, a.dataDir, func(dir string) error { return errors.Join(opens(dir), takeKey(key, dir)) })
			if err := errors.Join(err, f.Close()); err != nil {
				return err
			}
			return a.tell(m, "%s: restored from a backup that gantry %s made at %s\n%s",
				a.dataDir, m.Version, m.Made.Format(time.RFC3339), notInBackup)
		},
	}
	c.Flags().StringVar(&key, "store-key", "", "the key file of the data directory that was backed up")
	return c
}

// takeKey puts the key of encrypted functions beside the store.
func takeKey(path, dir string) error {
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err == nil {
		_, err = sealed.ParseRing(string(text))
	}
	if err != nil {
		return fmt.Errorf("read the key %s: %w", path, err)
	}
	return os.WriteFile(filepath.Join(dir, sealed.KeyFile), text, 0o600)
}

// opens says whether this gantry can read a data directory.
func opens(dir string) error {
	db, err := embedded.Open(dir)
	if err != nil {
		return err
	}
	return db.Close()
}
