// Package backup writes what a gantry must remember into one file, and makes a data
// directory of it again.
//
// The file is a compressed tar: a manifest with the size and digest of each part, then the
// embedded store as it stood at one moment, then the deployment packages. Packages are
// named by their digest and written before the function that names them, so those that are
// there after the store was copied are all it speaks of. Keys are not part of it: neither
// the key pairs of the API nor the key of encrypted environments, which stay encrypted.
package backup

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// format is the version of the file's layout. It goes up with a change that an older
// gantry would misread.
const format = 1

const (
	manifestName = "manifest.json"
	storeName    = "gantry.db"
	codeFolder   = "code"
)

// Manifest is what a backup says of itself.
type Manifest struct {
	Format  int       `json:"format"`
	Version string    `json:"version"` // of the gantry that wrote it
	Made    time.Time `json:"made"`
	Parts   []Part    `json:"parts"`
}

// Part is one file.
type Part struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Source is what is backed up.
type Source struct {
	DataDir  string                                       // where code/ is, and a temporary copy of the store may be
	Snapshot func(ctx context.Context, w io.Writer) error // of the store, at one moment
	Version  string
	Now      time.Time
}

// Write writes a backup. An error leaves w with less than a whole one, which Restore
// notices.
func Write(ctx context.Context, w io.Writer, from Source) error {
	temp, err := os.CreateTemp(from.DataDir, ".backup-*")
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	defer func() { _ = os.Remove(temp.Name()) }() // whatever became of it
	err = errors.Join(from.Snapshot(ctx, temp), temp.Close())
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	files := map[string]string{storeName: temp.Name()}
	packages, err := filepath.Glob(filepath.Join(from.DataDir, codeFolder, "*.zip"))
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	order := []string{storeName}
	for _, path := range packages {
		name := codeFolder + "/" + filepath.Base(path)
		if known(name) {
			files[name] = path
			order = append(order, name)
		}
	}
	if err := write(ctx, w, from, order, files); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	return nil
}

func write(ctx context.Context, w io.Writer, from Source, order []string, files map[string]string) error {
	m := Manifest{Format: format, Version: from.Version, Made: from.Now.UTC()}
	for _, name := range order {
		part, err := describe(name, files[name])
		if err != nil {
			return err
		}
		m.Parts = append(m.Parts, part)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	compressed := gzip.NewWriter(w)
	archive := tar.NewWriter(compressed)
	if err := archive.WriteHeader(header(manifestName, int64(len(text)), m.Made)); err != nil {
		return err
	}
	if _, err := archive.Write(text); err != nil {
		return err
	}
	for _, part := range m.Parts {
		if err := errors.Join(ctx.Err(), archive.WriteHeader(header(part.Name, part.Size, m.Made))); err != nil {
			return err
		}
		if err := copyFile(archive, files[part.Name]); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), compressed.Close())
}

func header(name string, size int64, at time.Time) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: at.Truncate(time.Second)}
}

func describe(name, path string) (Part, error) {
	f, err := os.Open(path)
	if err != nil {
		return Part{}, err
	}
	h := sha256.New()
	n, err := io.Copy(h, f)
	return Part{Name: name, Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, errors.Join(err, f.Close())
}

func copyFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return errors.Join(err, f.Close())
}

// known says whether a name may be part of a backup: nothing else is ever written to a
// data directory.
func known(name string) bool {
	if name == storeName {
		return true
	}
	base, ok := digestOf(name)
	if !ok {
		return false
	}
	raw, err := hex.DecodeString(base)
	return err == nil && len(raw) == sha256.Size
}

// digestOf is the digest in code/DIGEST.zip.
func digestOf(name string) (string, bool) {
	const prefix, suffix = codeFolder + "/", ".zip"
	if len(name) != len(prefix)+2*sha256.Size+len(suffix) || name[:len(prefix)] != prefix || name[len(name)-len(suffix):] != suffix {
		return "", false
	}
	return name[len(prefix) : len(name)-len(suffix)], true
}

// has says whether the manifest names a part.
func (m Manifest) has(name string) bool {
	return slices.ContainsFunc(m.Parts, func(p Part) bool { return p.Name == name })
}
