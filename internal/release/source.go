package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// source is what a release is made from. It is the same in every folder.
type source struct {
	version string // as Semantic Versioning has it
	commit  string
	time    time.Time // of the commit, UTC; every file in a release is as old as this
}

// sourceOf asks git. Where there is none (an unpacked archive) GANTRY_COMMIT and
// SOURCE_DATE_EPOCH say it.
func sourceOf(ctx context.Context, root, version string) (source, error) {
	s := source{version: strings.TrimPrefix(version, "v"), commit: os.Getenv("GANTRY_COMMIT")}
	at := os.Getenv("SOURCE_DATE_EPOCH")
	if s.commit == "" || at == "" {
		said, err := git(ctx, root, "log", "-1", "--format=%H %ct")
		if err != nil {
			return s, fmt.Errorf("find the commit (without git, set GANTRY_COMMIT and SOURCE_DATE_EPOCH): %w", err)
		}
		s.commit, at, _ = strings.Cut(said, " ")
		changed, err := git(ctx, root, "status", "--porcelain")
		if err != nil {
			return s, err
		}
		if changed != "" {
			s.commit += ".dirty"
		}
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return s, fmt.Errorf("read the time of the commit: %w", err)
	}
	s.time = time.Unix(seconds, 0).UTC()
	if s.version == "" {
		s.version = fmt.Sprintf("0.0.0-dev.%s.g%.12s", s.time.Format("20060102150405"), s.commit)
	}
	if !semantic.MatchString(s.version) {
		return s, fmt.Errorf("version %q is not a semantic version such as 1.2.3 or 1.2.3-rc.1", s.version)
	}
	return s, nil
}

var semantic = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

func git(ctx context.Context, root string, args ...string) (string, error) {
	said, err := exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...).Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("git %s: %w: %s", args[0], err, failed.Stderr)
	}
	return strings.TrimSpace(string(said)), err
}
