package process

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gantry/function"
)

// pythonQuestion asks an interpreter for what a launch depends on. The real path matters:
// a shim on PATH decides by the folder and the environment it is called in.
const pythonQuestion = `import sys, importlib.util as u
print(sys.executable); print("%d.%d" % sys.version_info[:2]); print(u.find_spec("awslambdaric") is not None)`

type python struct {
	path, version string
	client        bool // AWS's runtime client can be imported
}

// findPython takes the declared version if it is on PATH, else the nearest.
func findPython(fn function.Function, cfg Config, version string) (launch, error) {
	found, err := choosePython(fn, cfg, version)
	if err != nil {
		return launch{}, err
	}
	l := launch{managed: true}
	if found.version != version {
		l.warnings = append(l.warnings, fmt.Sprintf("%s runs on Python %s (%s): python%s is not on PATH; interpreters: {%s: /path} settles it",
			fn.Runtime, found.version, found.path, version, fn.Runtime))
	}
	if found.client {
		l.argv = []string{found.path, "-m", "awslambdaric", fn.Handler}
		return l, nil
	}
	dir, path, err := writeBootstrap(cfg, "python.py")
	l.argv, l.runtimeDir = []string{found.path, path}, dir
	return l, err
}

func choosePython(fn function.Function, cfg Config, version string) (python, error) {
	if path := cfg.Interpreters[fn.Runtime]; path != "" {
		return askPython(cfg, path)
	}
	var errs []error
	for _, name := range pythonNames(version) {
		path, err := lookPath(name, cfg.Path)
		if err != nil {
			continue
		}
		found, err := askPython(cfg, path)
		if err == nil {
			return found, nil
		}
		errs = append(errs, err)
	}
	return python{}, errors.Join(append([]error{fmt.Errorf("runtime %s: no Python 3 on PATH works; install python%s, or name one under interpreters", fn.Runtime, version)}, errs...)...)
}

// pythonNames lists what to look for: the version itself, then the others by their
// distance, newer ones first, and last what this machine takes for Python.
func pythonNames(version string) []string {
	minor, _ := strconv.Atoi(strings.TrimPrefix(version, "3."))
	others := []int{}
	for m := 8; m <= 16; m++ {
		if m != minor {
			others = append(others, m)
		}
	}
	slices.SortFunc(others, func(a, b int) int {
		if d := abs(a-minor) - abs(b-minor); d != 0 {
			return d
		}
		return b - a
	})
	names := []string{"python" + version}
	for _, m := range others {
		names = append(names, "python3."+strconv.Itoa(m))
	}
	return append(names, "python3", "python")
}

func abs(n int) int { return max(n, -n) }

func askPython(cfg Config, path string) (python, error) {
	text, err := probe(cfg, path, "-c", pythonQuestion)
	if err != nil {
		return python{}, err
	}
	lines := strings.Fields(text)
	if len(lines) < 3 || !strings.HasPrefix(lines[len(lines)-2], "3.") {
		return python{}, fmt.Errorf("%s is no Python 3: %s", path, firstLine(text))
	}
	n := len(lines)
	return python{path: strings.Join(lines[:n-2], " "), version: lines[n-2], client: lines[n-1] == "True"}, nil
}
