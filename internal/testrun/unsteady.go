package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A test that failed in a crowd may have failed by the crowd: by a machine that was busy,
// or by another program's fault. In an everyday run it is run again by itself, and where
// it passes each time the run goes on, with the test and what it said in the verdict, for
// somebody to mend. What proves a guarantee (Part.Proof) is never run again, and nor is
// anything in the long sizes; docs/decisions tells why.
const (
	unsteadyRuns  = 3 // in which it has to pass, every time
	unsteadyLimit = 2 // tests of a part; where more fail, something is broken
)

// fatal are words in the output of a failure that no second run takes back.
var fatal = []string{"panic: ", "race detected", "fatal error: "}

// unsteady is a test that failed in a crowd and passed by itself.
type unsteady struct {
	id     ID // its top
	output string
}

// again runs by themselves the tests of a part that failed, and says whether all of them
// passed; their failures are then taken out of the results.
func (r *runner) again(ctx context.Context, p Part, results map[ID]Result) bool {
	found, ok := candidates(results)
	if !ok || p.Proof || r.opts.size != Test {
		return false
	}
	for _, u := range found {
		fmt.Fprintf(r.out, "%s failed; %d times by itself\n", name(u.id), unsteadyRuns)
		if !r.alone(ctx, p, u.id) {
			return false
		}
	}
	for id, result := range results {
		if result.Action == "fail" {
			results[id] = Result{Action: "pass"}
		}
	}
	r.unsteady = append(r.unsteady, found...)
	return true
}

// candidates gives the tops of the tests that failed, if they are few and each failed by
// itself: a test that took its process with it has taken others with it.
func candidates(results map[ID]Result) ([]unsteady, bool) {
	tops := map[ID]string{}
	for _, id := range leaves(results) {
		result := results[id]
		if result.Action != "fail" {
			continue
		}
		said := result.Output + results[ID{Package: id.Package}].Output
		if id.Test == "" || slices.ContainsFunc(fatal, func(word string) bool { return strings.Contains(said, word) }) {
			return nil, false
		}
		top, _, _ := strings.Cut(id.Test, "/")
		tops[ID{id.Package, top}] += name(id) + "\n" + tail(result.Output) + "\n"
	}
	var found []unsteady
	for id, output := range maps.All(tops) {
		found = append(found, unsteady{id, output})
	}
	slices.SortFunc(found, func(a, b unsteady) int { return strings.Compare(name(a.id), name(b.id)) })
	return found, len(found) > 0 && len(found) <= unsteadyLimit
}

// alone runs one test by itself and says whether it passed each time.
func (r *runner) alone(ctx context.Context, p Part, id ID) bool {
	p.Name += "-again"
	p.alone = id.Test
	c, err := r.test(ctx, p, []string{id.Package})
	return err == nil && c.results[id].Action == "pass"
}

// unsteadies prints what failed at first.
func (r *runner) unsteadies() {
	for _, u := range r.unsteady {
		fmt.Fprintf(r.out, "\n--- UNSTEADY %s: failed among others, passed %d times by itself; what it said:\n%s", name(u.id), unsteadyRuns, u.output)
		r.note("unsteady: %s; it wants to be mended", name(u.id))
	}
}
