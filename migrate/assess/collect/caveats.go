package collect

import (
	"fmt"
	"slices"
	"strings"
)

// namedInCaveat is how many topics or groups a caveat names before it counts.
const namedInCaveat = 5

// caveats are what a survey could not see or trust. What holds for many topics is one
// sentence, not as many.
type caveats struct {
	general []string
	named   map[caveat][]string
}

type caveat struct{ kind, what string }

func (c *caveats) say(what string) {
	if !slices.Contains(c.general, what) {
		c.general = append(c.general, what)
	}
}

func (c *caveats) add(kind, name, what string) {
	if c.named == nil {
		c.named = map[caveat][]string{}
	}
	k := caveat{kind, what}
	if !slices.Contains(c.named[k], name) {
		c.named[k] = append(c.named[k], name)
	}
}

func (c *caveats) sentences() []string {
	out := slices.Clone(c.general)
	var of []string
	for k, names := range c.named {
		slices.Sort(names)
		subject := k.kind + " " + names[0]
		if n := len(names); n > 1 {
			subject = fmt.Sprintf("%ss %s", k.kind, strings.Join(names[:min(n, namedInCaveat)], ", "))
			if n > namedInCaveat {
				subject += fmt.Sprintf(" and %d more", n-namedInCaveat)
			}
		}
		of = append(of, subject+": "+k.what)
	}
	slices.Sort(of)
	return append(out, of...)
}
