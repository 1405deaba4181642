package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gantry/function"
)

// findNode takes the declared version if it is on PATH, else the node that is.
func findNode(fn function.Function, cfg Config, version string) (launch, error) {
	path, got, err := chooseNode(fn, cfg, version)
	if err != nil {
		return launch{}, err
	}
	l := launch{managed: true}
	if got != version {
		l.warnings = append(l.warnings, fmt.Sprintf("%s runs on Node.js %s (%s); interpreters: {%s: /path} settles it", fn.Runtime, got, path, fn.Runtime))
	}
	heap := fmt.Sprintf("--max-old-space-size=%d", max(fn.Memory*9/10, 64))
	if client := nodeClient(cfg.CodeDir, path); client != "" {
		l.argv = []string{path, heap, client, fn.Handler}
		return l, nil
	}
	dir, script, err := writeBootstrap(cfg, "node.mjs")
	l.argv, l.runtimeDir = []string{path, heap, script}, dir
	return l, err
}

func chooseNode(fn function.Function, cfg Config, version string) (path, got string, err error) {
	names := []string{"node" + version, "nodejs" + version, "node", "nodejs"}
	if own := cfg.Interpreters[fn.Runtime]; own != "" {
		names = []string{own}
	}
	var errs []error
	for _, name := range names {
		path, err := lookPath(name, cfg.Path)
		if err != nil {
			continue
		}
		text, err := probe(cfg, path, "--version") // v22.11.0
		if err == nil && strings.HasPrefix(text, "v") {
			major, _, _ := strings.Cut(text[1:], ".")
			return path, major, nil
		}
		errs = append(errs, err)
	}
	return "", "", errors.Join(append([]error{fmt.Errorf("runtime %s: no Node.js works (looked for %s); install it, or name one under interpreters", fn.Runtime, strings.Join(names, ", "))}, errs...)...)
}

// nodeClient finds AWS's runtime client beside the code, or where npm installs globally.
func nodeClient(codeDir, node string) string {
	if real, err := filepath.EvalSymlinks(node); err == nil {
		node = real
	}
	for _, modules := range []string{
		filepath.Join(codeDir, "node_modules"),
		filepath.Join(filepath.Dir(filepath.Dir(node)), "lib", "node_modules"),
		filepath.Join("/usr/local/lib", "node_modules"),
	} {
		client := filepath.Join(modules, "aws-lambda-ric", "index.mjs")
		if _, err := os.Stat(client); err == nil {
			return client
		}
	}
	return ""
}
