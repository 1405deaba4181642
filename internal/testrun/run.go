package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// runner runs the parts of one size, one after the other.
type runner struct {
	opts     options
	out      io.Writer
	chosen   []Part
	packages []Package
	records  *records
	began    time.Time

	results  map[ID]Result
	unsteady []unsteady
	notes    []string // parts that did not run, and why
}

func newRunner(ctx context.Context, opts options, out io.Writer) (*runner, error) {
	chosen, err := choose(opts.size, opts.only)
	if err != nil {
		return nil, err
	}
	all, err := packages(ctx)
	if err != nil {
		return nil, err
	}
	records, err := openRecords(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &runner{
		opts: opts, out: out, chosen: targets(chosen, all, opts.size), packages: all, records: records,
		began: time.Now(), results: map[ID]Result{},
	}, nil
}

// describe lists what would run.
func (r *runner) describe() {
	for _, p := range r.chosen {
		fmt.Fprintf(r.out, "%-12s %s (%d packages, at most %v each)\n",
			p.Name, p.About, len(packagesOf(p, r.packages)), p.Timeout[r.opts.size])
	}
}

// all runs every chosen part and gives the exit code.
func (r *runner) all(ctx context.Context) int {
	if r.opts.limit > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, r.opts.limit, fmt.Errorf("the whole run took longer than %v", r.opts.limit))
		defer stop()
	}
	due := slices.DeleteFunc(slices.Clone(r.chosen), func(p Part) bool { return r.notDue(p) != "" })
	install(ctx, missing(ctx, due), r.opts.install, r.out)
	fetch(ctx, due, r.opts.cache, r.out)
	failed := false
	for _, p := range r.chosen {
		if ctx.Err() != nil {
			r.note("%s did not run: %v", p.Name, context.Cause(ctx))
			failed = true
			continue
		}
		failed = !r.part(ctx, p) || failed
	}
	return r.verdict(failed)
}

// part runs one part and says whether it is well.
func (r *runner) part(ctx context.Context, p Part) bool {
	if why := r.skip(ctx, p); why != "" {
		r.note("%s: %s", p.Name, why)
		return true
	}
	fmt.Fprintf(r.out, "\n== %s: %s\n", p.Name, p.About)
	began := time.Now()
	c, err := r.test(ctx, p, packagesOf(p, r.packages))
	for n := 1; n < fuzzAttempts && cut(p, c.results); n++ {
		fmt.Fprintln(r.out, "the fuzzer was cut by its own clock; again")
		c, err = r.test(ctx, p, packagesOf(p, r.packages))
	}
	if err != nil && r.again(ctx, p, c.results) {
		err = nil
	}
	n := count(c.results)
	merge(r.results, c.results)
	fmt.Fprintf(r.out, "== %s: %d passed, %d failed, %d skipped in %v\n", p.Name, n.Passed, n.Failed, n.Skipped, since(began))
	if err != nil {
		if n.Failed == 0 {
			r.note("%s ended with an error though no test failed: %v", p.Name, err)
		}
		return false
	}
	if err := r.records.passed(p, n, since(began)); err != nil {
		r.note("%s passed, and that could not be recorded: %v", p.Name, err)
	}
	return true
}

// skip says why a part does not run, or "".
func (r *runner) skip(ctx context.Context, p Part) string {
	if why := r.notDue(p); why != "" {
		return why
	}
	if p.Within != "" && r.opts.size == Test && slices.ContainsFunc(r.chosen, func(other Part) bool {
		return other.Name == p.Within && r.skip(ctx, other) == ""
	}) {
		return "not run by itself, " + p.Within + " runs all of it"
	}
	for _, t := range p.Needs {
		if !t.there(ctx) {
			return fmt.Sprintf("skipped, %s is not here", t.Name)
		}
	}
	return ""
}

// notDue says why a part need not run, whatever this machine has, or "".
func (r *runner) notDue(p Part) string {
	if len(packagesOf(p, r.packages)) == 0 {
		return "skipped, it has no package yet"
	}
	if when, ok := r.records.done(p); ok && !r.opts.again {
		return fmt.Sprintf("passed on this commit on %s; -again runs it again", when.Format(time.DateTime))
	}
	return ""
}

// test runs go test over some packages and collects what it says.
func (r *runner) test(ctx context.Context, p Part, paths []string) (*collector, error) {
	c := newCollector(r.packageEnded)
	log, err := create(r.opts.cache, fmt.Sprintf("%s-%s.json", r.opts.size, fileName(p)))
	if err != nil {
		return c, err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, "go", append(arguments(p, r.opts.size), paths...)...)
	cmd.Env = append(os.Environ(), environment(p, r.opts)...)
	cmd.Stderr = io.MultiWriter(log, r.out)
	cmd.WaitDelay = 10 * time.Second
	ownGroup(cmd)
	stream, err := cmd.StdoutPipe()
	if err != nil {
		return c, err
	}
	if err := cmd.Start(); err != nil {
		return c, fmt.Errorf("start go test: %w", err)
	}
	read := c.read(io.TeeReader(stream, log), func(line string) { fmt.Fprintln(r.out, line) })
	if err := cmd.Wait(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return c, fmt.Errorf("%w; all it said is in %s", err, log.Name())
	}
	return c, read
}

func arguments(p Part, size Size) []string {
	args := []string{"test", "-json", "-timeout", p.Timeout[size].String()}
	if p.Race {
		args = append(args, "-race")
	}
	switch {
	case p.alone != "":
		args = append(args, "-count", strconv.Itoa(unsteadyRuns), "-run", "^"+regexp.QuoteMeta(p.alone)+"$")
	case p.Kafka:
		args = append(args, "-count", "1")
		args = append(args, crowd[size]...)
	}
	if p.Target != "" {
		args = append(args, fuzzArguments(p)...)
	}
	return args
}

// crowd is how much of a part with a real Kafka goes on at the same time: an everyday run
// fills the waits of one test (for sessions, for JVMs) with the work of others; what a full
// run measures, it measures alone.
var crowd = map[Size][]string{
	Test: {"-p", "2", "-parallel", "4"},
	Full: {"-p", "1"},
	Soak: {"-p", "1"},
}

func environment(p Part, opts options) []string {
	env := []string{"GANTRY_TEST_SIZE=" + string(opts.size), "GANTRY_CACHE=" + opts.cache}
	if p.Kafka {
		return append(env, gate+"=1")
	}
	return append(env, gate+"=")
}

// create makes a file for what a command says, under the cache.
func create(cache, name string) (*os.File, error) {
	dir := filepath.Join(cache, "log")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return os.Create(filepath.Join(dir, name))
}

func (r *runner) packageEnded(pkg, action string, took time.Duration, failed []string) {
	if action == "skip" {
		return // no test files
	}
	fmt.Fprintf(r.out, "%-5s %-40s %6.1fs\n", mark[action], pkg, took.Seconds())
	if len(failed) > 0 {
		fmt.Fprintf(r.out, "      %s\n", strings.Join(failed, "\n      "))
	}
}

var mark = map[string]string{"pass": "ok", "fail": "FAIL"}

func (r *runner) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

func since(t time.Time) time.Duration { return time.Since(t).Round(time.Second / 10) }
