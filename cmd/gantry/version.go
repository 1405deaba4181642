package main

import (
	"cmp"
	"runtime"
	"runtime/debug"

	"gantry/cli"
)

// What the linker sets for a release build: a binary that is built in any folder, with
// or without git, says the same.
var (
	release string
	commit  string
	dated   string // when the commit was made
)

// build says what this binary was made from: what the linker was told, else what the
// compiler found in git.
func build() cli.Build {
	b := cli.Build{Commit: commit, Time: dated, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok && commit == "" {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value + b.Commit
			case "vcs.modified":
				if s.Value == "true" {
					b.Commit += ".dirty"
				}
			case "vcs.time":
				b.Time = s.Value
			}
		}
	}
	b.Version = cmp.Or(release, development(b.Commit))
	return b
}

// version is the release, or the commit a development build was made from.
func version() string { return build().Version }

func development(commit string) string {
	const hash = 40
	if len(commit) < hash {
		return "development"
	}
	return "development+" + commit[:12] + commit[hash:]
}
