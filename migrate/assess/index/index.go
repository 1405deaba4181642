// Package index turns what was measured of a service's topics into the numbers that decide
// where the service should run: how even, how bursty, how idle, how predictable the traffic
// is, and how much of it can be worked on at once. It is arithmetic on a Survey.
package index

import (
	"math"
	"slices"
	"time"

	"gantry/workload"
)

// Of gives the traffic of a group: everything but what depends on the time a record takes,
// which WithService adds.
func Of(s workload.Survey, g workload.Group) workload.Traffic {
	topics := read(s, g)
	loads := loads(topics)
	total := sum(loads)
	t := workload.Traffic{Rate: total, Loads: loads, Partitions: len(loads), Trusted: true, HourOfWeek: hourOfWeek(total)}
	for _, topic := range topics {
		t.Trusted = t.Trusted && topic.TimestampsSane
	}
	rates := rates(total)
	t.Days = float64(len(rates)) * total.Width.Hours() / 24
	if len(rates) > 0 {
		t.Mean, t.Peak = mean(rates), percentile(rates, 0.99)
		t.Low, t.High = usual(total)
		t.Idle, t.LongestIdle = idle(total)
		t.Regular = regular(total)
		t.Dispersion = dispersion(total)
	}
	if t.Mean > 0 {
		t.PeakToMean = t.Peak / t.Mean
	}
	t.Active, t.Hottest = hottest(loads)
	if t.Hottest > 0 {
		t.Parallel = math.Min(float64(t.Active), 1/t.Hottest)
	}
	sampled(&t, topics)
	return t
}

// WithService adds what follows from the time a record takes: by Little's law the records
// at work at once, and how far what the service was seen to do is above the peak.
func WithService(t workload.Traffic, perRecord time.Duration, g workload.Group) workload.Traffic {
	t.Busy, t.BusyPeak = t.Mean*perRecord.Seconds(), t.Peak*perRecord.Seconds()
	if g.Commits != nil && g.Commits.Drain > 0 && t.Peak > 0 {
		headroom := g.Commits.Drain / t.Peak
		t.Headroom = &headroom
	}
	return t
}

// read gives the topics of a group that the survey knows.
func read(s workload.Survey, g workload.Group) []workload.Topic {
	var found []workload.Topic
	for _, topic := range s.Topics {
		if slices.Contains(g.Topics, topic.Name) {
			found = append(found, topic)
		}
	}
	return found
}

// sampled adds what the records themselves showed, weighed by the topics' rates.
func sampled(t *workload.Traffic, topics []workload.Topic) {
	var weight, bytes, gaps, bursts float64
	for _, topic := range topics {
		sample := topic.Sample
		if sample == nil || sample.Records == 0 {
			continue
		}
		w := math.Max(total(topic.Rate), 1)
		weight, bytes = weight+w, bytes+w*sample.MeanBytes
		t.MaxBytes, t.BytesKnown = max(t.MaxBytes, sample.MaxBytes), true
		if a, ok := Burstiness(sample.Gaps); ok {
			gaps, bursts = gaps+w, bursts+w*a
		}
		keys(t, topic)
	}
	if weight > 0 {
		t.MeanBytes = bytes / weight
	}
	if gaps > 0 {
		a := bursts / gaps
		t.Burstiness = &a
	}
}

// keys takes over the keys of the topic with the most skew: that one bounds the service.
func keys(t *workload.Traffic, topic workload.Topic) {
	sample := topic.Sample
	if len(sample.TopKeys) == 0 || t.HotKey != nil && t.HotKey.Share >= sample.TopKeys[0].Share {
		return
	}
	gini, hot := sample.Gini, sample.TopKeys[0]
	t.Gini, t.HotKey, t.Keys, t.KeysOf = &gini, &hot, sample.TopKeys, topic.Name
	if hot.Share > 0 && t.Parallel > 0 {
		t.Parallel = math.Min(t.Parallel, 1/(hot.Share*share(topic, t)))
	}
}

// share is how much of a service's records a topic brings.
func share(topic workload.Topic, t *workload.Traffic) float64 {
	all, own := total(t.Rate), total(topic.Rate)
	if all <= 0 || own <= 0 {
		return 1
	}
	return math.Min(own/all, 1)
}
