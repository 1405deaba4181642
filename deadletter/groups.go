package deadletter

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Group is the letters with one condition, one function and about the same error.
type Group struct {
	Condition string
	Function  string
	Error     string // as the first of them says it
	Letters   int64
	Records   int64
	Redriven  int64 // letters
	First     time.Time
	Last      time.Time
}

// Groups gathers letters. What differs in numbers alone is one group.
type Groups struct {
	groups map[[3]string]*Group
	others Group
}

// mostGroups bounds what is kept; what comes behind them is gathered as one.
const mostGroups = 1000

var (
	uuids   = regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}`)
	hexes   = regexp.MustCompile(`\b[0-9a-fA-F]{12,}\b`)
	numbers = regexp.MustCompile(`\d+`)
)

// alike is an error without what makes each one different.
func alike(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return numbers.ReplaceAllString(hexes.ReplaceAllString(uuids.ReplaceAllString(line, "#"), "#"), "#")
}

// Add puts a letter into its group.
func (g *Groups) Add(f Found) {
	if g.groups == nil {
		g.groups = map[[3]string]*Group{}
	}
	key := [3]string{f.Condition, f.FunctionName(), alike(f.Letter.Error)}
	to := g.groups[key]
	switch {
	case to == nil && len(g.groups) < mostGroups:
		to = &Group{Condition: f.Condition, Function: f.FunctionName(), Error: f.Letter.Error}
		g.groups[key] = to
	case to == nil:
		to = &g.others
		to.Error = "(other errors)"
	}
	to.Letters++
	to.Records += int64(f.Letter.Count)
	if f.State.State == Redriven {
		to.Redriven++
	}
	if to.First.IsZero() || f.At.Before(to.First) {
		to.First = f.At
	}
	if f.At.After(to.Last) {
		to.Last = f.At
	}
}

// List gives the groups, the largest first.
func (g *Groups) List() []Group {
	var out []Group
	for _, one := range g.groups {
		out = append(out, *one)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Letters, a.Letters), cmp.Compare(a.Error, b.Error), cmp.Compare(a.Condition, b.Condition))
	})
	if g.others.Letters > 0 {
		out = append(out, g.others)
	}
	return out
}
