package code

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Folder is a digest of what a folder of code holds: names, which of them may be run, and
// content, and of links what they point to. What interpreters keep for themselves
// (__pycache__) is left out, since it comes with the first run.
func Folder(ctx context.Context, dir string) (string, error) {
	sum := sha256.New()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case entry.IsDir() && entry.Name() == "__pycache__":
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		return addFile(sum, dir, path)
	})
	if err != nil {
		return "", fmt.Errorf("read the code in %s: %w", dir, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func addFile(sum hash.Hash, dir, path string) error {
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path) // what a link points to is run
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		fmt.Fprintf(sum, "%q %s\n", filepath.ToSlash(name), info.Mode().Type())
		return nil
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	content := sha256.New()
	if _, err := io.Copy(content, from); err != nil {
		return err
	}
	fmt.Fprintf(sum, "%q %t %x\n", filepath.ToSlash(name), info.Mode().Perm()&0o111 != 0, content.Sum(nil))
	return nil
}
