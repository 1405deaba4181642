package compare

import (
	"fmt"
	"time"

	"gantry/figure"
	"gantry/plan"
)

// Gates holds what a shadow run has shown against what a plan wants of it. All differing,
// missing, extra and reordered outputs count as different.
func Gates(p plan.Plan, s plan.Shadow, ranFor time.Duration) []plan.Gate {
	return append(gates(p, s), runFor(p.Gates.For, ranFor))
}

// gates are all of them but the time.
func gates(p plan.Plan, s plan.Shadow) []plan.Gate {
	unmatched := int64(0)
	for _, o := range s.Outputs {
		unmatched += o.Missing + o.Extra
	}
	g, judged := p.Gates, s.Judged()
	return []plan.Gate{
		atLeast("compared", int64(g.Compared), judged, "output", "keep the shadow running; only outputs of both sides, and those that one side lacks, count"),
		different(g.Different, s.Wrong(), judged),
		distinct(p, s.Coverage.Keys),
		atLeast("hoursOfWeek", int64(g.HoursOfWeek), int64(s.Coverage.Hours()), "hour", "of the 168 of a week; an hour counts once an output of it was compared, so quiet hours take longer"),
		missing(g.AllowMissing, unmatched),
	}
}

func atLeast(name string, want, have int64, what, why string) plan.Gate {
	g := plan.Gate{Name: name, Want: "at least " + plural(want, what), Have: plural(have, what), Passed: have >= want}
	if !g.Passed {
		g.Why = fmt.Sprintf("%s to go: %s", number(want-have), why)
	}
	return g
}

func distinct(p plan.Plan, have int) plan.Gate {
	g := atLeast("keys", int64(p.Gates.Keys), int64(have), "key", "records of other keys have to come by")
	if have >= keysToCount(p.Gates) {
		g.Have = "at least " + g.Have
	}
	return g
}

func missing(want int, have int64) plan.Gate {
	g := plan.Gate{Name: "allowMissing", Want: "at most " + plural(int64(want), "output"), Have: plural(have, "output"), Passed: have <= int64(want)}
	if !g.Passed {
		g.Why = "missing (only the old service wrote it) or extra (only the functions did): look at the samples; a difference that is none gets a rule in ignore:"
	}
	return g
}

// different compares the upper bound at 95 %, so that a few outputs without a difference do
// not pass for many.
func different(want float64, bad, judged int64) plan.Gate {
	bound := upper(bad, judged)
	g := plan.Gate{Name: "different", Want: "at most " + figure.Percent(want), Passed: bound <= want}
	g.Have = fmt.Sprintf("%s of %s differ: at most %s at 95 %%", number(bad), number(judged), figure.AtMost(bound))
	if bad == 1 {
		g.Have = fmt.Sprintf("1 of %s differs: at most %s at 95 %%", number(judged), figure.AtMost(bound))
	}
	if g.Passed {
		return g
	}
	more, possible := enough(bad, judged, want)
	switch {
	case !possible:
		g.Why = "no number of comparisons shows that nothing can differ: want a share above 0"
	case bad == 0:
		g.Why = fmt.Sprintf("nothing differs so far; %s without a difference would do", plural(more, "more comparison"))
	case float64(bad) > want*float64(judged):
		g.Why = fmt.Sprintf("too much differs: find out why (samples), or add what is no difference to ignore: and begin again; %s without another one would do as well", plural(more, "more comparison"))
	default:
		g.Why = fmt.Sprintf("too few comparisons to be sure; %s without another difference would do", plural(more, "more comparison"))
	}
	return g
}

func runFor(want, have time.Duration) plan.Gate {
	g := plan.Gate{Name: "for", Want: "at least " + figure.Duration(want), Have: figure.Duration(have), Passed: have >= want}
	if !g.Passed {
		g.Why = figure.Duration(want-have) + " to go"
	}
	return g
}

func number(n int64) string { return figure.Number(n) }

func plural(n int64, what string) string { return figure.Plural(n, what, what+"s") }
