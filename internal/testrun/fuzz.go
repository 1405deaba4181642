package main

import (
	"fmt"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// fuzzBudget is the processor time that all fuzz targets share in size "fuzz".
const fuzzBudget = 30 * time.Minute

// fuzzGlance is how long each target runs in size "test", beyond its seeds.
const fuzzGlance = 2 * time.Second

// fuzzer finds the fuzz targets of a test file.
var fuzzer = regexp.MustCompile(`(?m)^func (Fuzz\w*)\(\w+ \*testing\.F\)`)

// targets puts one part for each fuzz target of the tree in the place of the part "fuzz":
// go test fuzzes one at a time, and each is recorded for itself, so that a run that was
// cut goes on where it stopped. What a target learned is in Go's cache (go env GOCACHE)
// and is used again; an input that fails is written to testdata/fuzz, to be committed
// with the repair.
func targets(chosen []Part, all []Package, size Size) []Part {
	at := slices.IndexFunc(chosen, func(p Part) bool { return p.Fuzz && p.Target == "" })
	if at < 0 {
		return chosen
	}
	var found []Part
	for _, pkg := range all {
		for _, target := range pkg.Fuzzers {
			p := chosen[at]
			p.Name, p.Packages, p.Target = pkg.Dir+"."+target, []string{pkg.Dir}, target
			p.About = "fuzz " + path.Base(pkg.Dir) + " with what " + target + " makes up"
			found = append(found, p)
		}
	}
	for i := range found {
		found[i].Spend = fuzzGlance
		if size == Fuzz {
			found[i].Spend = max(fuzzBudget/time.Duration(len(found)*fuzzWorkers()), time.Second).Round(time.Second)
		}
	}
	return slices.Replace(slices.Clone(chosen), at, at+1, found...)
}

// fuzzWorkers is how many processes make up inputs at the same time.
func fuzzWorkers() int { return min(runtime.GOMAXPROCS(0), 4) }

func fuzzArguments(p Part) []string {
	return []string{
		"-run", "^$", "-fuzz", "^" + p.Target + "$", "-fuzztime", p.Spend.String(),
		"-parallel", fmt.Sprint(fuzzWorkers()), "-fuzzminimizetime", "1s",
	}
}

// fuzzAttempts is how often a target is begun again that was cut at the end of its time.
const fuzzAttempts = 3

// cut says that the fuzzer failed for its own time being up, which it now and then takes for
// a failure of the target (golang/go#75804): no input was at fault, and none was written.
func cut(p Part, results map[ID]Result) bool {
	failed := false
	for _, id := range leaves(results) {
		if r := results[id]; r.Action == "fail" {
			if !strings.HasSuffix(strings.TrimRight(r.Output, "\n"), "    context deadline exceeded") {
				return false
			}
			failed = true
		}
	}
	return failed && p.Target != ""
}
