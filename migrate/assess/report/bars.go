package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gantry/figure"
	"gantry/workload"
)

const (
	mostBars      = 8
	barWidth      = 200.0
	intervalWidth = 130.0
	columnHeight  = 64.0
	mostColumns   = 48
)

// bar is a line of a bar chart.
type bar struct {
	Name  string
	Value string
	Width float64
}

func lagBars(s workload.Service) []bar {
	var out []bar
	most := int64(0)
	for _, l := range s.Lags {
		most = max(most, l.Records)
	}
	for _, l := range s.Lags[:min(len(s.Lags), mostBars)] {
		if l.Records <= 0 {
			break
		}
		value := figure.Number(l.Records)
		if !l.Committed {
			value += ", never committed"
		}
		out = append(out, bar{fmt.Sprintf("%s-%d", l.Topic, l.Partition), value, math.Max(1, barWidth*float64(l.Records)/float64(most))})
	}
	return out
}

func keyBars(keys []workload.KeyShare) []bar {
	var out []bar
	for _, k := range keys[:min(len(keys), mostBars)] {
		out = append(out, bar{k.Key, pct(k.Share), math.Max(1, barWidth*k.Share/keys[0].Share)})
	}
	return out
}

// column is a partition's share of the records.
type column struct {
	X, Y, Width, Height float64
	Even                float64 // percent that each would have
	Title               string
}

// shares are those of the partitions, the busiest first.
func shares(t workload.Traffic) []column {
	var all float64
	type part struct {
		index int
		sum   float64
	}
	parts := make([]part, len(t.Loads))
	for i, s := range t.Loads {
		parts[i].index = i
		for _, c := range s.Counts {
			parts[i].sum += c
		}
		all += parts[i].sum
	}
	if all == 0 {
		return nil
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Or(cmp.Compare(b.sum, a.sum), cmp.Compare(a.index, b.index)) })
	shown := parts[:min(len(parts), mostColumns)]
	step := math.Min(26, 320/float64(len(shown)))
	out := make([]column, len(shown))
	for i, p := range shown {
		h := math.Max(1, columnHeight*p.sum/parts[0].sum)
		out[i] = column{X: float64(i) * step, Y: columnHeight - h, Width: step * 0.8, Height: h, Even: 100 / float64(max(t.Active, 1)), Title: pct(p.sum / all)}
	}
	return out
}

// interval is an amount with its ends, on a scale that all services share.
type interval struct{ From, To, Mid float64 }

func newInterval(m workload.Money, most float64) *interval {
	if most <= 0 {
		return nil
	}
	s := scale{math.Min(0.1, most/2), most, 4, intervalWidth - 4}
	i := &interval{From: s.at(m.Low), To: s.at(m.High), Mid: s.at(m.Mid)}
	i.To = math.Max(i.To, i.From+1.5)
	return i
}
