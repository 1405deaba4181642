package index

import (
	"math"
	"slices"
	"time"

	"gantry/workload"
)

// loads gives the series of every partition, all with the same buckets. Where only the
// topic was counted its records are dealt out by what the partitions hold.
func loads(topics []workload.Topic) []workload.Series {
	var found []workload.Series
	for _, t := range topics {
		found = append(found, partitions(t)...)
	}
	var width time.Duration
	for _, s := range found {
		width = max(width, s.Width)
	}
	return aligned(found, width)
}

func partitions(t workload.Topic) []workload.Series {
	var held float64
	counted := false
	for _, p := range t.Partitions {
		held += float64(p.End - p.Start)
		counted = counted || len(p.Rate.Counts) > 0
	}
	out := make([]workload.Series, len(t.Partitions))
	for i, p := range t.Partitions {
		switch {
		case counted && len(p.Rate.Counts) > 0:
			out[i] = p.Rate
		case counted:
			out[i] = scaled(t.Rate, 0)
		case held > 0:
			out[i] = scaled(t.Rate, float64(p.End-p.Start)/held)
		default:
			out[i] = scaled(t.Rate, 1/float64(len(t.Partitions)))
		}
	}
	return out
}

func scaled(s workload.Series, by float64) workload.Series {
	counts := make([]float64, len(s.Counts))
	for i, c := range s.Counts {
		counts[i] = c * by
	}
	return workload.Series{From: s.From, Width: s.Width, Counts: counts}
}

// mostBuckets is more than a survey asks for.
const mostBuckets = 1 << 14

// mostRecords is what Kafka's offsets can count.
const mostRecords = 1 << 62

// aligned gives all series the same buckets: the coarsest width, from the first bucket of
// any to the last.
func aligned(all []workload.Series, width time.Duration) []workload.Series {
	if width <= 0 {
		return make([]workload.Series, len(all)) // nothing was counted
	}
	var from, to time.Time
	some := false
	for _, s := range all {
		if len(s.Counts) == 0 {
			continue
		}
		end := s.From.Add(time.Duration(len(s.Counts)) * s.Width)
		if !some || s.From.Before(from) {
			from = s.From
		}
		if !some || end.After(to) {
			to = end
		}
		some = true
	}
	n := int((to.Sub(from) + width - 1) / width)
	if n < 0 || n > mostBuckets {
		return make([]workload.Series, len(all)) // no survey of one cluster
	}
	out := make([]workload.Series, len(all))
	for i, s := range all {
		out[i] = workload.Series{From: from, Width: width, Counts: make([]float64, n)}
		if lasted := time.Duration(len(s.Counts)) * s.Width; lasted > 0 && lasted < width {
			fill(out[i].Counts, total(s)*float64(width)/float64(lasted))
			continue
		}
		for j, c := range s.Counts {
			at := int(s.From.Add(time.Duration(j)*s.Width).Sub(from) / width)
			out[i].Counts[min(max(at, 0), n-1)] += math.Min(math.Max(c, 0), mostRecords)
		}
	}
	return out
}

// fill gives every bucket the same count: a rate that was watched for a minute, because
// timestamps say nothing, is taken for that of all the time.
func fill(counts []float64, c float64) {
	for i := range counts {
		counts[i] = math.Min(math.Max(c, 0), mostRecords)
	}
}

func sum(all []workload.Series) workload.Series {
	var out workload.Series
	for _, s := range all {
		if out.Counts == nil {
			out = workload.Series{From: s.From, Width: s.Width, Counts: make([]float64, len(s.Counts))}
		}
		for i, c := range s.Counts {
			out.Counts[i] += c
		}
	}
	return out
}

func total(s workload.Series) float64 {
	var sum float64
	for _, c := range s.Counts {
		sum += c
	}
	return sum
}

// rates are records per second, one for each bucket.
func rates(s workload.Series) []float64 {
	out := make([]float64, len(s.Counts))
	for i, c := range s.Counts {
		out[i] = c / s.Width.Seconds()
	}
	return out
}

func mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

func variance(x []float64) float64 {
	m, sum := mean(x), 0.0
	for _, v := range x {
		sum += (v - m) * (v - m)
	}
	return sum / float64(len(x))
}

// percentile is the smallest value that p of all do not pass.
func percentile(x []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(x))
	return sorted[min(max(int(math.Ceil(p*float64(len(sorted))))-1, 0), len(sorted)-1)]
}

// hottest counts the partitions with traffic and gives the share of the busiest.
func hottest(loads []workload.Series) (active int, share float64) {
	var all, most float64
	for _, s := range loads {
		sum := total(s)
		all, most = all+sum, math.Max(most, sum)
		if sum > 0 {
			active++
		}
	}
	if all > 0 {
		share = most / all
	}
	return active, share
}
