// Command testrun runs the tests of this repository by parts, says what it is doing, and
// ends with a verdict: how many passed, failed and were skipped, and why each was skipped.
//
//	go run ./internal/testrun [flags] test|full|soak|fuzz
//
// A part is a set of packages with one way to run them (parts.go). Every package of the
// module belongs to a part, so a new package can't be left out. The three sizes are three
// promises: "test" is what a fresh machine runs before every change (20 minutes on two
// cores), "full" is every case on every Kafka version, "soak" is the same properties for
// hours, and "fuzz" is 30 minutes of processor time for all fuzz targets together. The suites read their size from GANTRY_TEST_SIZE.
//
// full, soak and fuzz are long, so they can be resumed: a part that passed on this commit is
// not run again, and each success writes its line into docs/evidence.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are what the command line and the environment say.
type options struct {
	size    Size
	only    []string      // parts to run; none = all of the size
	again   bool          // also parts that passed on this commit
	list    bool          // say what would run
	limit   time.Duration // of the whole run
	install bool          // Debian packages may be installed
	cache   string        // where downloads, logs and records are kept
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	opts, err := parse(args, errs)
	if err != nil {
		fmt.Fprintln(errs, "testrun:", err)
		return 2
	}
	r, err := newRunner(ctx, opts, out)
	if err != nil {
		fmt.Fprintln(errs, "testrun:", err)
		return 1
	}
	if opts.list {
		r.describe()
		return 0
	}
	return r.all(ctx)
}

func parse(args []string, errs io.Writer) (options, error) {
	var opts options
	var only string
	f := flag.NewFlagSet("testrun", flag.ContinueOnError)
	f.SetOutput(errs)
	f.StringVar(&only, "part", "", "run these parts only, separated by commas")
	f.BoolVar(&opts.again, "again", false, "run parts again that passed on this commit (full and soak)")
	f.BoolVar(&opts.list, "list", false, "say what would run, and run nothing")
	f.DurationVar(&opts.limit, "limit", 0, "end the whole run after this time (0 = no limit)")
	if err := f.Parse(args); err != nil {
		return opts, err
	}
	size, ok := sizes[f.Arg(0)]
	if !ok || f.NArg() != 1 {
		return opts, fmt.Errorf("say one size: test, full, soak or fuzz (got %q)", f.Args())
	}
	opts.size = size
	opts.only = strings.FieldsFunc(only, func(r rune) bool { return r == ',' || r == ' ' })
	opts.install = os.Getenv("INSTALL") == "1" || os.Getenv("CI") != ""
	var err error
	opts.cache, err = cacheDir()
	return opts, err
}

// cacheDir is where everything that was downloaded or recorded is kept between runs.
func cacheDir() (string, error) {
	dir := os.Getenv("GANTRY_CACHE")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find a place for downloads: %w; set GANTRY_CACHE", err)
		}
		dir = home + "/.cache/gantry"
	}
	return dir, os.MkdirAll(dir, 0o755)
}
