package cost

import (
	"math"

	"gantry/workload"
)

// The curve goes from a hundredth of today's traffic to a hundred times as much.
const (
	curveDecades   = 2
	stepsPerDecade = 10
)

// curve prices the service with more and less traffic of the same shape.
func (w work) curve() []workload.Point {
	if w.Traffic.Mean <= 0 {
		return nil
	}
	var points []workload.Point
	for i := -curveDecades * stepsPerDecade; i <= curveDecades*stepsPerDecade; i++ {
		points = append(points, w.point(math.Pow(10, float64(i)/stepsPerDecade)))
	}
	return points
}

func (w work) point(factor float64) workload.Point {
	e := end{rate: factor, time: 1}
	amount := func(s sum) float64 {
		if s.stuck != "" {
			return -1
		}
		return s.total()
	}
	return workload.Point{
		Rate: w.Traffic.Mean * factor, Lambda: amount(w.lambda(e)), Fargate: amount(w.fargate(e)), EKS: amount(w.eks(e)),
	}
}

// cross finds the lowest rate from which Lambda costs more than Fargate. Where Lambda can't
// keep up before that, they do not cross.
func (w work) cross(points []workload.Point) float64 {
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		if a.Lambda < 0 || b.Lambda < 0 || a.Fargate < 0 || b.Fargate < 0 {
			continue
		}
		if a.Lambda <= a.Fargate && b.Lambda > b.Fargate {
			return w.between(a.Rate, b.Rate)
		}
	}
	return 0
}

func (w work) between(low, high float64) float64 {
	for range 30 {
		mid := math.Sqrt(low * high)
		p := w.point(mid / w.Traffic.Mean)
		if p.Lambda >= 0 && p.Lambda <= p.Fargate {
			low = mid
		} else {
			high = mid
		}
	}
	return math.Sqrt(low * high)
}
