package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// Package is one package of the module that has Go files.
type Package struct {
	Path  string // import path
	Dir   string // relative to the root, slashes
	Gated bool   // its tests name gate, so they may use a real Kafka

	Fuzzers []string // its fuzz targets
}

// gate is the variable that lets tests start a real Kafka; gatekeeper is the harness
// that reads it.
const (
	gate       = "GANTRY_TEST_KAFKA"
	gatekeeper = `"gantry/internal/kafkatest"`
)

// listing is what the go command says of a package.
type listing struct {
	ImportPath, Dir           string
	TestGoFiles, XTestGoFiles []string
	Module                    struct{ Dir string }
}

// packages asks the go command for every package of the module.
func packages(ctx context.Context) ([]Package, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-json=ImportPath,Dir,TestGoFiles,XTestGoFiles,Module", "./...")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("list the packages: %w: %s", err, bytes.TrimSpace(errs.Bytes()))
	}
	var all []Package
	for d := json.NewDecoder(&out); ; {
		var l listing
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the list of packages: %w", err)
		}
		pkg, err := read(l)
		if err != nil {
			return nil, err
		}
		all = append(all, pkg)
	}
}

func read(l listing) (Package, error) {
	dir, err := filepath.Rel(l.Module.Dir, l.Dir)
	if err != nil {
		return Package{}, err
	}
	pkg := Package{Path: l.ImportPath, Dir: filepath.ToSlash(dir)}
	for _, f := range append(l.TestGoFiles, l.XTestGoFiles...) {
		body, err := os.ReadFile(filepath.Join(l.Dir, f))
		if err != nil {
			return pkg, err
		}
		if bytes.Contains(body, []byte(gatekeeper)) || bytes.Contains(body, []byte(gate)) {
			pkg.Gated = true
		}
		for _, m := range fuzzer.FindAllSubmatch(body, -1) {
			pkg.Fuzzers = append(pkg.Fuzzers, string(m[1]))
		}
	}
	return pkg, nil
}
