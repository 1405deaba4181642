package demo

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

//go:embed functions/score.py
var scoreFunction []byte

// The folders of a demo, as demo.yaml names them.
const (
	codeFolder    = "functions"
	effectsFolder = "effects"
	bucketFolder  = "bucket"
)

// Prepare makes the folder that demo.yaml is relative to: the functions' code, which is
// the program given, and the place where they note what they did.
func Prepare(dir, program string) error {
	for _, name := range []string{codeFolder, effectsFolder, bucketFolder} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return fmt.Errorf("prepare the demo: %w", err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, codeFolder, "score.py"), scoreFunction, 0o600); err != nil {
		return fmt.Errorf("prepare the demo: %w", err)
	}
	bootstrap := filepath.Join(dir, codeFolder, "bootstrap")
	if os.Symlink(program, bootstrap) == nil {
		return nil
	}
	if err := copyProgram(program, bootstrap); err != nil { // a system without links
		return fmt.Errorf("prepare the demo's functions: %w", err)
	}
	return nil
}

func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if closed := out.Close(); err == nil {
		err = closed
	}
	return err
}

// BucketFolder is where the bucket of a demo in dir is.
func BucketFolder(dir string) string { return filepath.Join(dir, bucketFolder) }

// HasPython says whether there is a Python that can run the demo's function.
func HasPython(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for _, name := range []string{"python3.12", "python3", "python"} {
		if exec.CommandContext(ctx, name, "-c", "import sys; sys.exit(sys.version_info < (3, 8))").Run() == nil {
			return true
		}
	}
	return false
}
