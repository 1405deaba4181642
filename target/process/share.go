package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// sharedFolder holds, in the data folder, the packages that other users than gantry's
// own run.
const sharedFolder = "functions"

// share makes what a function of another user needs readable for that user, and nothing
// else: it may pass through the data folder, whose files stay gantry's, to its own
// package, our bootstraps and its own temp folder.
func (c *Config) share(who *account) error {
	if who == nil {
		return nil
	}
	info, err := os.Stat(c.DataDir)
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if err := os.Chmod(c.DataDir, info.Mode().Perm()|0o011); err != nil {
		return fmt.Errorf("let user %s pass through the data folder: %w", who.name, err)
	}
	if err := who.reaches(c.DataDir); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if c.CodeDir == "" {
		return nil
	}
	if !c.Packaged {
		if err := who.reaches(c.CodeDir); err != nil {
			return fmt.Errorf("code folder: %w", err)
		}
		return nil
	}
	dir, err := c.copyPackage(who)
	if err != nil {
		return fmt.Errorf("give the package to user %s: %w", who.name, err)
	}
	c.CodeDir = dir
	return nil
}

// copyPackage gives the user's group a copy of a package to read: the store of packages
// stays closed, as one function's code is no other's business. A copy serves all
// functions of that package and group, until gantry is started again.
func (c *Config) copyPackage(who *account) (string, error) {
	parent := filepath.Join(c.DataDir, sharedFolder)
	if err := os.MkdirAll(parent, 0o711); err != nil {
		return "", err
	}
	if err := os.Chmod(parent, 0o711); err != nil { // whatever the umask is
		return "", err
	}
	dir := filepath.Join(parent, filepath.Base(c.CodeDir)+"-"+strconv.Itoa(who.gid))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	temp, err := os.MkdirTemp(parent, ".new-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	if err := os.CopyFS(temp, os.DirFS(c.CodeDir)); err != nil {
		return "", err
	}
	if err := handOver(temp, who.gid); err != nil {
		return "", err
	}
	err = os.Rename(temp, dir)
	if errors.Is(err, fs.ErrExist) { // another function of the same package was quicker
		err = nil
	}
	return dir, err
}

// handOver lets a group read a tree, and run what is a program in it.
func handOver(tree string, gid int) error {
	return filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := os.Lchown(path, -1, gid); err != nil {
			return err
		}
		if d.Type() == fs.ModeSymlink {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o640)
		if d.IsDir() || info.Mode()&0o111 != 0 {
			mode = 0o750
		}
		return os.Chmod(path, mode)
	})
}

// reaches says which folder on the way to a path the user may not pass through.
func (a *account) reaches(path string) error {
	for dir := path; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if !a.may(info, 0o1) {
			return fmt.Errorf("user %s may not pass through %s (%s); choose a place it can reach, or open that folder: chmod o+x %[2]s", a.name, dir, info.Mode())
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}
