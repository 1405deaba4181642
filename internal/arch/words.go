package arch

import (
	"bytes"
	"fmt"
	"strings"
)

// leaks are the words that must not be checked in, each with the reason. They are
// written in pieces, so that this file passes its own rule.
var leaks = []struct{ word, why string }{
	{"/root" + "/", "a path of one machine"},
	{"/work" + "/main", "a path of one machine"},
	{"/work" + "/shared", "a path of one machine"},
	{"/home/" + "runner/", "a path of one machine"},
	{"../" + "shared/", "a path outside the repository"},
	{"style-" + "examples", "a file outside the repository; docs/style.md has what it says"},
	{"aws-" + "side.md", "a file outside the repository"},
	{"esm" + ".md", "a file outside the repository; name AWS's page or docs/compatibility.md"},
	{"proxy." + "golang.org", mirror},
	{"sum." + "golang.org", mirror},
	{"repo1." + "maven.org", mirror},
	{"repo." + "maven.apache.org", mirror},
	{"registry." + "npmjs.org", mirror},
	{"registry." + "yarnpkg.com", mirror},
	{"pypi" + ".org", mirror},
	{"files." + "pythonhosted.org", mirror},
	{"deb." + "debian.org", mirror},
}

const mirror = "a registry's host: clients are set up by whoever owns the machine, and a clone must work behind a mirror"

// Words refuses text that is true on one machine only, or that names a package registry.
func Words(t *Tree) []Breach {
	var found []Breach
	for _, text := range t.Texts {
		for _, l := range leaks {
			if at := bytes.Index(text.Body, []byte(l.word)); at >= 0 {
				line := 1 + strings.Count(string(text.Body[:at]), "\n")
				found = append(found, Breach{File: text.Path, Line: line, What: fmt.Sprintf("%q is %s", l.word, l.why)})
			}
		}
	}
	return sorted(found)
}
