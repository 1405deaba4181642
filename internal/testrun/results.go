package main

import (
	"cmp"
	"slices"
	"strings"
)

// ID names one test of one package. Test is empty for the package itself.
type ID struct{ Package, Test string }

// Result is what became of one test.
type Result struct {
	Action string // pass, fail, skip
	Why    string // of a skip
	Output string // of a failure
}

// weight orders what the same test came to in different parts: one failure is a failure,
// and what passed where it could run was not skipped.
var weight = map[string]int{"skip": 1, "pass": 2, "fail": 3}

// merge adds what one part found to what earlier ones did.
func merge(into, found map[ID]Result) {
	for id, r := range found {
		if weight[r.Action] > weight[into[id].Action] {
			into[id] = r
		}
	}
}

// leaves gives the results that count: tests without subtests; a test that failed though
// none of its subtests did; a package that failed though none of its tests did (it did
// not build, or its process died). In order, so that two runs read the same.
func leaves(results map[ID]Result) []ID {
	parent, sunk := map[ID]bool{}, map[ID]bool{}
	for id, r := range results {
		for up, ok := above(id); ok; up, ok = above(up) {
			parent[up] = true
			sunk[up] = sunk[up] || r.Action == "fail"
		}
	}
	var ids []ID
	for id, r := range results {
		alone := id.Test != "" && !parent[id]
		if alone || (r.Action == "fail" && !sunk[id]) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b ID) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.Test, b.Test))
	})
	return ids
}

// above gives the test that a subtest belongs to, and the package that a test belongs to.
func above(id ID) (ID, bool) {
	if id.Test == "" {
		return ID{}, false
	}
	if at := strings.LastIndexByte(id.Test, '/'); at > 0 {
		return ID{id.Package, id.Test[:at]}, true
	}
	return ID{Package: id.Package}, true
}

// Count is how many tests ended in which way.
type Count struct{ Passed, Failed, Skipped int }

func count(results map[ID]Result) Count {
	var n Count
	for _, id := range leaves(results) {
		switch results[id].Action {
		case "pass":
			n.Passed++
		case "fail":
			n.Failed++
		case "skip":
			n.Skipped++
		}
	}
	return n
}
