package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// evidence is the document that says when which long part last passed. It does not make
// a tree differ from its commit, or the second part of a run could not be recorded.
const evidence = "docs/evidence.md"

// records remembers which parts of full and soak passed on which commit. A tree that
// differs from its commit proves nothing about any commit, so it is not recorded.
type records struct {
	size   Size
	dir    string
	root   string
	commit string // "" = nothing is recorded
	now    func() time.Time
}

// record is one success.
type record struct {
	Commit string
	When   time.Time
	Count  Count
	Took   time.Duration
}

func openRecords(ctx context.Context, opts options) (*records, error) {
	r := &records{size: opts.size, dir: filepath.Join(opts.cache, "passed"), now: time.Now}
	if opts.size == Test {
		return r, nil // short enough to be run again
	}
	root, err := git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return r, nil //nolint:nilerr // an unpacked archive has no commit; there is nothing to record
	}
	r.root = root
	changed, err := git(ctx, "status", "--porcelain", "--", ":/", ":(top,exclude)"+evidence)
	if err != nil {
		return nil, err
	}
	if changed == "" {
		r.commit, err = git(ctx, "rev-parse", "--short=12", "HEAD")
	}
	return r, err
}

// done says whether a part has passed on this very commit, and when.
func (r *records) done(p Part) (time.Time, bool) {
	if r.commit == "" {
		return time.Time{}, false
	}
	body, err := os.ReadFile(r.file(p))
	var last record
	if err != nil || json.Unmarshal(body, &last) != nil || last.Commit != r.commit {
		return time.Time{}, false
	}
	return last.When, true
}

// passed records a success, and writes its line into the document.
func (r *records) passed(p Part, n Count, took time.Duration) error {
	if r.commit == "" {
		return nil
	}
	now := record{Commit: r.commit, When: r.now().UTC(), Count: n, Took: took}
	body, err := json.Marshal(now)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(r.file(p), body, 0o644); err != nil {
		return err
	}
	return r.document(p, now)
}

func (r *records) file(p Part) string {
	return filepath.Join(r.dir, string(r.size)+"-"+fileName(p)+".json")
}

// fileName is a part's name within one of a file.
func fileName(p Part) string { return strings.ReplaceAll(p.Name, "/", "-") }

// document replaces the line of a part in docs/evidence.md, or adds it.
func (r *records) document(p Part, now record) error {
	file := filepath.Join(r.root, filepath.FromSlash(evidence))
	body, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not there", evidence)
	}
	if err != nil {
		return err
	}
	begin := fmt.Sprintf("| %s | %s |", r.size, p.Name)
	line := fmt.Sprintf("%s %s | %s | %d | %d | %v | %s |", begin, now.When.Format(time.DateOnly), now.Commit,
		now.Count.Passed, now.Count.Skipped, now.Took.Round(time.Second), machine())
	return os.WriteFile(file, []byte(replaceLine(string(body), begin, line)), 0o644)
}

func machine() string {
	return fmt.Sprintf("%s/%s, %d cores, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
}

func replaceLine(text, begin, line string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, begin) {
			lines[i] = line
			return strings.Join(lines, "\n") + "\n"
		}
	}
	return strings.Join(append(lines, line), "\n") + "\n"
}

func git(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", args...).Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}
