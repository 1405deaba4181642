// Package arch holds the house rules of this repository as tests: which folder may
// import which, how long a file or a function may be, what every package and exported
// name must say about itself, and what must never be checked in.
//
// Every rule reads the files and parses them. None asks the go command: the test cache
// knows which files a test has opened, but not what a child process has read, so a test
// that runs "go list" stays green after the import that should have turned it red.
//
// A rule is a function from a Tree to the breaches it found. The tests run each rule
// twice: over the repository, where it must find nothing, and over a small tree in
// testdata that breaks it, where it must find exactly what is written there.
package arch

import (
	"fmt"
	"path"
	"sort"
	"strings"
)

// Module is the module path of this repository, with the slash that ends it in an import.
const Module = "gantry/"

// Breach is one place that breaks a rule.
type Breach struct {
	File string // relative to the root, slashes
	Line int    // 0 = the whole file or folder
	What string // what is wrong and what to do instead
}

func (b Breach) String() string {
	if b.Line == 0 {
		return b.File + ": " + b.What
	}
	return fmt.Sprintf("%s:%d: %s", b.File, b.Line, b.What)
}

// Rule is one house rule.
type Rule struct {
	Name  string
	Check func(*Tree) []Breach
}

// Rules gives every house rule, in the order CONTRIBUTING.md tells them.
func Rules() []Rule {
	return []Rule{
		{"floors", Floors},
		{"kafka-client", KafkaClient},
		{"length", Length},
		{"state", State},
		{"comments", Comments},
		{"names", Names},
		{"sleep", Sleep},
		{"words", Words},
	}
}

// group is the first folder of a package's path: the unit the floors are counted in.
func group(dir string) string {
	first, _, _ := strings.Cut(dir, "/")
	return first
}

// below says whether dir is folder itself or lies under it.
func below(dir, folder string) bool {
	return dir == folder || strings.HasPrefix(dir, folder+"/")
}

// beside says whether a folder stands beside the floors: house rules and harnesses,
// suites, examples. What is true of the product need not be true there.
func beside(dir string) bool {
	switch group(dir) {
	case "internal", "test", "examples":
		return true
	}
	return false
}

// harness says whether a package exists for tests only (storetest, kafkatest).
func harness(dir string) bool {
	return strings.HasSuffix(path.Base(dir), "test")
}

func sorted(found []Breach) []Breach {
	sort.SliceStable(found, func(i, j int) bool {
		if found[i].File != found[j].File {
			return found[i].File < found[j].File
		}
		return found[i].Line < found[j].Line
	})
	return found
}
