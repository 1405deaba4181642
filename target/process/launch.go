package process

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"gantry/function"
)

//go:embed bootstrap/python.py bootstrap/node.mjs bootstrap/GantryBootstrap.java
var bootstraps embed.FS

// launch is how a function's program is started.
type launch struct {
	argv       []string
	env        map[string]string // what the runtime needs beyond Lambda's variables
	managed    bool              // Lambda brings the runtime, not the function
	runtimeDir string            // LAMBDA_RUNTIME_DIR
	warnings   []string
	entry      string // checked before each start: the function's own program
}

// How long an interpreter may take to say its version, and a compiler to compile our
// bootstrap, on a machine that has much else to do.
const (
	probeTimeout   = 30 * time.Second
	compileTimeout = 3 * time.Minute
)

// findLaunch decides how the function is started.
func findLaunch(fn function.Function, cfg Config) (launch, error) {
	if len(cfg.Command) > 0 {
		return findCommand(cfg)
	}
	switch language, version := function.SplitRuntime(fn.Runtime); language {
	case "provided.al", "go":
		return findBootstrap(fn, cfg), nil
	case "python":
		return findPython(fn, cfg, version)
	case "nodejs":
		return findNode(fn, cfg, version)
	case "java":
		return findJava(fn, cfg, version)
	default:
		return launch{}, fmt.Errorf("runtime %q cannot run in a process here: use %s", fn.Runtime, function.RuntimesHere)
	}
}

func findCommand(cfg Config) (launch, error) {
	program, err := lookPath(cfg.Command[0], cfg.Path)
	if err != nil {
		return launch{}, fmt.Errorf("command %s: %w", cfg.Command[0], err)
	}
	return launch{argv: append([]string{program}, cfg.Command[1:]...)}, nil
}

// findBootstrap starts the function's own program. That it is missing shows at the
// invocation, as in Lambda. In go1.x packages it has the handler's name.
func findBootstrap(fn function.Function, cfg Config) launch {
	path := filepath.Join(cfg.CodeDir, "bootstrap")
	if fn.Runtime == "go1.x" && fn.Handler != "" {
		if _, err := os.Stat(path); err != nil {
			path = filepath.Join(cfg.CodeDir, fn.Handler)
		}
	}
	return launch{argv: []string{path}, entry: path}
}

// check says, in Lambda's words, why the function's own program cannot be started.
func (l launch) check() error {
	if l.entry == "" {
		return nil
	}
	info, err := os.Stat(l.entry)
	if err != nil || info.IsDir() {
		return fmt.Errorf("Couldn't find valid bootstrap(s): [%s]", l.entry) //nolint:staticcheck // Lambda's text
	}
	return nil
}

// lookPath finds a program on the PATH that functions get.
func lookPath(name, path string) (string, error) {
	if filepath.Base(name) != name {
		return exec.LookPath(name)
	}
	for _, dir := range filepath.SplitList(path) {
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return filepath.Abs(found)
		}
	}
	return "", fmt.Errorf("%s is not on PATH", name)
}

// probe runs an interpreter and returns what it prints, both streams together: some say
// their version on the one, some on the other. It runs in the function's folder, where a
// shim decides by what is there, and as the function's user: an interpreter may load what
// is there, too.
func probe(cfg Config, argv ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), probeTimeout)
	defer cancel()
	return ask(ctx, question{argv: argv, path: cfg.Path, dir: cfg.CodeDir, as: cfg.account})
}

// question is a program that is run for what it prints.
type question struct {
	argv      []string
	path, dir string
	as        *account
}

func ask(ctx context.Context, q question) (string, error) {
	cmd := exec.CommandContext(ctx, q.argv[0], q.argv[1:]...)
	cmd.Env = []string{"PATH=" + q.path, "LANG=C.UTF-8"}
	cmd.Dir = q.dir
	cmd.SysProcAttr = attributes(q.as)
	runtime.LockOSThread() // the kernel kills the program when the thread that forked it ends, and nobody else may take it and end it
	defer runtime.UnlockOSThread()
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(q.argv, " "), err, firstLine(text))
	}
	return text, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// writeBootstrap puts one of our embedded programs into the data folder and returns its
// folder and path. The folder is named after the content, so two versions of gantry do
// not disturb each other.
func writeBootstrap(cfg Config, name string) (dir, path string, err error) {
	content, err := bootstraps.ReadFile("bootstrap/" + name)
	if err != nil {
		return "", "", err
	}
	return writeRuntime(cfg, name, content)
}

// writeRuntime writes a file that functions are run with to a folder of its content's
// hash, where all processes may read it. What is there already stays.
func writeRuntime(cfg Config, name string, content []byte) (dir, path string, err error) {
	sum := sha256.Sum256(content)
	dir = filepath.Join(cfg.DataDir, "runtime-"+hex.EncodeToString(sum[:6]))
	path = filepath.Join(dir, name)
	if old, err := os.ReadFile(path); err == nil && string(old) == string(content) {
		return dir, path, os.Chmod(dir, 0o755)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", "", fmt.Errorf("write the runtime: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // whatever the umask is: nothing in it is secret
		return "", "", fmt.Errorf("write the runtime: %w", err)
	}
	temp, err := os.CreateTemp(dir, name+".*")
	if err != nil {
		return "", "", fmt.Errorf("write the runtime: %w", err)
	}
	_, err = temp.Write(content)
	err = errors.Join(err, temp.Chmod(0o644))
	if closed := temp.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return "", "", fmt.Errorf("write the runtime %s: %w", path, err)
	}
	return dir, path, nil
}
