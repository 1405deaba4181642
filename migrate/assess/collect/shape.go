package collect

import (
	"cmp"
	"math"
	"slices"

	"gantry/workload"
)

// each gives, for the partitions something was drawn of, what one drawn record stands for:
// a partition with ten times the records counts ten times, however many were drawn.
func (t *tally) each(weight map[int32]float64, do func(d *drawn, each float64)) (total float64) {
	for index, d := range t.partitions {
		if len(d.sizes) == 0 {
			continue
		}
		w := max(1, weight[index])
		total += w
		do(d, w/float64(len(d.sizes)))
	}
	return total
}

// sized is a size and how many records it stands for.
type sized struct {
	bytes int
	n     float64
}

func (t *tally) sizes(s *workload.Sample, weight map[int32]float64) {
	var all []sized
	var bytes float64
	total := t.each(weight, func(d *drawn, each float64) {
		for _, size := range d.sizes {
			all = append(all, sized{size, each})
			bytes += float64(size) * each
		}
	})
	slices.SortFunc(all, func(x, y sized) int { return cmp.Compare(x.bytes, y.bytes) })
	s.MeanBytes = bytes / total
	s.P50Bytes, s.P99Bytes, s.MaxBytes = quantile(all, total*0.5), quantile(all, total*0.99), all[len(all)-1].bytes
}

// quantile is the size below which so many records are.
func quantile(sorted []sized, below float64) int {
	for _, s := range sorted {
		if below -= s.n; below <= 1e-9 {
			return s.bytes
		}
	}
	return sorted[len(sorted)-1].bytes
}

func (t *tally) keys(s *workload.Sample, weight map[int32]float64) {
	counts := map[[8]byte]float64{}
	keyed := 0.0
	total := t.each(weight, func(d *drawn, each float64) {
		keyed += float64(d.keyed) * each
		for key, n := range d.keys {
			counts[key] += float64(n) * each
		}
	})
	s.Keyed, s.DistinctKeys = keyed/total, len(counts)
	if len(counts) == 0 {
		return
	}
	ranked := make([]workload.KeyShare, 0, len(counts))
	sizes := make([]float64, 0, len(counts))
	for key, n := range counts {
		ranked = append(ranked, workload.KeyShare{Key: t.name(key), Share: n / total})
		sizes = append(sizes, n)
	}
	slices.SortFunc(ranked, func(x, y workload.KeyShare) int {
		return cmp.Or(cmp.Compare(y.Share, x.Share), cmp.Compare(x.Key, y.Key))
	})
	s.TopKeys, s.Gini = ranked[:min(topKeys, len(ranked))], gini(sizes)
}

// gini is 0 where every key has as many records, and nears 1 where one has them all.
func gini(of []float64) float64 {
	slices.Sort(of)
	var sum, ranked float64
	for i, n := range of {
		sum += n
		ranked += float64(i+1) * n
	}
	n := float64(len(of))
	if sum == 0 || n < 2 {
		return 0
	}
	return max(0, 2*ranked/(n*sum)-(n+1)/n)
}

// gaps are the times between records of a partition. Partitions differ in how much they
// get, and that is no burst: the spread is taken about each one's own mean, and told about
// the mean of all.
func (t *tally) gaps() *workload.Gaps {
	var n int
	var seconds, spread float64
	for _, d := range t.partitions {
		if len(d.gaps) < 2 {
			continue
		}
		var sum float64
		for _, g := range d.gaps {
			sum += g
		}
		mean := sum / float64(len(d.gaps))
		n += len(d.gaps)
		seconds += sum
		if mean == 0 {
			continue
		}
		for _, g := range d.gaps {
			spread += (g/mean - 1) * (g/mean - 1)
		}
	}
	if n == 0 {
		return nil
	}
	mean := seconds / float64(n)
	return &workload.Gaps{Count: n, Mean: mean, Std: mean * math.Sqrt(spread/float64(n))}
}
