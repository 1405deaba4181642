// Package code keeps deployment packages in the data directory, each under the digest
// of its zip:
//
//	code/HEX.zip   the package as it was uploaded
//	code/HEX/      the same, unpacked once for every process that runs it
//
// A package is checked whole before any of it is kept, and both forms appear by a
// rename, so a crash leaves either nothing or all. The folder is shared by every
// process of the function and by what is left of an update: nobody writes to it.
package code

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"gantry/function"
)

// Grace is how long Sweep leaves a package alone after it was saved, so that one whose
// function is just being written is not taken away.
const Grace = 10 * time.Minute

// tempPrefix marks what is being written; Sweep removes what a crash left of it.
const tempPrefix = ".new-"

// Code is the folder of packages. Safe for use by many goroutines of one process.
type Code struct {
	dir   string
	limit int64 // MaxUnzipped, less in tests
	now   func() time.Time

	mu sync.Mutex // one package is unpacked or removed at a time
}

// Open opens the packages of a data directory and makes their folder, 0700.
func Open(dataDir string) (*Code, error) {
	dir, err := filepath.Abs(filepath.Join(dataDir, "code"))
	if err != nil {
		return nil, fmt.Errorf("open the code folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the code folder: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the code folder: %w", err)
	}
	return &Code{dir: dir, limit: MaxUnzipped, now: time.Now}, nil
}

// Save checks, unpacks and keeps a package. A package that cannot be used is a
// *RefusedError; then nothing was kept.
func (c *Code) Save(ctx context.Context, body []byte) (function.Code, error) {
	saved := Describe(body)
	name, err := nameOf(saved.SHA256)
	if err != nil {
		return function.Code{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.unpack(ctx, name, body); err != nil {
		return function.Code{}, err
	}
	path := filepath.Join(c.dir, name+".zip")
	if err := c.writeOnce(path, body); err != nil {
		return function.Code{}, fmt.Errorf("save the deployment package: %w", err)
	}
	return saved, nil
}

// Describe says how a package will be known once it is saved.
func Describe(body []byte) function.Code {
	digest := sha256.Sum256(body)
	return function.Code{SHA256: base64.StdEncoding.EncodeToString(digest[:]), Size: int64(len(body))}
}

// Dir gives the folder a package is unpacked in, and unpacks it again if it is missing.
// An unknown package is fs.ErrNotExist.
func (c *Code) Dir(sha string) (string, error) {
	name, err := nameOf(sha)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(c.dir, name)
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return dir, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	body, err := c.Zip(sha)
	if err != nil {
		return "", err
	}
	if err := c.unpack(context.Background(), name, body); err != nil {
		return "", err
	}
	return dir, nil
}

// Zip gives a package as it was uploaded. An unknown one is fs.ErrNotExist, and one
// that changed on disk is an error.
func (c *Code) Zip(sha string) ([]byte, error) {
	name, err := nameOf(sha)
	if err != nil {
		return nil, err
	}
	body, err := os.ReadFile(filepath.Join(c.dir, name+".zip"))
	if err != nil {
		return nil, fmt.Errorf("read the deployment package %s: %w; upload the function's code again", sha, err)
	}
	if digest := sha256.Sum256(body); hex.EncodeToString(digest[:]) != name {
		return nil, fmt.Errorf("read the deployment package %s: it changed on disk; upload the function's code again", sha)
	}
	return body, nil
}

// Sweep removes the packages that keep does not name, with what crashes left, and says
// how many packages went. Packages younger than Grace stay.
func (c *Code) Sweep(keep map[string]bool) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return 0, fmt.Errorf("sweep the code folder: %w", err)
	}
	kept := map[string]bool{}
	for sha := range keep {
		if name, err := nameOf(sha); err == nil {
			kept[name] = true
		}
	}
	var removed int
	var faults []error
	for _, e := range entries {
		name, isZip := strings.CutSuffix(e.Name(), ".zip")
		if kept[name] || c.young(name) {
			continue
		}
		if err := c.remove(e.Name()); err != nil {
			faults = append(faults, fmt.Errorf("sweep the code folder: %w", err))
		} else if isZip {
			removed++
		}
	}
	return removed, errors.Join(faults...)
}

// remove takes the name away before the content, so that a crash in between can't leave
// half a folder that looks unpacked.
func (c *Code) remove(name string) error {
	path := filepath.Join(c.dir, name)
	if !strings.HasPrefix(name, tempPrefix) {
		going := filepath.Join(c.dir, tempPrefix+"gone-"+name)
		if err := os.Rename(path, going); err != nil {
			return err
		}
		path = going
	}
	return os.RemoveAll(path)
}

// young tells a package by the time of its zip: every Save touches it.
func (c *Code) young(name string) bool {
	info, err := os.Stat(filepath.Join(c.dir, name+".zip"))
	return err == nil && c.now().Sub(info.ModTime()) < Grace
}

// unpack makes code/HEX, unless it is there.
func (c *Code) unpack(ctx context.Context, name string, body []byte) error {
	dir := filepath.Join(c.dir, name)
	if _, err := os.Stat(dir); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unpack the deployment package: %w", err)
	}
	archive, err := check(body, c.limit)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(c.dir, tempPrefix)
	if err != nil {
		return fmt.Errorf("unpack the deployment package: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }() // gone already when all went well
	if err := c.extract(ctx, archive, temp); err != nil {
		return err
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return fmt.Errorf("unpack the deployment package: %w", err)
	}
	if err := syncFolder(temp); err != nil {
		return fmt.Errorf("unpack the deployment package: %w", err)
	}
	if err := os.Rename(temp, dir); err != nil {
		return fmt.Errorf("unpack the deployment package: %w", err)
	}
	return nil
}

// writeOnce writes a file that appears whole, and touches one that is there.
func (c *Code) writeOnce(path string, body []byte) error {
	if was, err := os.ReadFile(path); err == nil && bytes.Equal(was, body) {
		return os.Chtimes(path, c.now(), c.now())
	}
	f, err := os.CreateTemp(c.dir, tempPrefix)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(body)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// nameOf turns AWS's base64 digest into a file name.
func nameOf(sha string) (string, error) {
	digest, err := base64.StdEncoding.DecodeString(sha)
	if err != nil || len(digest) != sha256.Size {
		return "", fmt.Errorf("%q is no digest of a deployment package: %w", sha, fs.ErrNotExist)
	}
	return hex.EncodeToString(digest), nil
}

func open(body []byte) (*zip.Reader, error) {
	return zip.NewReader(bytes.NewReader(body), int64(len(body)))
}
