package arch

import (
	"fmt"
	"strings"
)

// floors says on which floor each folder of the root stands. docs/architecture.md shows
// the same picture. A folder that is not here may hold no Go file.
var floors = map[string]int{
	"record": 0, "mapping": 0, "function": 0, "plan": 0, "workload": 0, // words, standard library only
	"kafka": 1, "secret": 1, "network": 1, "cloud": 1, "schema": 1, "store": 1, "telemetry": 1, // ground, one outside thing each
	"figure":   1,                                              // how figures and pages look
	"sink":     1,                                              // the words of ready-made functions; on the ground because they speak of the AWS SDK's configuration
	"pipeline": 2, "produce": 2, "target": 2, "integration": 2, // data
	"engine": 3, "declare": 3, "doctor": 3, "deadletter": 3, "migrate": 3, // control
	"api": 4, "console": 4, // doors
	"cli": 5,
	"cmd": 6,
}

// spoken are the folders whose own files are the words their children are written in:
// store/memory and store/embedded implement store.Store. They alone may be imported by
// their children, and so may not import them.
var spoken = map[string]bool{"store": true, "integration/table": true}

// ceilings bound the harnesses that ground tests use: one that saw a higher floor could
// not be used below it without a cycle.
var ceilings = map[string]int{"internal/kafkatest": 1}

// Floors holds the direction of imports: down to a lower floor or to a child, never to a
// sibling, a parent, or another group of the same floor.
func Floors(t *Tree) []Breach {
	var found []Breach
	for dir, files := range t.packages() {
		if _, known := floors[group(dir)]; !known && !beside(dir) {
			found = append(found, Breach{File: dir, What: "this folder stands on no floor: " +
				"give it one in internal/arch/floors.go and in docs/architecture.md, or move its files"})
			continue
		}
		for _, f := range files {
			for _, i := range f.Imports {
				if what := refused(f, i.Path); what != "" {
					found = append(found, Breach{File: f.Path, Line: i.Line, What: what})
				}
			}
		}
	}
	return sorted(found)
}

// refused says why f may not import path, or "".
func refused(f *File, path string) string {
	to, ours := strings.CutPrefix(path, Module)
	switch {
	case !ours && group(f.Dir) != "examples" && floorOf(f.Dir) == 0 && !f.Test && !standard(path):
		return fmt.Sprintf("%s stands on floor 0, the words, and imports %s: only the standard library may be imported there", f.Dir, path)
	case !ours:
		return ""
	case beside(f.Dir):
		return refusedBeside(f, to)
	case f.Test && (below(to, "internal") || group(to) == group(f.Dir)):
		return "" // tests may use harnesses and the rest of their own group
	case beside(to):
		return fmt.Sprintf("%s imports %s: the product does not depend on %s/", f.Dir, to, group(to))
	case harness(to) && !harness(f.Dir) && !f.Test:
		return fmt.Sprintf("%s imports %s, which is for tests only", f.Dir, to)
	default:
		return refusedFloor(f.Dir, to)
	}
}

func refusedFloor(from, to string) string {
	switch a, b := floorOf(from), floorOf(to); {
	case b < 0:
		return fmt.Sprintf("%s imports %s, which stands on no floor", from, to)
	case b < a:
		return ""
	case strings.HasPrefix(to, from+"/") && !spoken[from]:
		return ""
	case strings.HasPrefix(from, to+"/") && spoken[to]:
		return ""
	default:
		return fmt.Sprintf("%s (floor %d) imports %s (floor %d): imports go to lower floors and own children only; "+
			"declare the interface you need and let a higher floor hand it over", from, a, to, b)
	}
}

// refusedBeside holds what little binds harnesses and examples.
func refusedBeside(f *File, to string) string {
	if group(f.Dir) == "examples" && group(to) != "examples" && !f.Test {
		return fmt.Sprintf("%s imports %s: an example is what a user writes, and gantry promises no Go API", f.Dir, to)
	}
	for folder, ceiling := range ceilings {
		if below(f.Dir, folder) && !beside(to) && floorOf(to) > ceiling {
			return fmt.Sprintf("%s imports %s (floor %d): tests of floor %d use it, so it may not look above that",
				f.Dir, to, floorOf(to), ceiling)
		}
	}
	return ""
}

// floorOf gives the floor of a folder, -1 where it has none.
func floorOf(dir string) int {
	if n, ok := floors[group(dir)]; ok {
		return n
	}
	return -1
}

// standard says whether an import path belongs to the standard library: the first
// element of any other path has a dot, as it begins with a host.
func standard(path string) bool { return !strings.Contains(group(path), ".") }
