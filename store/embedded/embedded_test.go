package embedded_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"gantry/store"
	"gantry/store/embedded"
	"gantry/store/storetest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	bolt "go.etcd.io/bbolt"
)

func open(t *testing.T, dir string) *embedded.Store {
	t.Helper()
	s, err := embedded.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) (store.Store, func() store.Store) {
		dir := filepath.Join(t.TempDir(), "data")
		s := open(t, dir)
		return s, func() store.Store {
			require.NoError(t, s.Close())
			s = open(t, dir)
			return s
		}
	})
}

func TestIdentityOfTheDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	id := s.ID()
	_, err := uuid.Parse(id)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.Equal(t, id, open(t, dir).ID())
	require.NotEqual(t, id, open(t, t.TempDir()).ID())
}

func TestModes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "data")
	s := open(t, dir)
	requireMode(t, dir, 0o700)
	file := filepath.Join(dir, "gantry.db")
	requireMode(t, file, 0o600)
	require.NoError(t, s.Close())

	require.NoError(t, os.Chmod(file, 0o644))
	open(t, dir)
	requireMode(t, file, 0o600)

	project := t.TempDir()
	require.NoError(t, os.Chmod(project, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(project, "gantry.yaml"), nil, 0o644))
	open(t, project)
	requireMode(t, project, 0o755) // somebody's folder stays as it was
	requireMode(t, filepath.Join(project, "gantry.db"), 0o600)
}

func requireMode(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, mode, info.Mode().Perm(), path)
}

func TestLockedDirectoryNamesItsHolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	began := time.Now()
	_, err := embedded.Open(dir)
	require.ErrorIs(t, err, store.ErrLocked)
	require.ErrorContains(t, err, "process "+strconv.Itoa(os.Getpid()))
	require.ErrorContains(t, err, "--data-dir")
	require.ErrorContains(t, err, dir)
	require.Less(t, time.Since(began), 5*time.Second, "opening must not hang")

	require.NoError(t, os.Remove(filepath.Join(dir, "gantry.pid")))
	_, err = embedded.Open(dir)
	require.ErrorIs(t, err, store.ErrLocked)
	require.ErrorContains(t, err, "another process")

	require.NoError(t, s.Close())
	open(t, dir)
}

func TestNewerFormatIsRefusedUntouched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, open(t, dir).Close())
	file := filepath.Join(dir, "gantry.db")
	edit(t, file, func(tx *bolt.Tx) error { return tx.Bucket([]byte("gantry")).Put([]byte("format"), []byte("2")) })
	before, err := os.ReadFile(file)
	require.NoError(t, err)

	_, err = embedded.Open(dir)
	require.ErrorIs(t, err, store.ErrNewer)
	require.ErrorContains(t, err, "format 2")
	require.ErrorContains(t, err, "start the newer version")
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, before, after)
	_, err = embedded.Open(dir)
	require.ErrorIs(t, err, store.ErrNewer, "the refused open let the lock go")
}

func TestForeignAndDamagedFilesAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		make func(t *testing.T, file string)
		says string
	}{
		"not a database": {func(t *testing.T, file string) {
			require.NoError(t, os.WriteFile(file, make([]byte, 64<<10), 0o600))
		}, "restore a backup"},
		"somebody else's database": {func(t *testing.T, file string) {
			edit(t, file, func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
		}, "not written by gantry"},
		"a format that is no number": {func(t *testing.T, file string) {
			edit(t, file, func(tx *bolt.Tx) error {
				b, err := tx.CreateBucket([]byte("gantry"))
				require.NoError(t, err)
				return b.Put([]byte("format"), []byte("x"))
			})
		}, "no number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tc.make(t, filepath.Join(dir, "gantry.db"))
			_, err := embedded.Open(dir)
			require.ErrorContains(t, err, tc.says)
		})
	}
}

func edit(t *testing.T, file string, change func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(file, 0o600, &bolt.Options{Timeout: time.Second})
	require.NoError(t, err)
	require.NoError(t, db.Update(change))
	require.NoError(t, db.Close())
}
