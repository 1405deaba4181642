package report

import (
	"fmt"
	"math"
	"strings"
)

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
