package kafkatest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gantry/record"
)

// Verdict is what a Journal proves.
type Verdict struct {
	Deliveries int               // records given to a function, repeats included
	Lost       []record.Position // expected and not resolved
	Disorder   []string          // a record was given out while an earlier one was unresolved
	Repeats    []Repeat          // given out again although it had not failed
}

// Repeat is one record that was given out again.
type Repeat struct {
	record.Position
	First, Again    time.Time // the earlier and the later delivery
	Before, Process string    // who had it, who got it
	InFlight        bool      // the earlier one never said how it ended
	Reason          string    // the latest Mark before Again, if it came after First
}

// Verdict judges all reports so far.
func (j *Journal) Verdict() Verdict {
	v := Verdict{}
	v.Lost, _ = j.missing()
	slices.SortFunc(v.Lost, comparePositions)
	j.mu.Lock()
	defer j.mu.Unlock()
	replay := &replay{journal: j, lanes: map[record.Partition]*laneState{}, given: map[record.Position]given{}, verdict: &v}
	for p, l := range j.lanes {
		replay.lanes[p] = &laneState{expected: l.expected, last: map[int64]Outcome{}}
	}
	for _, r := range j.reports {
		replay.report(r)
	}
	return v
}

// replay walks through the reports again, now that all that was expected is known.
type replay struct {
	journal *Journal
	lanes   map[record.Partition]*laneState
	given   map[record.Position]given
	verdict *Verdict
}

// given is the latest delivery of a record.
type given struct {
	at      time.Time
	process string
	ended   Outcome // "" while it runs
}

func (y *replay) report(r report) {
	walks := map[record.Partition]*walk{}
	for _, p := range r.positions {
		part := record.Partition{Topic: p.Topic, Index: p.Partition}
		w := walks[part]
		if w == nil {
			w = y.walk(part)
			walks[part] = w
		}
		if y.delivery(r, p) {
			y.deliver(r, p)
			if why := w.to(p.Offset); why != "" {
				y.verdict.Disorder = append(y.verdict.Disorder, fmt.Sprintf("%s was given to %s %s", p, r.process, why))
			}
		}
		if r.outcome != Began {
			g := y.given[p]
			g.ended = r.outcome
			y.given[p] = g
		}
	}
	for _, p := range r.positions {
		y.lanes[record.Partition{Topic: p.Topic, Index: p.Partition}].note(p.Offset, r.outcome)
	}
}

// walk goes along one partition of one report.
type walk struct {
	lane *laneState
	at   int // the next expected offset to look at
	last int64
}

func (y *replay) walk(p record.Partition) *walk {
	l := y.lanes[p]
	if l == nil {
		l = &laneState{last: map[int64]Outcome{}}
		y.lanes[p] = l
	}
	l.resolved() // moves low on
	return &walk{lane: l, at: l.low, last: -1}
}

// to steps to an offset and says what is wrong with getting there: all that is expected
// before it must be resolved or stand before it in the same report.
func (w *walk) to(offset int64) (why string) {
	if w.last >= offset {
		return fmt.Sprintf("after offset %d in one batch", w.last)
	}
	for ; w.at < len(w.lane.expected) && w.lane.expected[w.at] < offset; w.at++ {
		open := w.lane.expected[w.at]
		if o := w.lane.last[open]; why == "" && !o.resolved() {
			why = fmt.Sprintf("while offset %d was not resolved (%s)", open, cmp.Or(string(o), "not delivered"))
		}
	}
	if w.at < len(w.lane.expected) && w.lane.expected[w.at] == offset {
		w.at++
	}
	w.last = offset
	return why
}

// delivery says whether a report is the first word of an invocation about a record: its
// start, or an end whose start was not reported.
func (y *replay) delivery(r report, p record.Position) bool {
	if r.outcome == Began {
		return true
	}
	g, running := y.given[p]
	return r.outcome != GaveUp && (!running || g.ended != "" || g.process != r.process)
}

func (y *replay) deliver(r report, p record.Position) {
	y.verdict.Deliveries++
	if g, ok := y.given[p]; ok && g.ended != Failed {
		y.verdict.Repeats = append(y.verdict.Repeats, Repeat{
			Position: p, First: g.at, Again: r.at, Before: g.process, Process: r.process,
			InFlight: g.ended == "", Reason: y.journal.reason(g.at, r.at),
		})
	}
	y.given[p] = given{at: r.at, process: r.process}
}

func (j *Journal) reason(first, again time.Time) string {
	for _, m := range slices.Backward(j.marks) {
		if !m.at.After(again) {
			if m.at.Before(first) {
				return ""
			}
			return m.reason
		}
	}
	return ""
}

// Unexplained gives the repeats no Mark explains.
func (v Verdict) Unexplained() []Repeat {
	return slices.DeleteFunc(slices.Clone(v.Repeats), func(r Repeat) bool { return r.Reason != "" })
}

// RequireNothingLost fails the test unless every record was resolved and order was kept.
// Repeats are allowed where a Mark explains them.
func (v Verdict) RequireNothingLost(t testing.TB) {
	t.Helper()
	if len(v.Lost)+len(v.Disorder)+len(v.Unexplained()) > 0 {
		t.Fatalf("the journal shows a fault:\n%s", v)
	}
}

// RequireExactlyOnce fails the test unless each record was given out once, in order.
func (v Verdict) RequireExactlyOnce(t testing.TB) {
	t.Helper()
	if len(v.Lost)+len(v.Disorder)+len(v.Repeats) > 0 {
		t.Fatalf("the journal shows more or less than one delivery of each record:\n%s", v)
	}
}

// String names every fault, runs of offsets taken together.
func (v Verdict) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d deliveries, %d lost, %d out of order, %d repeated\n", v.Deliveries, len(v.Lost), len(v.Disorder), len(v.Repeats))
	if len(v.Lost) > 0 {
		fmt.Fprintf(&b, "lost: %s\n", ranges(v.Lost))
	}
	for i, d := range v.Disorder {
		if i == 20 {
			fmt.Fprintf(&b, "… and %d more out of order\n", len(v.Disorder)-i)
			break
		}
		fmt.Fprintf(&b, "out of order: %s\n", d)
	}
	for _, w := range v.Windows() {
		fmt.Fprintf(&b, "repeated: %s\n", w)
	}
	return b.String()
}

// Windows gives the repeats as text, those of one cause and one hand-over together.
func (v Verdict) Windows() []string {
	type window struct{ before, process, reason string }
	var order []window
	in := map[window][]record.Position{}
	for _, r := range v.Repeats {
		w := window{r.Before, r.Process, cmp.Or(r.Reason, "no reason known")}
		if _, ok := in[w]; !ok {
			order = append(order, w)
		}
		in[w] = append(in[w], r.Position)
	}
	var out []string
	for _, w := range order {
		out = append(out, fmt.Sprintf("%s from %s to %s: %s", ranges(in[w]), w.before, w.process, w.reason))
	}
	return out
}

// ranges writes positions as "orders-0 5..9, orders-1 3".
func ranges(all []record.Position) string {
	all = slices.Clone(all)
	slices.SortFunc(all, comparePositions)
	var out []string
	for i := 0; i < len(all); {
		last := i
		for last+1 < len(all) && all[last+1].Partition == all[i].Partition && all[last+1].Topic == all[i].Topic && all[last+1].Offset <= all[last].Offset+1 {
			last++
		}
		text := fmt.Sprintf("%s-%d %d", all[i].Topic, all[i].Partition, all[i].Offset)
		if all[last].Offset > all[i].Offset {
			text += fmt.Sprintf("..%d", all[last].Offset)
		}
		out, i = append(out, text), last+1
	}
	return strings.Join(out, ", ")
}

func comparePositions(a, b record.Position) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
}
