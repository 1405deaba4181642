package backup_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/store"
	"gantry/store/backup"
	"gantry/store/code"
	"gantry/store/embedded"
)

var by = store.Write{Actor: "test", Reason: "setup"}

// filled is a data directory with documents, a ledger and a package, and its backup.
func filled(t *testing.T) (db *embedded.Store, dir string, sha string, saved []byte) {
	t.Helper()
	dir = t.TempDir()
	db, err := embedded.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for i := range 50 {
		_, err := db.Put(t.Context(), store.Document{Kind: store.Mappings, ID: fmt.Sprint(i), Body: []byte(`{"n":1}`)}, by)
		require.NoError(t, err)
	}
	_, err = db.Append(t.Context(), "audit.x", []byte("who did what"), by)
	require.NoError(t, err)
	packages, err := code.Open(dir)
	require.NoError(t, err)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("bootstrap")
	require.NoError(t, err)
	_, err = io.WriteString(f, "code")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	kept, err := packages.Save(t.Context(), b.Bytes())
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, backup.Write(t.Context(), &out, source(db, dir)))
	return db, dir, kept.SHA256, out.Bytes()
}

func source(db *embedded.Store, dir string) backup.Source {
	return backup.Source{DataDir: dir, Snapshot: db.Snapshot, Version: "1.2.3", Now: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func TestWhatWasBackedUpIsThereAgain(t *testing.T) {
	t.Parallel()
	db, dir, sha, saved := filled(t)
	left, err := filepath.Glob(filepath.Join(dir, ".backup-*"))
	require.NoError(t, err)
	require.Empty(t, left)
	for _, prepare := range []func(string){func(string) {}, func(to string) { require.NoError(t, os.Mkdir(to, 0o755)) }} {
		to := filepath.Join(t.TempDir(), "data")
		prepare(to)
		m, err := backup.Restore(bytes.NewReader(saved), to, nil)
		require.NoError(t, err)
		require.Equal(t, "1.2.3", m.Version)
		info, err := os.Stat(to)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
		again, err := embedded.Open(to)
		require.NoError(t, err)
		require.Equal(t, db.ID(), again.ID())
		docs, err := again.List(t.Context(), store.Mappings)
		require.NoError(t, err)
		require.Len(t, docs, 50)
		entries, err := again.Read(t.Context(), "audit.x", 1, 10)
		require.NoError(t, err)
		require.Equal(t, "who did what", string(entries[0].Body))
		require.NoError(t, again.Close())
		packages, err := code.Open(to)
		require.NoError(t, err)
		unpacked, err := packages.Dir(sha)
		require.NoError(t, err)
		require.FileExists(t, filepath.Join(unpacked, "bootstrap"))
	}
}

// While others write, a backup holds the store of one moment.
func TestABackupIsOfOneMoment(t *testing.T) {
	t.Parallel()
	db, dir, _, _ := filled(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ { // two documents that always have the same body
			for _, id := range []string{"a", "b"} {
				doc, _ := db.Get(context.Background(), store.Plans, id)
				_, _ = db.Put(context.Background(), store.Document{Kind: store.Plans, ID: id, Version: doc.Version, Body: fmt.Appendf(nil, `{"n":%d}`, i)}, by)
			}
		}
	}()
	for range 5 {
		var out bytes.Buffer
		require.NoError(t, backup.Write(t.Context(), &out, source(db, dir)))
		to := filepath.Join(t.TempDir(), "data")
		_, err := backup.Restore(&out, to, nil)
		require.NoError(t, err)
		again, err := embedded.Open(to)
		require.NoError(t, err)
		docs, err := again.List(t.Context(), store.Plans)
		require.NoError(t, err)
		if len(docs) == 2 { // b is never ahead of a, and one behind at most
			require.GreaterOrEqual(t, docs[0].Version, docs[1].Version)
			require.LessOrEqual(t, docs[0].Version-docs[1].Version, int64(1))
		}
		require.NoError(t, again.Close())
	}
	stop()
	<-done
}

// What can't be restored whole leaves nothing behind, and nothing is overwritten.
func TestARestoreIsAllOrNothing(t *testing.T) {
	t.Parallel()
	_, _, _, saved := filled(t)
	flipped := bytes.Clone(saved)
	flipped[len(flipped)/2] ^= 1
	for name, bad := range map[string][]byte{
		"cut off": saved[:len(saved)-20], "half": saved[:len(saved)/2], "a bit flipped": flipped, "empty": {}, "no backup": []byte("hello"),
	} {
		parent := t.TempDir()
		to := filepath.Join(parent, "data")
		_, err := backup.Restore(bytes.NewReader(bad), to, nil)
		require.Error(t, err, name)
		entries, err := os.ReadDir(parent)
		require.NoError(t, err)
		require.Empty(t, entries, name)
	}
	to := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(to, "precious"), []byte("x"), 0o600))
	_, err := backup.Restore(bytes.NewReader(saved), to, nil)
	require.ErrorIs(t, err, backup.ErrNotEmpty)
	require.FileExists(t, filepath.Join(to, "precious"))
	_, err = backup.Restore(bytes.NewReader(saved), filepath.Join(t.TempDir(), "data"), func(string) error { return store.ErrNewer })
	require.ErrorIs(t, err, store.ErrNewer)
}

// A manifest of a newer format is refused by name.
func TestANewerBackupIsRefused(t *testing.T) {
	t.Parallel()
	_, err := backup.Restore(archive(t, map[string]string{"manifest.json": `{"format":2,"version":"9.9"}`}), filepath.Join(t.TempDir(), "data"), nil)
	require.ErrorIs(t, err, store.ErrNewer)
	require.ErrorContains(t, err, "9.9")
}

// A part that names a place outside of the data directory is refused.
func TestABackupWritesNowhereElse(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../evil", "/etc/evil", "code/../../evil", "credentials"} {
		parent := t.TempDir()
		manifest := fmt.Sprintf(`{"format":1,"parts":[{"name":%q,"size":1,"sha256":"x"}]}`, name)
		_, err := backup.Restore(archive(t, map[string]string{"manifest.json": manifest, name: "x"}), filepath.Join(parent, "data"), nil)
		require.ErrorContains(t, err, "where its manifest says", name)
		entries, err := os.ReadDir(parent)
		require.NoError(t, err)
		require.Empty(t, entries)
	}
}
