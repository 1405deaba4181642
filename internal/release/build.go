package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// allPlatforms are those a release is made for; docs/platforms.md says what each can do.
var allPlatforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// platform is one GOOS/GOARCH.
type platform struct{ os, arch string }

func parsePlatform(name string) (platform, error) {
	if !slices.Contains(allPlatforms, name) {
		return platform{}, fmt.Errorf("platform %q is none of %s", name, strings.Join(allPlatforms, ", "))
	}
	goos, arch, _ := strings.Cut(name, "/")
	return platform{goos, arch}, nil
}

// binary is the file name of gantry there.
func (p platform) binary() string {
	if p.os == "windows" {
		return "gantry.exe"
	}
	return "gantry"
}

// file is a name in the output: gantry_1.2.3_linux_amd64.tar.gz
func (m *maker) file(p platform, ext string) string {
	return filepath.Join(m.out, fmt.Sprintf("gantry_%s_%s_%s%s", m.from.version, p.os, p.arch, ext))
}

// built is where the binary of a platform is on the way.
func (m *maker) built(p platform) string { return filepath.Join(m.work, p.os+"_"+p.arch, p.binary()) }

// build makes the static binary of a platform. What it says of itself is told to the
// linker: with the compiler's own notes about git a build in another folder would differ.
func (m *maker) build(ctx context.Context, p platform) error {
	fmt.Fprintf(m.log, "build %s/%s\n", p.os, p.arch)
	told := fmt.Sprintf("-s -w -buildid= -X main.release=%s -X main.commit=%s -X main.dated=%s",
		m.from.version, m.from.commit, m.from.time.Format(time.RFC3339))
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", told, "-o", m.built(p), "./cmd/gantry")
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch, "GOFLAGS=-mod=readonly", "GOAMD64=v1", "GOARM64=v8.0")
	return m.in(c)
}

// extras writes shell completion and manual pages: a binary for this machine says them.
func (m *maker) extras(ctx context.Context) error {
	here := platform{runtime.GOOS, runtime.GOARCH}
	if err := m.build(ctx, here); err != nil {
		return err
	}
	man := filepath.Join(m.work, "man")
	if err := os.MkdirAll(man, 0o755); err != nil {
		return err
	}
	if err := m.in(exec.CommandContext(ctx, m.built(here), "man", man)); err != nil {
		return err
	}
	if err := m.pages(man); err != nil {
		return err
	}
	for shell, name := range completions {
		said, err := exec.CommandContext(ctx, m.built(here), "completion", shell).Output()
		if err != nil {
			return fmt.Errorf("gantry completion %s: %w", shell, err)
		}
		path := filepath.Join(m.work, "completion", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, said, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// completions are the shells, and what each calls the file.
var completions = map[string]string{"bash": "gantry.bash", "zsh": "_gantry", "fish": "gantry.fish", "powershell": "gantry.ps1"}

// in runs a command in the repository and tells what it said if it fails.
func (m *maker) in(c *exec.Cmd) error {
	c.Dir = m.root
	said, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(c.Path), err, said)
	}
	return nil
}
