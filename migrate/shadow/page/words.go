package page

import (
	"fmt"
	"strings"

	"gantry/figure"
	"gantry/plan"
)

func outputs(n int64) string { return figure.Plural(n, "output", "outputs") }

// verdict is the comparison in a sentence or two.
func verdict(s plan.Shadow) string {
	judged, wrong := s.Judged(), s.Wrong()
	at := figure.AtMost(s.Upper)
	var text string
	switch {
	case judged == 0:
		text = "Nothing has been compared yet."
	case wrong == 0:
		text = fmt.Sprintf("%s compared, none differs: at most %s can, at 95 %% confidence.", outputs(judged), at)
	case wrong == 1:
		text = fmt.Sprintf("%s compared, 1 differs: at most %s can, at 95 %% confidence.", outputs(judged), at)
	default:
		text = fmt.Sprintf("%s compared, %s differ: at most %s can, at 95 %% confidence.", outputs(judged), figure.Number(wrong), at)
	}
	if s.Failed > 0 {
		text += " The functions gave up " + figure.Plural(s.Failed, "record", "records") + "."
	}
	if n := len(s.NotCompared); n > 0 {
		text += " Not compared: " + list(s.NotCompared) + "."
	}
	return text
}

const mostListed = 4

// list names what was not compared.
func list(all []plan.Uncovered) string {
	var names []string
	for _, u := range all[:min(len(all), mostListed)] {
		name := u.What
		if u.NotEnforced {
			name += " (denied, not enforced)"
		}
		names = append(names, name)
	}
	if more := len(all) - mostListed; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}

// tone is how the top looks, and the line above the verdict.
func tone(s plan.Shadow) (class, kicker string) {
	var failed []string
	for _, g := range s.Gates {
		if !g.Passed {
			failed = append(failed, g.Name)
		}
	}
	state := "The shadow runs"
	if s.Over {
		state = "The shadow has ended"
	}
	switch {
	case len(s.Gates) == 0:
		return "open", state + ". No gate was judged."
	case len(failed) > 0:
		class = "open"
		if s.Wrong() > 0 {
			class = "bad"
		}
		return class, fmt.Sprintf("%s. Not passed: %s.", state, strings.Join(failed, ", "))
	case !s.Passed:
		return "open", state + ". Not passed."
	}
	return "good", fmt.Sprintf("%s. All %d gates passed.", state, len(s.Gates))
}

// paired says what pairs the outputs of a topic.
func paired(p plan.Pair) string {
	switch p {
	case plan.PairHeader:
		return "paired by a header"
	case plan.PairValue:
		return "paired by a field of the value"
	case plan.PairSource:
		return "paired by the input's place"
	}
	return "paired by key"
}

// what names a set of differences.
func what(d plan.Difference) string {
	switch d.Kind {
	case plan.MissingOutput:
		return "Missing: only the old service wrote them"
	case plan.ExtraOutput:
		return "Extra: only the functions wrote them"
	case plan.OtherOrder:
		return "In another order within their key"
	}
	return "Different in " + strings.Join(d.Paths, ", ")
}
