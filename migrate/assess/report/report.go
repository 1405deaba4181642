// Package report writes an assessment as one HTML file that needs nothing else: no script,
// no request, no font. Plots are SVG in the page; light and dark follow the reader's system.
// It is made for a manager's first minute and an engineer's next hour.
package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"gantry/figure"
	"gantry/workload"
)

//go:embed report.html
var page string

//go:embed report.css
var style string

// Write writes the report.
func Write(w io.Writer, a workload.Assessment) error {
	return figure.Page{Name: "report", Text: page, Style: style, Funcs: template.FuncMap{
		"money": money, "span": span, "rate": rate, "bytes": bytes, "pct": pct, "long": long, "seconds": seconds, "join": strings.Join,
		"num": figure.Number[int64], "anchor": anchor, "plural": figure.Plural[int], "called": called, "kept": kept, "size": func(n int64) string { return bytes(float64(n)) },
	}}.Write(w, func(style template.CSS) any { return view(a, style) })
}

// sheet is what the template shows.
type sheet struct {
	workload.Assessment
	Style      template.CSS
	Lead       *lead
	Cards      []card
	Functions  int
	Containers int
	Stays      int
	Moving     workload.Money // a month, of what can move now
	LaterCost  workload.Money // of what waits for its database
	LaterCount int
	Questions  int // vetoes that nobody answered
	Asked      []asked
	Unread     int // topics
}

type asked struct {
	What  string
	Count int
}

// lead is the service to begin with, as a manager reads it.
type lead struct {
	workload.First
	Card  card
	Risk  string
	Grade string // low, moderate, high
	Money string
}

// card is one service with its plots.
type card struct {
	workload.Service
	ID      string
	Label   string
	Short   string // for the table
	Heat    figure.Heat
	Spark   string
	Curve   *curve
	Range   *interval
	Lagging []bar
	KeyBars []bar
	Shares  []column
	Fired   []workload.Rule
	Others  []workload.Rule
	Inputs  []input
	Numbers []numbered
	Dots    []bool
	Quotes  []workload.Quote
	Gini    string
	First   bool
}

func view(a workload.Assessment, style template.CSS) sheet {
	s := sheet{Assessment: a, Style: style}
	most := 0.0
	for _, svc := range a.Services {
		most = math.Max(most, svc.Verdict.Cost.High)
	}
	for _, svc := range a.Services {
		c := newCard(svc, most)
		c.First = a.First != nil && a.First.Service == svc.Group
		s.Cards = append(s.Cards, c)
		s.count(svc)
		if c.First {
			s.Lead = newLead(*a.First, c)
		}
	}
	for _, t := range a.Topics {
		if len(t.Readers) == 0 && !t.Internal {
			s.Unread++
		}
	}
	for name, count := range a.Requests {
		s.Asked = append(s.Asked, asked{name, count})
	}
	slices.SortFunc(s.Asked, func(x, y asked) int { return y.Count - x.Count })
	return s
}

func (s *sheet) count(svc workload.Service) {
	v := svc.Verdict
	switch v.Target {
	case workload.ToFunction:
		s.Functions++
	case workload.ToContainer:
		s.Containers++
	default:
		s.Stays++
	}
	s.Questions += len(v.Open)
	to := &s.Moving
	if v.Later {
		to = &s.LaterCost
		s.LaterCount++
	}
	*to = workload.Money{Low: to.Low + v.Cost.Low, Mid: to.Mid + v.Cost.Mid, High: to.High + v.Cost.High}
}

func newLead(f workload.First, c card) *lead {
	l := &lead{First: f, Card: c, Grade: "low"}
	switch {
	case len(f.But) > 3:
		l.Grade = "high"
	case len(f.But) > 0:
		l.Grade = "moderate"
	}
	l.Risk = l.Grade
	if len(c.Verdict.Open) > 0 {
		l.Risk = "not known yet"
	}
	chosen, other := c.Costs.Lambda.Money, c.Costs.Fargate.Money
	kind, instead := "a function", "containers that always run"
	if c.Verdict.Target == workload.ToContainer {
		chosen, other, kind, instead = c.Verdict.Cost, chosen, "a container", "a function"
	}
	l.Money = fmt.Sprintf("As %s it would cost %s a month; as %s %s.", kind, roughly(chosen), instead, roughly(other))
	if c.Verdict.Later {
		l.Money = "It runs here at no cost in AWS until its database moves; then: " + l.Money
	}
	return l
}

func newCard(svc workload.Service, most float64) card {
	c := card{
		Service: svc, ID: anchor(svc.Group), Label: label(svc.Verdict), Heat: figure.NewHeat("Traffic by hour of the week", svc.Traffic.HourOfWeek, rate), Spark: spark(svc.Traffic.HourOfWeek),
		Lagging: lagBars(svc), KeyBars: keyBars(svc.Traffic.Keys), Shares: shares(svc.Traffic), Inputs: inputs(svc), Numbers: numbers(svc),
	}
	c.Short = short(svc)
	if g := svc.Traffic.Gini; g != nil {
		c.Gini = fmt.Sprintf("%.2f", *g)
	}
	for i := range 3 {
		c.Dots = append(c.Dots, i < map[string]int{"low": 1, "medium": 2, "high": 3}[svc.Verdict.Confidence.Grade])
	}
	for _, r := range svc.Verdict.Rules {
		if r.Answer == workload.Fired {
			c.Fired = append(c.Fired, r)
		} else {
			c.Others = append(c.Others, r)
		}
	}
	if svc.Class == workload.Plain && svc.Traffic.Mean > 0 {
		c.Curve = newCurve(svc)
		c.Quotes = []workload.Quote{svc.Costs.Lambda, svc.Costs.Fargate, svc.Costs.EKS}
		if svc.Verdict.Target != workload.ToStay {
			c.Range = newInterval(svc.Verdict.Cost, most)
		}
	}
	return c
}

func label(v workload.Verdict) string {
	switch {
	case v.Target == workload.ToStay:
		return "Stays"
	case v.Target == workload.ToFunction && v.Later:
		return "Function, run here"
	case v.Target == workload.ToFunction:
		return "Function"
	case v.Later:
		return "Container, later"
	}
	return "Container"
}

// short is the reason without its figures' way.
func short(svc workload.Service) string {
	text := svc.Verdict.Reason
	if at := strings.Index(text, ": "); at > 0 && len(text) > 110 {
		text = text[:at]
	}
	if at := strings.Index(text, "; "); at > 0 && len(text) > 110 {
		text = text[:at]
	}
	return text
}

// anchor makes an id of any group's name.
func anchor(group string) string {
	var b strings.Builder
	b.WriteString("s-")
	for _, r := range group {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "_%x_", r)
		}
	}
	return b.String()
}

func long(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }
