package compare

import "gantry/plan"

// noise holds two runs of the old code together. A path in which they differ says nothing
// about the new code: it is masked. (Diffy's idea, with the old code's two instances.)
type noise struct {
	rules *rules
	pair  plan.Pair

	pairs  int64
	single int64 // outputs that one of the runs wrote
	mixed  int64 // pairs in another order
	apart  int64 // pairs that have too little in common to be sure that they are pairs
	whole  int64 // pairs of which nothing would be left
	lost   int64
}

const teaching = 0.5 // share in which two runs may differ and still teach masks

const whyMasked = "differs between two runs of the old code"

func (n *noise) related() bool    { return n.pair != plan.PairKey }
func (n *noise) waiting() int     { return 0 }
func (n *noise) equal(_, _ *item) { n.pairs++ }
func (n *noise) seam(*item)       {}

func (n *noise) moved(_, _ *item) {
	n.pairs++
	n.mixed++
}

func (n *noise) alone(*item)   { n.single++ }
func (n *noise) dropped(*item) { n.lost++ }

// differ learns masks. By key the n-th outputs of two runs are paired, and where one of
// them wrote less these are not the same outputs: what has little in common teaches nothing.
func (n *noise) differ(l, r *item) {
	n.pairs++
	if !n.related() && n.rules.apart(l.output, r.output) > teaching {
		n.apart++
		return
	}
	for _, c := range n.rules.diff(l.output, r.output) {
		switch {
		case c.rule != nil:
		case c.mask == nil:
			n.whole++
		case n.rules.beneath(c.mask):
		default:
			c.mask.why = whyMasked
			n.rules.learn(c.mask)
		}
	}
}

// beneath says that a mask was learned a moment ago, of the same two records.
func (r *rules) beneath(mask *rule) bool {
	for _, known := range r.all {
		if known.path == mask.path {
			return true
		}
	}
	return false
}

// notes say what of the second run did not teach what it could have.
func (n *noise) notes(o plan.Output) (out []plan.Uncovered) {
	note := func(count int64, why string) {
		if count > 0 {
			out = append(out, plan.Uncovered{What: "second run of " + o.Topic + ": " + plural(count, "output"), Why: why})
		}
	}
	if n.pairs == 0 {
		return []plan.Uncovered{{What: "second run of " + o.Topic, Why: "none of its outputs was paired so far: nothing is masked"}}
	}
	note(n.single, "only one of the two runs of the old code wrote them: that an output of the topic is missing or extra may be the old code's doing")
	note(n.mixed, "the two runs of the old code wrote them in different orders: that outputs of the topic are reordered may be the old code's doing")
	note(n.apart, "the two runs of the old code have less than half of their fields in common: no field was masked for them")
	note(n.whole, "the value as a whole differs between two runs of the old code: it is not masked, as nothing would be left to compare (ignore: {path: $} does it)")
	note(n.lost, "too many waited for the other run: they were not compared")
	return out
}
