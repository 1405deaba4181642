package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// outputLimit is how much of a failed test's output the verdict repeats.
const outputLimit = 8 << 10

// verdict prints what failed, what was skipped and why, and last of all the line with
// the counts, alone on its line. It gives the exit code.
func (r *runner) verdict(failed bool) int {
	r.failures()
	r.unsteadies()
	r.skips()
	for _, note := range r.notes {
		fmt.Fprintln(r.out, "note:", note)
	}
	n := count(r.results)
	if n.Passed == 0 && !failed && !r.allDone() {
		fmt.Fprintln(r.out, "note: no test ran, and that is no success")
		failed = true
	}
	fmt.Fprintf(r.out, "%s in %v\n", map[bool]string{true: "FAILED", false: "ok"}[failed || n.Failed > 0], since(r.began))
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", n.Passed, n.Failed, n.Skipped)
	if failed || n.Failed > 0 {
		return 1
	}
	return 0
}

// allDone says whether nothing ran because all of it had passed on this commit.
func (r *runner) allDone() bool {
	return !slices.ContainsFunc(r.chosen, func(p Part) bool {
		_, ok := r.records.done(p)
		return !ok
	})
}

func (r *runner) failures() {
	for _, id := range leaves(r.results) {
		if result := r.results[id]; result.Action == "fail" {
			fmt.Fprintf(r.out, "\n--- FAILED %s\n%s\n", name(id), tail(result.Output))
		}
	}
}

// skips prints each reason once, with the tests it holds for.
func (r *runner) skips() {
	because := map[string][]string{}
	for _, id := range leaves(r.results) {
		if result := r.results[id]; result.Action == "skip" {
			because[result.Why] = append(because[result.Why], name(id))
		}
	}
	if len(because) > 0 {
		fmt.Fprintln(r.out, "\nskipped:")
	}
	reasons := slices.SortedFunc(maps.Keys(because), func(a, b string) int {
		return cmp.Or(len(because[b])-len(because[a]), cmp.Compare(a, b))
	})
	for _, why := range reasons {
		tests := because[why]
		shown := tests[:min(len(tests), 4)]
		more := ""
		if len(tests) > len(shown) {
			more = ", …"
		}
		fmt.Fprintf(r.out, "  %d × %s: %s%s\n", len(tests), why, strings.Join(shown, ", "), more)
	}
}

func name(id ID) string {
	pkg := strings.TrimPrefix(id.Package, "gantry/")
	if id.Test == "" {
		return pkg
	}
	return pkg + "." + id.Test
}

func tail(output string) string {
	output = strings.TrimRight(output, "\n")
	if len(output) <= outputLimit {
		return output
	}
	return "[…]\n" + output[len(output)-outputLimit:]
}
