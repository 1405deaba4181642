package cost

import (
	"fmt"
	"math"

	"gantry/workload"
)

// size is a size Fargate sells: a number of vCPUs and the memory it may have.
type size struct{ cpu, least, most, step float64 }

func sizes() []size {
	return []size{{0.25, 0.5, 2, 0.5}, {0.5, 1, 4, 1}, {1, 2, 8, 1}, {2, 4, 16, 1}, {4, 8, 30, 1}, {8, 16, 60, 4}, {16, 32, 120, 8}}
}

// taskSize is the smallest task with the CPU and the memory a service needs.
func taskSize(f workload.Facts) (cpu, gb float64) {
	need := float64(f.MemoryMB.Value) / 1024
	all := sizes()
	for _, s := range all {
		if s.cpu < f.CPU.Value || s.most < need {
			continue
		}
		if need <= s.least || s.cpu == 0.25 && need <= 1 {
			return s.cpu, math.Max(s.least, math.Ceil(need/s.step)*s.step)
		}
		return s.cpu, math.Min(s.most, s.least+math.Ceil((need-s.least)/s.step)*s.step)
	}
	last := all[len(all)-1]
	return last.cpu, last.most
}

func (w work) taskHour() float64 {
	return w.cpu*w.prices.of(fargateCPU) + w.memory*w.prices.of(fargateGB)
}

// wanted is how many tasks a rate keeps busy, before there is a whole number of them.
func (w work) wanted(rate float64, e end) float64 {
	return rate * w.recordTime(e) / (w.Facts.Parallel.Value * w.Platform.Utilisation.Value)
}

// tasks run all the time: enough for the peak, never less than the minimum, and never more
// than the partitions with traffic, as the others would have nothing to do.
func (w work) tasks(e end) int {
	return max(w.Facts.MinTasks.Value, min(w.whole(w.Traffic.Peak*e.rate, e), max(len(w.loads), 1)))
}

func (w work) whole(rate float64, e end) int { return int(math.Ceil(w.wanted(rate, e) - 1e-9)) }

func (w work) fargate(e end) sum {
	tasks := w.tasks(e)
	return sum{
		items: []workload.Item{{
			What: "tasks", Amount: float64(tasks) * hoursPerMonth * w.taskHour(),
			How: fmt.Sprintf("%d of %g vCPU and %g GB, all the time", tasks, w.cpu, w.memory),
		}},
		stuck: w.behindForEver(e), strained: w.behindAtPeak(e),
	}
}

// behindForEver says why one container for each partition with traffic is not enough for
// the mean.
func (w work) behindForEver(e end) string {
	busy := w.Traffic.Mean * e.rate * w.recordTime(e) / w.Facts.Parallel.Value
	if busy <= float64(len(w.loads)) {
		return ""
	}
	return fmt.Sprintf("on average %.1f containers are busy, and only %d partitions have traffic", busy, len(w.loads))
}

// behindAtPeak says why it isn't for the peak.
func (w work) behindAtPeak(e end) string {
	wanted := w.whole(w.Traffic.Peak*e.rate, e)
	if len(w.loads) == 0 || wanted <= len(w.loads) {
		return ""
	}
	return fmt.Sprintf("the peak wants %d containers, and only %d partitions have traffic: it falls behind until the peak is over", wanted, len(w.loads))
}

// eks are pods that KEDA starts and stops by the lag, and a share of the cluster.
func (w work) eks(e end) sum {
	hours := w.podHours(e)
	share := float64(max(w.Platform.EKSShare.Value, 1))
	return sum{
		items: []workload.Item{
			{What: "share of the cluster", Amount: hoursPerMonth * w.prices.of(eksCluster) / share, How: shared(share)},
			{
				What: "pods", Amount: hours * (w.cpu*w.prices.of(eksCPU) + w.memory*w.prices.of(eksGB)),
				How: fmt.Sprintf("%s pod hours, none while there is nothing to do", count(hours)),
			},
		},
		stuck: w.behindForEver(e), strained: w.behindAtPeak(e),
	}
}

func shared(by float64) string {
	if by == 1 {
		return "all of it: nobody is known to share it (eksServices)"
	}
	return fmt.Sprintf("one of %.0f services on it", by)
}

func (w work) podHours(e end) float64 {
	s := w.Traffic.Rate
	if len(s.Counts) == 0 || s.Width <= 0 {
		return 0
	}
	var seconds float64
	running := false
	for _, c := range s.Counts {
		if c*e.rate <= 0 {
			if running {
				seconds += math.Min(cooldown, s.Width.Seconds())
			}
			running = false
			continue
		}
		running = true
		seconds += s.Width.Seconds() * float64(max(1, min(w.whole(c/s.Width.Seconds()*e.rate, e), len(w.loads))))
	}
	return seconds / 3600 * hoursPerMonth / (s.Width.Hours() * float64(len(s.Counts)))
}
