package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxSize is the largest secret read, AWS's own limit: a reference that names a huge
// file is a mistake.
const maxSize = 65_536

func (r *Resolver) fromEnv(ref, name string) (Value, error) {
	if r.options.LookupEnv != nil {
		if content, ok := r.options.LookupEnv(name); ok {
			return NewValue([]byte(content)), nil
		}
	}
	return Value{}, &Error{Ref: ref, Err: errors.New("the variable is not set"), Try: "set it for the process that runs gantry"}
}

func fromFile(ref, path string) (Value, error) {
	file, err := os.Open(path)
	if err != nil {
		return Value{}, fileError(ref, err)
	}
	return readAll(ref, file)
}

// endings are tried in turn behind the name of a secret in a directory.
func endings() []string { return []string{"", ".json", ".properties"} }

// fromDir reads a file of a directory and nothing outside it, links included.
func fromDir(ref, dir, name string) (Value, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Value{}, fileError(ref, err)
	}
	defer func() { _ = root.Close() }()
	for _, ending := range endings() {
		file, err := root.Open(name + ending)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Value{}, fileError(ref, err)
		}
		return readAll(ref, file)
	}
	missing := fmt.Errorf("there is no %s, %[1]s.json or %[1]s.properties", filepath.Join(dir, name))
	return Value{}, &Error{Ref: ref, Err: missing, Try: "create one of them, readable by gantry alone"}
}

func readAll(ref string, file *os.File) (Value, error) {
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		return Value{}, fileError(ref, err)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return Value{}, fileError(ref, err)
	}
	if len(content) > maxSize {
		return Value{}, fileError(ref, fmt.Errorf("it is larger than %d bytes", maxSize))
	}
	return NewValue(content), nil
}

func fileError(ref string, err error) error {
	try := "check the path"
	switch {
	case errors.Is(err, fs.ErrPermission):
		try = "let the user that runs gantry read it"
	case errors.Is(err, fs.ErrNotExist):
		try = "check the path; a relative one begins at the folder of the configuration file"
	}
	return &Error{Ref: ref, Err: err, Try: try}
}
