package arch

import (
	"fmt"
	"path"
	"strings"
)

// saysNothing are names that fit any code, so they tell a reader nothing and collect
// whatever has no home.
var saysNothing = map[string]bool{
	"util": true, "utils": true, "common": true, "helper": true, "helpers": true,
	"base": true, "misc": true, "type": true, "types": true, "model": true, "models": true,
}

// Names refuses folders, packages and files whose name does not say what they offer.
func Names(t *Tree) []Breach {
	var found []Breach
	for _, f := range t.Go {
		for _, name := range []string{path.Base(f.Dir), f.AST.Name.Name, bare(f.Path)} {
			if saysNothing[name] {
				found = append(found, Breach{File: f.Path, What: fmt.Sprintf(
					"%q says nothing: name it after what it offers", name)})
				break
			}
		}
	}
	return sorted(found)
}

func bare(file string) string {
	return strings.TrimSuffix(strings.TrimSuffix(path.Base(file), ".go"), "_test")
}
