package compare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gantry/plan"
)

// Report says what the comparison has shown so far. It knows neither how long the run has
// been nor what its mapping did: Inputs, Failed, Running, Over, Passed and the gate "for"
// are its caller's.
func (c *Comparison) Report() plan.Shadow {
	s := plan.Shadow{Plan: c.plan.Name, Began: c.began, Until: c.seen.until, Coverage: c.seen.coverage()}
	if s.Until.IsZero() {
		s.Until = c.began
	}
	for _, o := range c.plan.Outputs {
		t := c.topics[o.Topic]
		s.Outputs = append(s.Outputs, t.report())
		s.NotCompared = append(s.NotCompared, t.notCompared()...)
	}
	for _, name := range slices.Sorted(maps.Keys(c.strangers)) {
		s.NotCompared = append(s.NotCompared, plan.Uncovered{
			What: fmt.Sprintf("%s: %s", name, plural(c.strangers[name], "output")), Why: "the topic is none of the plan's outputs",
		})
	}
	s.Upper = upper(s.Wrong(), s.Judged())
	s.Gates = gates(c.plan, s)
	return s
}

func (t *topic) report() plan.Compared {
	c := t.tally.counts
	c.Pending = int64(t.main.pending[left] + t.main.pending[right] + t.tally.waiting() + len(t.held))
	c.Keys = len(t.tally.keys.set)
	c.Differences = t.tally.differences(&c)
	c.Masks = t.tally.masks()
	c.Upper = upper(c.Wrong(), c.Judged())
	return c
}

// differences are the sets without what was masked since; a set of which nothing is left
// has been masked all along.
func (t *tally) differences(c *plan.Compared) []plan.Difference {
	masked := t.maskedPaths()
	merged := map[string]*difference{}
	for _, name := range slices.Sorted(maps.Keys(t.sets)) {
		d := t.sets[name]
		kept := slices.DeleteFunc(slices.Clone(d.Paths), func(p string) bool { return masked[p] })
		if d.Kind == plan.DifferentFields && len(kept) == 0 {
			c.Different -= d.Count
			c.Masked += d.Count
			continue
		}
		into := string(d.Kind) + "\x00" + strings.Join(kept, "\x00")
		if merged[into] == nil {
			merged[into] = &difference{Difference: plan.Difference{Kind: d.Kind, Paths: kept}, keys: keys{most: mostDiffKeys}}
		}
		merged[into].merge(d, masked)
	}
	out := make([]plan.Difference, 0, len(merged))
	for _, d := range merged {
		d.Keys = len(d.keys.set)
		out = append(out, d.Difference)
	}
	slices.SortFunc(out, func(a, b plan.Difference) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind), slices.Compare(a.Paths, b.Paths))
	})
	return out
}

func (d *difference) merge(other *difference, masked map[string]bool) {
	d.Count += other.Count
	d.keys.merge(&other.keys)
	for _, s := range other.Samples {
		if len(d.Samples) == mostSamples {
			break
		}
		s.Lines = slices.DeleteFunc(slices.Clone(s.Lines), func(l plan.SampleLine) bool { return masked[anywhere(l.Path)] })
		d.Samples = append(d.Samples, s)
	}
}

// anywhere is a path with [*] for its indices.
func anywhere(path string) string {
	p, err := outsideOrParts(path)
	if err != nil || p.outside != "" {
		return path
	}
	steps := make([]step, len(p.parts))
	for i, part := range p.parts {
		if part.kind == aName {
			steps[i].name = []byte(part.name)
		}
	}
	return write(steps, true)
}

// maskedPaths are the paths that were counted as different and are masked now.
func (t *tally) maskedPaths() map[string]bool {
	out := map[string]bool{}
	for _, r := range t.rules.all {
		if r.learned {
			out[r.path] = true
		}
	}
	return out
}

// masks are the ignore rules of the plan, and what was learned.
func (t *tally) masks() []plan.Mask {
	var out []plan.Mask
	for _, r := range t.rules.all {
		m := plan.Mask{Path: r.path, Why: r.why, Count: r.count}
		if r.learned {
			m.Count += t.paths[r.path]
		}
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b plan.Mask) int { return cmp.Compare(b.Count, a.Count) })
	return out
}

func (t *topic) notCompared() []plan.Uncovered {
	out := slices.Clone(t.rules.faults)
	if t.unpaired > 0 {
		out = append(out, plan.Uncovered{What: fmt.Sprintf("%s: %s", t.output.Topic, plural(t.unpaired, "output")), Why: t.without()})
	}
	if n := t.tally.lost; n > 0 {
		out = append(out, plan.Uncovered{
			What: fmt.Sprintf("%s: %s", t.output.Topic, plural(n, "output")),
			Why: fmt.Sprintf("more than %s waited for the other side, so the oldest and their counterparts were left out: "+
				"let the side that is behind catch up, and begin the run again", number(int64(t.main.limit))),
		})
	}
	if t.rules.full {
		out = append(out, plan.Uncovered{
			What: "masks of " + t.output.Topic, Why: fmt.Sprintf("more than %s paths differ between two runs of the old code: further ones are not masked (ignore: with a path that covers them does it)", number(mostMasks)),
		})
	}
	if t.noise != nil {
		out = append(out, t.noise.notes(t.output)...)
	}
	return out
}

// without says what an unpaired output lacks.
func (t *topic) without() string {
	switch o := t.output; o.Pair {
	case plan.PairHeader:
		return fmt.Sprintf("without the header %s, which pairs them", o.Field)
	case plan.PairValue:
		if t.pairing.field == nil {
			return fmt.Sprintf("field: %s is no path", o.Field)
		}
		return fmt.Sprintf("without %s in a JSON value, which pairs them", o.Field)
	default:
		return "without the headers gantry-source-topic, -partition and -offset, which pair them"
	}
}
