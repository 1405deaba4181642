// Package page shows what a shadow run has shown: as one HTML file that needs nothing else,
// and as a summary in the terminal. It only writes what it is given; what was not compared
// is always there, and never in the colour of what passed.
package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"gantry/figure"
	"gantry/plan"
)

//go:embed page.html
var text string

//go:embed page.css
var style string

// Write writes the page.
func Write(w io.Writer, s plan.Shadow) error {
	return figure.Page{Name: "shadow page", Text: text, Style: style, Funcs: template.FuncMap{
		"num": figure.Number[int64], "count": figure.Number[int], "plural": figure.Plural[int], "outputs": outputs, "long": long, "join": strings.Join, "paired": paired,
	}}.Write(w, func(style template.CSS) any { return view(s, style) })
}

// sheet is what the template shows.
type sheet struct {
	plan.Shadow
	Style   template.CSS
	Verdict string
	Tone    string // good, bad, open
	Kicker  string
	Topics  []topic
	Heat    figure.Heat
	Hours   int
	Parts   []part
}

// part is how much of a topic's partitions was seen.
type part struct {
	Topic string
	Count int
}

// topic is one output with its bar.
type topic struct {
	plan.Compared
	ID       int
	Segments []segment
	Beside   []segment // what is no part of the comparison
	Upper    string
	Diffs    []difference
}

// segment is a part of the bar, and of its legend.
type segment struct {
	Class, Name string
	Count       int64
	Share       string // percent
}

// difference is a set of outputs that differ in the same way.
type difference struct {
	plan.Difference
	What    string
	Samples []sample
}

type sample struct {
	plan.Sample
	Rows []row
}

// row is one field of both sides, with the part in which they differ.
type row struct {
	Path     string
	Old, New marked
}

// marked is a text of which the middle differs.
type marked struct {
	Before, Differs, Behind string
	None                    bool // the field is not there
}

func view(s plan.Shadow, style template.CSS) sheet {
	v := sheet{Shadow: s, Style: style, Verdict: verdict(s), Hours: s.Coverage.Hours()}
	v.Tone, v.Kicker = tone(s)
	for i, c := range s.Outputs {
		t := newTopic(c)
		t.ID = i
		v.Topics = append(v.Topics, t)
		v.Parts = append(v.Parts, part{c.Topic, s.Coverage.Partitions[c.Topic]})
	}
	hours := make([]float64, len(s.Coverage.HoursOfWeek))
	for i, n := range s.Coverage.HoursOfWeek {
		hours[i] = float64(n)
	}
	v.Heat = figure.NewHeat("Outputs compared by hour of the week", hours, func(n float64) string { return outputs(int64(n)) })
	return v
}

func newTopic(c plan.Compared) topic {
	t := topic{Compared: c, Upper: figure.AtMost(c.Upper)}
	for _, s := range []segment{
		{Class: "equal", Name: "equal", Count: c.Equal}, {Class: "masked", Name: "equal but for masked fields", Count: c.Masked},
		{Class: "different", Name: "different", Count: c.Different}, {Class: "missing", Name: "missing", Count: c.Missing},
		{Class: "extra", Name: "extra", Count: c.Extra}, {Class: "reordered", Name: "reordered", Count: c.Reordered},
	} {
		if s.Count > 0 {
			s.Share = fmt.Sprintf("%.3f", 100*float64(s.Count)/float64(c.Judged()))
			t.Segments = append(t.Segments, s)
		}
	}
	for _, s := range []segment{
		{Name: "pending: the other side may be on its way", Count: c.Pending}, {Name: "seam: written by one side only, around the begin of the run", Count: c.Seam},
		{Name: "not compared: nothing pairs them, or too many waited", Count: c.Unpaired},
	} {
		if s.Count > 0 {
			t.Beside = append(t.Beside, s)
		}
	}
	for _, d := range c.Differences {
		t.Diffs = append(t.Diffs, newDifference(d))
	}
	return t
}

func newDifference(d plan.Difference) difference {
	out := difference{Difference: d, What: what(d)}
	for _, s := range d.Samples {
		shown := sample{Sample: s}
		for _, l := range s.Lines {
			r := row{Path: l.Path}
			r.Old, r.New = mark(l.Old, l.New)
			shown.Rows = append(shown.Rows, r)
		}
		out.Samples = append(out.Samples, shown)
	}
	return out
}

// mark finds the middle of two texts: what is between what they begin and end with.
func mark(before, after string) (marked, marked) {
	a, b := []rune(before), []rune(after)
	from := 0
	for from < len(a) && from < len(b) && a[from] == b[from] {
		from++
	}
	same := 0
	for same < len(a)-from && same < len(b)-from && a[len(a)-1-same] == b[len(b)-1-same] {
		same++
	}
	cut := func(r []rune) marked {
		return marked{string(r[:from]), string(r[from : len(r)-same]), string(r[len(r)-same:]), len(r) == 0}
	}
	return cut(a), cut(b)
}

func long(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04:05 UTC") }
