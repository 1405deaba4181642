package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// current is the link that Kubernetes puts on another folder when a mounted secret
// changes: what is behind it is one state of the whole secret.
const current = "..data"

// fromKubernetes reads a mounted secret: NAME is a folder with a file for each key, and
// gives them all as fields; NAME/KEY gives one of them. A secret that is swapped while it
// is read is never seen half old and half new.
func fromKubernetes(ref, dir, name string) (Value, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Value{}, fileError(ref, err)
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(name)
	if err != nil {
		return Value{}, fileError(ref, err)
	}
	if !info.IsDir() {
		file, err := root.Open(name)
		if err != nil {
			return Value{}, fileError(ref, err)
		}
		return readAll(ref, file)
	}
	fields, err := mounted(root, name)
	if err != nil {
		return Value{}, fileError(ref, fmt.Errorf("the mounted secret %s: %w", filepath.Join(dir, name), err))
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return Value{}, fileError(ref, err)
	}
	return NewValue(text), nil
}

// mounted reads all keys of one state. The old state is removed once the link is on the
// new one, so what was read counts only if the link is where it was; else it is read again.
func mounted(root *os.Root, name string) (map[string]string, error) {
	at := filepath.Join(name, current)
	if _, err := root.Lstat(at); errors.Is(err, fs.ErrNotExist) {
		return state(root, name) // a plain folder of files
	}
	for range 10 {
		before, err := root.Readlink(at)
		if err != nil {
			return nil, err
		}
		fields, err := state(root, at)
		after, failed := root.Readlink(at)
		if failed != nil {
			return nil, failed
		}
		if before == after {
			return fields, err
		}
	}
	return nil, errors.New("it was swapped ten times while it was read")
}

func state(root *os.Root, at string) (map[string]string, error) {
	dir, err := root.OpenRoot(at)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	keys, err := fs.ReadDir(dir.FS(), ".")
	if err != nil {
		return nil, err
	}
	fields, size := map[string]string{}, 0
	for _, key := range keys {
		if strings.HasPrefix(key.Name(), "..") {
			continue
		}
		text, err := readKey(dir, key.Name())
		if err != nil {
			return nil, err
		}
		if size += len(text); size > maxSize {
			return nil, fmt.Errorf("it is larger than %d bytes", maxSize)
		}
		fields[key.Name()] = text
	}
	if len(fields) == 0 {
		return nil, errors.New("it has no keys")
	}
	return inAWSWords(fields), nil
}

func readKey(dir *os.Root, name string) (string, error) {
	file, err := dir.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, fmt.Errorf("%s is no regular file", name))
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	return strings.TrimRight(string(text), "\r\n"), err
}

// inAWSWords gives a kubernetes.io/tls secret the names AWS has for its parts as well, so
// that it serves where a client certificate is asked for.
func inAWSWords(fields map[string]string) map[string]string {
	for from, to := range map[string]string{"tls.crt": "certificate", "tls.key": "privateKey"} {
		if value, ok := fields[from]; ok && fields[to] == "" {
			fields[to] = value
		}
	}
	return fields
}
