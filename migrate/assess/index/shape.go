package index

import (
	"maps"
	"math"
	"slices"
	"time"

	"gantry/workload"
)

// usual gives the 10th and the 90th percentile of the mean rate: of weeks that begin on any
// day, since a month has all days of the week; of days where there are less than two weeks;
// of buckets where there are few days.
func usual(s workload.Series) (low, high float64) {
	x := rates(s)
	if day := int(24 * time.Hour / s.Width); day > 0 {
		switch days := len(x) / day; {
		case days >= 14:
			x = sliding(x, 7*day, day)
		case days >= 4:
			x = sliding(x, day, day)
		}
	}
	return percentile(x, 0.1), percentile(x, 0.9)
}

// sliding gives the means of windows that begin step apart, the last one at the end.
func sliding(x []float64, size, step int) []float64 {
	var means []float64
	for at := len(x) - size; at >= 0; at -= step {
		means = append(means, mean(x[at:at+size]))
	}
	return means
}

// idle gives the share of buckets without a record, and the longest time of them on end.
func idle(s workload.Series) (share float64, longest workload.Seconds) {
	empty, run, most := 0, 0, 0
	for _, c := range s.Counts {
		if c > 0 {
			run = 0
			continue
		}
		empty++
		run++
		most = max(most, run)
	}
	return float64(empty) / float64(len(s.Counts)), workload.Seconds(float64(most) * s.Width.Seconds())
}

const hoursOfWeek = 168

// hourOf gives the hour of the week, Monday 00:00 UTC first.
func hourOf(t time.Time) int {
	t = t.UTC()
	return (int(t.Weekday())+6)%7*24 + t.Hour()
}

// hourOfWeek gives the mean rate of each hour of the week, -1 where nothing was measured.
func hourOfWeek(s workload.Series) []float64 {
	sums, counts := make([]float64, hoursOfWeek), make([]float64, hoursOfWeek)
	for i, c := range s.Counts {
		h := hourOf(s.From.Add(time.Duration(i) * s.Width))
		sums[h] += c / s.Width.Seconds()
		counts[h]++
	}
	for h := range sums {
		if counts[h] == 0 {
			sums[h] = -1
			continue
		}
		sums[h] /= counts[h]
	}
	return sums
}

// regular says how much of the variance the calendar explains, adjusted for the number of
// slots: a profile with one measurement a slot explains everything and says nothing. Two
// weeks show the hour of the week, three days the hour of the day.
func regular(s workload.Series) *workload.Regular {
	days := float64(len(s.Counts)) * s.Width.Hours() / 24
	switch {
	case s.Width > time.Hour || days < 3:
		return nil
	case days >= 14:
		return &workload.Regular{By: "hour of week", Explained: explained(s, hourOf)}
	default:
		return &workload.Regular{By: "hour of day", Explained: explained(s, func(t time.Time) int { return t.UTC().Hour() })}
	}
}

func explained(s workload.Series, slot func(time.Time) int) float64 {
	groups := map[int][]float64{}
	x := rates(s)
	for i := range x {
		h := slot(s.From.Add(time.Duration(i) * s.Width))
		groups[h] = append(groups[h], x[i])
	}
	all := variance(x) * float64(len(x))
	if all == 0 || len(x) <= len(groups) {
		return 1 // nothing goes up or down
	}
	var within float64
	for _, h := range slices.Sorted(maps.Keys(groups)) { // sums of floats depend on their order
		g := groups[h]
		within += variance(g) * float64(len(g))
	}
	n, k := float64(len(x)), float64(len(groups))
	return math.Max(0, 1-within/all*(n-1)/(n-k))
}

// Burstiness is Goh and Barabási's parameter with the correction for a finite number of
// events: -1 is a clock, 0 chance, 1 everything at once.
func Burstiness(g *workload.Gaps) (a float64, ok bool) {
	if g == nil || g.Count < 3 || g.Mean <= 0 {
		return 0, false
	}
	n := float64(g.Count)
	r := g.Std / g.Mean
	up, down := math.Sqrt(n+1), math.Sqrt(n-1)
	return (up*r - down) / ((up-2)*r + down), true
}

// fewestWindows are needed for a variance that means something.
const fewestWindows = 8

// dispersion gives variance over mean of the counts, for windows of 1, 2, 4, … buckets.
func dispersion(s workload.Series) []workload.Dispersion {
	var found []workload.Dispersion
	for size := 1; len(s.Counts)/size >= fewestWindows; size *= 2 {
		windows := make([]float64, len(s.Counts)/size)
		for i := range windows {
			for _, c := range s.Counts[i*size : (i+1)*size] {
				windows[i] += c
			}
		}
		if m := mean(windows); m > 0 {
			found = append(found, workload.Dispersion{Window: workload.Seconds(float64(size) * s.Width.Seconds()), Index: variance(windows) / m})
		}
	}
	return found
}
