package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// packages makes the Debian and the RPM package of a Linux binary.
func (m *maker) packages(ctx context.Context, p platform) error {
	if p.os != "linux" || m.tools.nfpm == "" {
		return nil
	}
	described, err := os.ReadFile(filepath.Join(m.root, "packaging", "linux", "nfpm.yaml")) // both; @NAME@ is filled in
	if err != nil {
		return err
	}
	for _, kind := range []string{"deb", "rpm"} {
		config := filepath.Join(m.work, kind+".yaml")
		text := strings.NewReplacer(
			"@VERSION@", m.from.version, "@ARCH@", p.arch, "@TIME@", m.from.time.Format(time.RFC3339),
			"@BINARY@", m.built(p), "@WORK@", m.work, "@ROOT@", m.root,
		).Replace(string(described))
		if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
			return err
		}
		target := m.file(p, "."+kind)
		c := exec.CommandContext(ctx, m.tools.nfpm, "package", "--config", config, "--packager", kind, "--target", target)
		c.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", m.from.time.Unix()))
		if err := m.in(c); err != nil {
			return err
		}
	}
	return nil
}

// sbom lists what is inside a binary, with licences, in CycloneDX's JSON. Its serial
// number and the hour are left out: the list is the same each time.
func (m *maker) sbom(ctx context.Context, p platform) error {
	if m.tools.cyclonedx == "" {
		return nil
	}
	c := exec.CommandContext(ctx, m.tools.cyclonedx, "bin", "-json", "-licenses", "-std", "-noserial", "-notimestamp",
		"-version", "v"+m.from.version, "-output", m.file(p, ".cdx.json"), m.built(p))
	return m.in(c)
}
