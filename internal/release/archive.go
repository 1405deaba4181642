package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// entry is one file of an archive.
type entry struct {
	name string // with slashes
	from string // the file
	mode os.FileMode
}

// archive packs binary, licence, README, completion and manual pages: tar.gz, or zip
// for Windows. One folder at the top, files sorted, all as old as the commit.
func (m *maker) archive(_ context.Context, p platform) error {
	entries, err := m.entries(p)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	ext, pack := ".tar.gz", m.tarball
	if p.os == "windows" {
		ext, pack = ".zip", m.zip
	}
	if err := pack(&packed, entries); err != nil {
		return err
	}
	return os.WriteFile(m.file(p, ext), packed.Bytes(), 0o644)
}

func (m *maker) entries(p platform) ([]entry, error) {
	top := fmt.Sprintf("gantry_%s_%s_%s/", m.from.version, p.os, p.arch)
	entries := []entry{{top + p.binary(), m.built(p), 0o755}}
	for _, name := range []string{"LICENSE", "NOTICE", "README.md", "CHANGELOG.md"} {
		entries = append(entries, entry{top + name, filepath.Join(m.root, name), 0o644})
	}
	for _, folder := range []string{"completion", "man"} {
		if folder == "man" && p.os == "windows" {
			continue
		}
		found, err := filepath.Glob(filepath.Join(m.work, folder, "*"))
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			entries = append(entries, entry{top + folder + "/" + filepath.Base(path), path, 0o644})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return entries, nil
}

func (m *maker) tarball(w io.Writer, entries []entry) error {
	packed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	out := tar.NewWriter(packed)
	for _, e := range entries {
		body, err := os.ReadFile(e.from)
		if err != nil {
			return err
		}
		h := &tar.Header{
			Name: e.name, Mode: int64(e.mode), Size: int64(len(body)), ModTime: m.from.time,
			Uname: "root", Gname: "root", Format: tar.FormatUSTAR,
		}
		if err := out.WriteHeader(h); err != nil {
			return err
		}
		if _, err := out.Write(body); err != nil {
			return err
		}
	}
	if err := out.Close(); err != nil {
		return err
	}
	return packed.Close()
}

func (m *maker) zip(w io.Writer, entries []entry) error {
	out := zip.NewWriter(w)
	for _, e := range entries {
		body, err := os.ReadFile(e.from)
		if err != nil {
			return err
		}
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: m.from.time}
		h.SetMode(e.mode)
		part, err := out.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := part.Write(body); err != nil {
			return err
		}
	}
	return out.Close()
}

// pages compresses the manual pages, as man reads them from a package.
func (m *maker) pages(dir string) error {
	found, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil {
		return err
	}
	for _, path := range found {
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression) // no name and no time in its head
		if err != nil {
			return err
		}
		if _, err := w.Write(body); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(path+".gz", packed.Bytes(), 0o644); err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// checksums writes SHA256SUMS, as sha256sum -c reads it.
func (m *maker) checksums() error {
	found, err := filepath.Glob(filepath.Join(m.out, "*"))
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, path := range found {
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(body), filepath.Base(path))
	}
	fmt.Fprintf(m.log, "%d files in %s\n", len(found)+1, m.out)
	return os.WriteFile(filepath.Join(m.out, "SHA256SUMS"), []byte(sums.String()), 0o644)
}
