package backup

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"gantry/store"
)

// ErrNotEmpty is a data directory that holds something: restoring would overwrite it.
var ErrNotEmpty = errors.New("the data directory is not empty")

// manifestMost bounds what is read of a manifest.
const manifestMost = 16 << 20

// Restore makes a data directory of a backup: all of it, or nothing. The directory must
// not be there yet, or be empty. check looks at what was unpacked before it is put in its
// place; nil = it is not looked at.
func Restore(r io.Reader, dir string, check func(dir string) error) (m Manifest, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return m, err
	}
	if err := empty(dir); err != nil {
		return m, fmt.Errorf("restore into %s: %w", dir, err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".restoring-*") // 0700, beside: a rename must do
	if err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }() // gone when all went well
	if m, err = unpack(r, temp); err == nil && check != nil {
		err = check(temp)
	}
	if err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("restore into %s: %w", dir, err) // not empty any more
	}
	if err := os.Rename(temp, dir); err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	return m, nil
}

func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%w (it holds %s); name another with --data-dir", ErrNotEmpty, entries[0].Name())
	}
	return nil
}

// unpack reads a whole backup and holds each part against the manifest.
func unpack(r io.Reader, dir string) (Manifest, error) {
	var m Manifest
	compressed, err := gzip.NewReader(r)
	if err != nil {
		return m, fmt.Errorf("this is no backup: %w", err)
	}
	archive := tar.NewReader(compressed)
	if m, err = readManifest(archive); err != nil {
		return m, err
	}
	for _, want := range m.Parts {
		got, err := archive.Next()
		if err != nil {
			return m, fmt.Errorf("the backup ends before %s: %w", want.Name, err)
		}
		if got.Name != want.Name || got.Typeflag != tar.TypeReg || !known(want.Name) {
			return m, fmt.Errorf("the backup holds %q where its manifest says %q", got.Name, want.Name)
		}
		if err := extract(archive, dir, want); err != nil {
			return m, err
		}
	}
	if _, err := archive.Next(); !errors.Is(err, io.EOF) {
		return m, errors.New("the backup holds more than its manifest says")
	}
	if !m.has(storeName) {
		return m, errors.New("the backup holds no store")
	}
	return m, nil
}

func readManifest(archive *tar.Reader) (Manifest, error) {
	var m Manifest
	first, err := archive.Next()
	if err != nil || first.Name != manifestName {
		return m, errors.Join(errors.New("this is no backup: it does not begin with a manifest"), err)
	}
	if err := json.NewDecoder(io.LimitReader(archive, manifestMost)).Decode(&m); err != nil {
		return m, fmt.Errorf("read the manifest: %w", err)
	}
	if m.Format > format || m.Format < 1 {
		return m, fmt.Errorf("%w (%s): format %d, this one knows up to %d; use that version", store.ErrNewer, m.Version, m.Format, format)
	}
	return m, nil
}

func extract(from io.Reader, dir string, want Part) error {
	path := filepath.Join(dir, filepath.FromSlash(want.Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(from, want.Size+1))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("unpack %s: %w", want.Name, err)
	}
	if n != want.Size || hex.EncodeToString(h.Sum(nil)) != want.SHA256 {
		return fmt.Errorf("%s is damaged: it is not what the manifest says", want.Name)
	}
	if digest, ok := digestOf(want.Name); ok && digest != want.SHA256 {
		return fmt.Errorf("%s is damaged: it is not what its name says", want.Name)
	}
	return nil
}
