// Command release makes what is given away: a binary for each platform in an archive,
// Debian and RPM packages, a list of what is inside (SBOM) beside each binary, and
// SHA256SUMS over all of it. `make release` runs it.
//
// The flow: source (what is built) → build (binaries) → archive and packages → SBOM →
// checksums. Invariant: nothing of the machine, the folder or the hour goes in. Every
// time is the commit's, every owner is root, every list is sorted; so two builds of a
// commit are the same bytes, and anybody can make ours again.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

// maker holds what the steps share.
type maker struct {
	root  string // of the repository
	out   string // where everything goes
	work  string // what is only needed on the way
	tools tools
	from  source
	log   io.Writer
}

// tools are the paths of the programs that make packages and lists.
type tools struct{ nfpm, cyclonedx string }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, line []string, log io.Writer) error {
	m := maker{log: log}
	var version, platforms string
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.StringVar(&m.root, "root", ".", "the repository")
	flags.StringVar(&m.out, "out", "bin/release", "where everything goes; what is there is removed")
	flags.StringVar(&version, "version", "", "such as 1.2.3 (default: made from the commit)")
	flags.StringVar(&platforms, "platforms", strings.Join(allPlatforms, ","), "GOOS/GOARCH, separated by commas")
	flags.StringVar(&m.tools.nfpm, "nfpm", "", "path of nfpm; without it no packages are made")
	flags.StringVar(&m.tools.cyclonedx, "cyclonedx", "", "path of cyclonedx-gomod; without it no SBOM is made")
	if err := flags.Parse(line); err != nil {
		return err
	}
	var err error
	if m.root, err = filepath.Abs(m.root); err != nil {
		return err
	}
	if m.out, err = filepath.Abs(m.out); err != nil {
		return err
	}
	if m.from, err = sourceOf(ctx, m.root, version); err != nil {
		return err
	}
	return m.make(ctx, strings.Split(platforms, ","))
}

// make does it all, platform by platform.
func (m *maker) make(ctx context.Context, platforms []string) error {
	var err error
	if m.work, err = os.MkdirTemp("", "gantry-release-"); err != nil {
		return err
	}
	defer os.RemoveAll(m.work)
	if err := os.RemoveAll(m.out); err != nil {
		return err
	}
	if err := os.MkdirAll(m.out, 0o755); err != nil {
		return err
	}
	fmt.Fprintf(m.log, "gantry %s, commit %s of %s\n", m.from.version, m.from.commit, m.from.time)
	if err := m.extras(ctx); err != nil {
		return err
	}
	for _, name := range platforms {
		p, err := parsePlatform(name)
		if err != nil {
			return err
		}
		for _, step := range []func(context.Context, platform) error{m.build, m.archive, m.packages, m.sbom} {
			if err := step(ctx, p); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return m.checksums()
}
