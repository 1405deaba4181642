package report

import (
	"fmt"
	"math"
	"strings"
)

// The heat map: seven days of 24 hours.
const (
	cellWidth, cellHeight = 17, 17
	cellStep              = 19
	heatLeft, heatTop     = 34, 18
)

type heat struct {
	Cells   []cell
	Days    []mark
	Hours   []mark
	Most    string
	Nothing bool
	Width   int
	Height  int
}

type cell struct {
	X, Y    int
	Opacity string
	Class   string
	Title   string
}

type mark struct {
	X, Y int
	Text string
}

func days() []string { return []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"} }

func newHeat(hours []float64) heat {
	h := heat{Width: heatLeft + 24*cellStep, Height: heatTop + 7*cellStep, Nothing: true}
	most := 0.0
	for _, v := range hours {
		most = math.Max(most, v)
		h.Nothing = h.Nothing && v < 0
	}
	h.Most = rate(most)
	for i, v := range hours {
		day, hour := i/24, i%24
		c := cell{X: heatLeft + hour*cellStep, Y: heatTop + day*cellStep, Class: "hot", Title: fmt.Sprintf("%s %02d:00 %s", days()[day], hour, rate(v))}
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
		h.Days = append(h.Days, mark{X: heatLeft - 8, Y: heatTop + i*cellStep + 13, Text: d})
	}
	for hour := 0; hour < 24; hour += 3 {
		h.Hours = append(h.Hours, mark{X: heatLeft + hour*cellStep + cellWidth/2, Y: heatTop - 6, Text: fmt.Sprintf("%02d", hour)})
	}
	return h
}

const sparkWidth, sparkHeight = 112.0, 26.0

// spark is the week as an area: the same figures as the heat map, small.
func spark(hours []float64) string {
	most := 0.0
	for _, v := range hours {
		most = math.Max(most, v)
	}
	if most <= 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "M0 %.1f", sparkHeight)
	for i, v := range hours {
		fmt.Fprintf(&b, "L%.1f %.1f", float64(i)*sparkWidth/float64(len(hours)-1), sparkHeight-1-math.Max(v, 0)/most*(sparkHeight-3))
	}
	fmt.Fprintf(&b, "L%.1f %.1fZ", sparkWidth, sparkHeight)
	return b.String()
}
