package verdict

import (
	"fmt"
	"slices"
	"time"

	"gantry/workload"
)

const (
	hotShare   = 0.5
	slowBurst  = 300 // seconds
	longBehind = 10 * time.Minute
	burstyFrom = 0.3
)

// cautions decide nothing; a person should look at them.
func cautions() []rule { return slices.Concat(runningCautions(), movingCautions()) }

// runningCautions are about the service as it runs.
func runningCautions() []rule {
	return []rule{
		{"it is behind", workload.Caution, func(c Case) finding {
			saw := fmt.Sprintf("%d records behind", c.Lag)
			if c.LagTime.Known && c.Lag > 0 {
				saw += ", the oldest " + c.LagTime.Value.Round(time.Second).String() + " old"
			}
			if c.LagTime.Known && c.LagTime.Value > longBehind {
				return fired("", "%s: move it when it has caught up", saw)
			}
			return silent("%s", saw)
		}},
		{"it is at its limit", workload.Caution, func(c Case) finding {
			h := c.Traffic.Headroom
			switch {
			case h == nil:
				return unasked("it was never seen to work off a backlog")
			case *h < saturated:
				return fired("", "it was seen to do %.1f times the peak: it may hold traffic back, so size by what is written, not by what it read", *h)
			}
			return silent("it was seen to do %.1f times the peak", *h)
		}},
		{"one key or partition bounds everything", workload.Caution, func(c Case) finding {
			saw := fmt.Sprintf("the busiest of %d partitions has %.0f %%", c.Traffic.Active, 100*c.Traffic.Hottest)
			if k := c.Traffic.HotKey; k != nil {
				saw += fmt.Sprintf(", the most frequent key of %s %.0f %%", c.Traffic.KeysOf, 100*k.Share)
			}
			if c.Traffic.Active > 1 && c.Traffic.Hottest > hotShare || c.Traffic.HotKey != nil && c.Traffic.HotKey.Share > hotShare {
				return fired("", "%s: no target does more than %.1f records at once, in order", saw, c.Traffic.Parallel)
			}
			return silent("%s", saw)
		}},
		{"members without work", workload.Caution, func(c Case) finding {
			if c.Idlers > 0 {
				return fired("", "%d of %d members have no partition", c.Idlers, c.Members)
			}
			return silent("%d members, each with partitions", c.Members)
		}},
		{"bursts", workload.Caution, bursts},
	}
}

// movingCautions are about what it would be.
func movingCautions() []rule {
	return []rule{
		{"a burst waits while pollers scale up", workload.Caution, func(c Case) finding {
			if c.Costs.BurstDelay > slowBurst {
				return fired("", "on-demand pollers take about 3 minutes: a burst at the peak is worked off %s later", hours(c.Costs.BurstDelay))
			}
			return silent("a burst at the peak is worked off within %s", hours(c.Costs.BurstDelay))
		}},
		{"the high end is too much", workload.Caution, func(c Case) finding {
			if s := c.Costs.Lambda.Strained; s != "" {
				return fired("", "with half as much time again for a record, on a busy day: %s", s)
			}
			return silent("Lambda keeps up at the high end too")
		}},
		{"what it writes is not known", workload.Caution, func(c Case) finding {
			if !c.Facts.Writes.Known() {
				return fired("", "nobody said what it writes (writes): its place in the order rests on what it reads alone")
			}
			if c.Facts.Writes.From == workload.Manifest {
				return fired("", "its manifest names %s, which it does not read: taken for what it writes", list(c.Facts.Writes.Value))
			}
			return silent("it writes %s", orNothing(c.Facts.Writes.Value))
		}},
		{"stopping takes longer than ECS waits", workload.Caution, func(c Case) finding {
			f := c.Facts
			batch := f.PerInvocation.Value + time.Duration(c.Costs.BatchLimit)*f.PerRecord.Value
			if batch > 2*time.Minute {
				return fired("", "a full batch takes %s; ECS kills a task 2 minutes after asking it to stop, so every deploy repeats records", batch.Round(time.Second))
			}
			return silent("a full batch takes %s", batch.Round(time.Millisecond))
		}},
	}
}

func bursts(c Case) finding {
	t := c.Traffic
	saw := fmt.Sprintf("peak %.1f times the mean", t.PeakToMean)
	burst := t.PeakToMean > 5
	if t.Burstiness != nil {
		saw += fmt.Sprintf(", burstiness %.2f", *t.Burstiness)
		burst = burst || *t.Burstiness > burstyFrom
	}
	if d := dispersion(t.Dispersion); d != nil {
		saw += fmt.Sprintf(", dispersion %.0f in windows of %s", d.Index, hours(d.Window))
	}
	if burst {
		return fired("", "%s", saw)
	}
	return silent("%s", saw)
}

// dispersion is that of the longest window up to an hour: in longer ones the day itself
// is a burst.
func dispersion(all []workload.Dispersion) *workload.Dispersion {
	var found *workload.Dispersion
	for i, d := range all {
		if i == 0 || d.Window <= 3600 {
			found = &all[i]
		}
	}
	return found
}

func orNothing(topics []string) string {
	if len(topics) == 0 {
		return "nothing"
	}
	return list(topics)
}

func hours(s workload.Seconds) string {
	d := time.Duration(float64(s) * float64(time.Second))
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%.1f days", d.Hours()/24)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	case d >= 2*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d >= time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return d.Round(time.Millisecond).String()
}

func rate(r float64) string {
	switch {
	case r >= 100:
		return fmt.Sprintf("%.0f", r)
	case r >= 1:
		return fmt.Sprintf("%.1f", r)
	}
	return fmt.Sprintf("%.2g", r)
}
