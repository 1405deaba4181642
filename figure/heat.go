package figure

import (
	"fmt"
	"math"
)

// The heat map: seven days of 24 hours.
const (
	cellWidth         = 17
	cellStep          = 19
	heatLeft, heatTop = 34, 18
)

// Heat is the heat map of a week, for the template "heat".
type Heat struct {
	Label   string
	Cells   []Cell
	Days    []Mark
	Hours   []Mark
	Most    string // the darkest hour's amount
	Nothing bool   // no hour was measured
	Width   int
	Height  int
}

// Cell is one hour.
type Cell struct {
	X, Y    int
	Opacity string
	Class   string
	Title   string
}

// Mark is a word beside the cells.
type Mark struct {
	X, Y int
	Text string
}

func days() []string { return []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"} }

// NewHeat draws the hours of a week from Monday 00:00; less than 0 was not measured. say
// writes an amount.
func NewHeat(label string, hours []float64, say func(float64) string) Heat {
	h := Heat{Label: label, Width: heatLeft + 24*cellStep, Height: heatTop + 7*cellStep, Nothing: true}
	most := 0.0
	for _, v := range hours {
		most = math.Max(most, v)
		h.Nothing = h.Nothing && v < 0
	}
	h.Most = say(most)
	for i, v := range hours {
		day, hour := i/24, i%24
		c := Cell{X: heatLeft + hour*cellStep, Y: heatTop + day*cellStep, Class: "hot", Title: fmt.Sprintf("%s %02d:00 %s", days()[day], hour, say(v))}
		switch {
		case v < 0:
			c.Class, c.Title = "none", fmt.Sprintf("%s %02d:00 not measured", days()[day], hour)
		case v == 0:
			c.Class = "cold"
		default:
			c.Opacity = fmt.Sprintf("%.2f", 0.10+0.90*math.Sqrt(v/most))
		}
		h.Cells = append(h.Cells, c)
	}
	for i, d := range days() {
		h.Days = append(h.Days, Mark{X: heatLeft - 8, Y: heatTop + i*cellStep + 13, Text: d})
	}
	for hour := 0; hour < 24; hour += 3 {
		h.Hours = append(h.Hours, Mark{X: heatLeft + hour*cellStep + cellWidth/2, Y: heatTop - 6, Text: fmt.Sprintf("%02d", hour)})
	}
	return h
}
