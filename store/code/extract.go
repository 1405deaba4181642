package code

import (
	"archive/zip"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// maxLink is the longest target of a link, Linux's PATH_MAX.
const maxLink = 4096

// extract unpacks a checked archive into an empty folder. os.Root keeps every write
// below that folder whatever the check overlooked.
func (c *Code) extract(ctx context.Context, archive *zip.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("unpack the deployment package: %w", err)
	}
	defer func() { _ = root.Close() }()
	x := extraction{root: root, left: c.limit}
	for _, f := range archive.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := x.entry(f); err != nil {
			return err
		}
	}
	return nil
}

type extraction struct {
	root *os.Root
	left int64 // bytes the package may still unpack to; what the table claims may be a lie
}

func (x *extraction) entry(f *zip.File) error {
	name, _ := cleanName(f.Name)
	var err error
	switch kindOf(f) {
	case folder:
		err = x.root.MkdirAll(name, 0o755)
	case link:
		err = x.link(f, name)
	default:
		err = x.file(f, name)
	}
	var refused *RefusedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return err
	case errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrChecksum), errors.Is(err, io.ErrUnexpectedEOF), isFlate(err):
		return &RefusedError{Message: notReadable}
	}
	return fmt.Errorf("unpack %q of the deployment package: %w", f.Name, err)
}

func (x *extraction) file(f *zip.File, name string) error {
	if err := x.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := x.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode(f))
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(in, x.left+1))
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	if x.left -= n; x.left < 0 {
		return &RefusedError{Message: tooLarge}
	}
	return x.root.Chmod(name, mode(f)) // the umask must not take the x of a bootstrap
}

// mode lets everybody read and nobody but the owner write, and keeps the x bits; set-id
// bits are dropped.
func mode(f *zip.File) fs.FileMode { return f.Mode().Perm()&0o755 | 0o644 }

func (x *extraction) link(f *zip.File, name string) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	target, err := io.ReadAll(io.LimitReader(in, maxLink+1))
	if err != nil {
		return err
	}
	if fault := linkFault(name, string(target)); fault != "" {
		return &RefusedError{Message: fmt.Sprintf("The zip can't be unpacked safely: %q: %s", f.Name, fault)}
	}
	if err := x.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	return x.root.Symlink(string(target), name)
}

// linkFault says why a link may lead out of the package. ".." is allowed at the start
// only: there it counts from the link's own folder, while behind another link it would
// count from wherever that one leads.
func linkFault(name, target string) string {
	if target == "" || len(target) > maxLink || strings.ContainsAny(target, "\\\x00") {
		return "the link has no usable target"
	}
	if path.IsAbs(target) {
		return "the link leads out of the package"
	}
	down := target
	for down == ".." || strings.HasPrefix(down, "../") || strings.HasPrefix(down, "./") {
		_, down, _ = strings.Cut(down, "/")
	}
	if strings.Contains("/"+down+"/", "/../") {
		return `the link goes up ("..") behind a name`
	}
	if joined := path.Join(path.Dir(name), target); joined == ".." || strings.HasPrefix(joined, "../") {
		return "the link leads out of the package"
	}
	return ""
}

// isFlate tells data that is no deflate stream.
func isFlate(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.As(err, &corrupt)
}
