package report

import (
	"fmt"
	"math"
	"strings"

	"gantry/workload"
)

// The plot of the costs, both axes logarithmic.
const (
	plotLeft, plotTop     = 52.0, 16.0
	plotWidth, plotHeight = 400.0, 214.0
	labelRoom             = 66.0
	leastDollars          = 0.01
	leastRate             = 1e-12 // less than a record in ten thousand years has no place on an axis
)

type curve struct {
	Width, Height  float64
	Left, Right    float64
	Top, Bottom    float64
	Lines          []line
	XTicks, YTicks []tick
	Today          tick
	Dot            *dot // where the service stands on what was chosen
	Cross          *dot
	End            *dot // where Lambda can't keep up any more
	Say            string
	Cheaper        string
}

type line struct {
	Class string
	Path  string
	Label caption
}

// caption is a word in the plot.
type caption struct {
	X, Y   float64
	Text   string
	Anchor string
}

type tick struct {
	At   float64
	Text string
}

type dot struct {
	X, Y   float64
	Text   string
	TextX  float64
	TextY  float64
	Anchor string
}

// scale maps a value of an axis to a place.
type scale struct{ low, high, from, to float64 }

func (s scale) at(v float64) float64 {
	v = math.Min(math.Max(v, s.low), s.high)
	return s.from + (math.Log(v)-math.Log(s.low))/(math.Log(s.high)-math.Log(s.low))*(s.to-s.from)
}

func newCurve(svc workload.Service) *curve {
	points := svc.Costs.Curve
	if len(points) < 2 || points[0].Rate < leastRate {
		return nil
	}
	c := &curve{
		Width: plotLeft + plotWidth + labelRoom, Height: plotTop + plotHeight + 40, Left: plotLeft, Right: plotLeft + plotWidth,
		Top: plotTop, Bottom: plotTop + plotHeight,
	}
	low, high := reach(points)
	x := scale{points[0].Rate, points[len(points)-1].Rate, c.Left, c.Right}
	y := scale{low, high, c.Bottom, c.Top}
	c.XTicks, c.YTicks = decades(x, rate), decades(y, money)
	c.Lines = []line{
		draw("eks", "EKS", points, x, y, func(p workload.Point) float64 { return p.EKS }),
		draw("fargate", "Fargate", points, x, y, func(p workload.Point) float64 { return p.Fargate }),
		draw("lambda", "Lambda", points, x, y, func(p workload.Point) float64 { return p.Lambda }),
	}
	spread(c.Lines)
	rising := &c.Lines[len(c.Lines)-1].Label // Lambda's line ends among the others, and begins below them
	if p := points[len(points)/6]; p.Lambda >= 0 {
		*rising = caption{X: x.at(p.Rate) - 6, Y: y.at(p.Lambda) - 8, Text: rising.Text, Anchor: "end"}
		if rising.X < c.Left+48 {
			rising.X, rising.Anchor = c.Left+8, "start"
		}
	}
	c.Today = tick{x.at(svc.Traffic.Mean), "today " + rate(svc.Traffic.Mean)}
	c.places(svc, points, x, y)
	return c
}

// reach is where the amounts lie, in whole decades.
func reach(points []workload.Point) (low, high float64) {
	low, high = math.Inf(1), leastDollars*10
	for _, p := range points {
		for _, v := range []float64{p.Lambda, p.Fargate, p.EKS} {
			if v > 0 {
				low, high = math.Min(low, v), math.Max(high, v)
			}
		}
	}
	if low = math.Max(low, leastDollars); low > high {
		low = leastDollars // nothing costs anything
	}
	return math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high)))
}

func decades(s scale, say func(float64) string) []tick {
	var found []tick
	for e := math.Ceil(math.Log10(s.low) - 1e-9); e <= math.Floor(math.Log10(s.high)+1e-9); e++ {
		v := math.Pow(10, e)
		found = append(found, tick{s.at(v), say(v)})
	}
	return found
}

func draw(class, name string, points []workload.Point, x, y scale, of func(workload.Point) float64) line {
	l := line{Class: class}
	var b strings.Builder
	for _, p := range points {
		v := of(p)
		if v < 0 {
			break
		}
		op := "L"
		if b.Len() == 0 {
			op = "M"
		}
		l.Label = caption{X: x.at(p.Rate) + 6, Y: y.at(v) + 4, Text: name, Anchor: "start"}
		fmt.Fprintf(&b, "%s%.1f %.1f", op, x.at(p.Rate), y.at(v))
	}
	l.Path = b.String()
	return l
}

// spread keeps labels at the ends of lines from lying on each other.
func spread(lines []line) {
	const apart = 13
	for i := range lines {
		for j := range lines[:i] {
			a, b := &lines[i].Label, &lines[j].Label
			if a.Text == "" || b.Text == "" || math.Abs(a.X-b.X) > 50 || math.Abs(a.Y-b.Y) >= apart {
				continue
			}
			if a.Y <= b.Y {
				a.Y = b.Y - apart
			} else {
				a.Y = b.Y + apart
			}
		}
	}
}

// places are the points that are talked about: today, the crossing, the end of Lambda.
func (c *curve) places(svc workload.Service, points []workload.Point, x, y scale) {
	costs := svc.Costs
	if q := chosen(svc); q.Impossible == "" && q.Money.Mid > 0 {
		c.Dot = c.dot(x.at(svc.Traffic.Mean), y.at(q.Money.Mid), money(q.Money.Mid))
	}
	if costs.CrossRate > 0 {
		at := nearest(points, costs.CrossRate)
		c.Cross = c.dot(x.at(costs.CrossRate), y.at(at.Fargate), "cross at "+rate(costs.CrossRate))
		c.Cross.TextX, c.Cross.TextY, c.Cross.Anchor = c.Cross.X+4, c.Cross.Y+22, "start"
		if c.Cross.X > c.Right-90 {
			c.Cross.Anchor = "end"
		}
	}
	for i, p := range points {
		if p.Lambda < 0 && i > 0 && points[i-1].Lambda >= 0 {
			c.End = c.dot(x.at(points[i-1].Rate), y.at(points[i-1].Lambda), "")
			c.Say = "Beyond the ✕ ordered batches on Lambda can't keep up with this service's peak."
			break
		}
	}
	switch {
	case costs.Lambda.Impossible != "":
		c.Cheaper = "Lambda can't do today's traffic: " + costs.Lambda.Impossible + "."
	case costs.CrossRate > 0 && svc.Traffic.Mean < costs.CrossRate:
		c.Cheaper = fmt.Sprintf("Lambda is cheaper up to %s, %.1f times today's traffic.", rate(costs.CrossRate), costs.CrossRate/svc.Traffic.Mean)
	case costs.CrossRate > 0:
		c.Cheaper = fmt.Sprintf("Fargate is cheaper from %s on; today's traffic is %.1f times that.", rate(costs.CrossRate), svc.Traffic.Mean/costs.CrossRate)
	case costs.Lambda.Money.Mid <= costs.Fargate.Money.Mid:
		c.Cheaper = "Lambda is cheaper as far as it can keep up: the lines do not cross."
	default:
		c.Cheaper = "Fargate is cheaper over the whole range shown."
	}
}

func (c *curve) dot(x, y float64, text string) *dot {
	d := &dot{X: x, Y: y, Text: text, TextX: x - 8, TextY: y - 9, Anchor: "end"}
	if x < c.Left+90 {
		d.TextX, d.Anchor = x+8, "start"
	}
	if d.TextY < c.Top+10 {
		d.TextY = y + 18
	}
	return d
}

func chosen(svc workload.Service) workload.Quote {
	switch {
	case svc.Verdict.Target == workload.ToContainer && strings.HasSuffix(svc.Verdict.On, "EKS"):
		return svc.Costs.EKS
	case svc.Verdict.Target == workload.ToContainer:
		return svc.Costs.Fargate
	}
	return svc.Costs.Lambda
}

func nearest(points []workload.Point, r float64) workload.Point {
	best := points[0]
	for _, p := range points {
		if math.Abs(math.Log(p.Rate/r)) < math.Abs(math.Log(best.Rate/r)) {
			best = p
		}
	}
	return best
}
