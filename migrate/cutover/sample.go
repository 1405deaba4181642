package cutover

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"gantry/kafka"
	"gantry/plan"
)

// Sample is how commits and ends moved while they were watched.
type Sample struct {
	Watched  time.Duration `json:"watchedNs"`
	Moves    int           `json:"moves"`      // of a partition's commit
	Interval time.Duration `json:"intervalNs"` // between two moves of a partition, the longest seen; 0 = none moved twice
	Step     plan.Offsets  `json:"step"`       // the largest move of each partition, in records
	Done     float64       `json:"done"`       // records committed a second
	Drain    float64       `json:"drain"`      // at most, between two moves
	Written  float64       `json:"written"`    // records written a second
	Coming   plan.Offsets  `json:"coming"`     // records written a second by partition, rounded up
	Lag      int64         `json:"lag"`
	Retained plan.Offsets  `json:"retained,omitempty"` // how far the start of a log moved
}

// LagTime is how old the lag is, at the rate at which records come.
func (s Sample) LagTime() time.Duration {
	if s.Written <= 0 {
		return 0
	}
	return time.Duration(float64(s.Lag) / s.Written * float64(time.Second))
}

type seen struct {
	at        time.Time
	committed plan.Offsets
	logs
}

// sample watches the old group. It changes nothing.
func (r *run) sample(ctx context.Context) (Sample, error) {
	var all []seen
	began := time.Now()
	for {
		s := seen{at: time.Now()}
		var err error
		if s.committed, err = r.committed(ctx, r.Plan.Service.Group); errors.Is(err, kafka.ErrPending) {
			err = nil // the preflight says so
		} else if err == nil {
			s.logs, err = r.logs(ctx)
			all = append(all, s)
		}
		if err != nil {
			return Sample{}, err
		}
		if time.Since(began) >= r.Timing.Sample {
			return measured(all), nil
		}
		if err := sleep(ctx, r.Timing.SampleEvery); err != nil {
			return Sample{}, err
		}
	}
}

func measured(all []seen) Sample {
	s := Sample{Step: plan.Offsets{}, Retained: plan.Offsets{}, Coming: plan.Offsets{}}
	if len(all) < 2 {
		return s
	}
	first, last := all[0], all[len(all)-1]
	s.Watched = last.at.Sub(first.at)
	moved := map[string]time.Time{}
	done := int64(0)
	for i, now := range all[1:] {
		before := all[i]
		each(now.committed, func(topic string, p int32, at int64) {
			was, ok := before.committed.At(topic, p)
			if !ok || at <= was {
				return
			}
			s.Moves++
			done += at - was
			most, _ := s.Step.At(topic, p)
			s.Step.Set(topic, p, max(most, at-was))
			if since, ok := moved[named(topic, p)]; ok {
				s.Interval = max(s.Interval, now.at.Sub(since))
			}
			moved[named(topic, p)] = now.at
		})
	}
	seconds := s.Watched.Seconds()
	s.Done, s.Written = float64(done)/seconds, float64(behind(first.end, last.end))/seconds
	s.Lag = behind(last.committed, last.end)
	s.Drain = max(s.Done, drain(all))
	each(last.end, func(topic string, p int32, e int64) {
		was, _ := first.end.At(topic, p)
		s.Coming.Set(topic, p, int64(math.Ceil(float64(e-was)/seconds)))
	})
	each(last.start, func(topic string, p int32, at int64) {
		if was, ok := first.start.At(topic, p); ok && at > was {
			s.Retained.Set(topic, p, at-was)
		}
	})
	return s
}

// drain is the highest rate of commits over a fifth of the sample.
func drain(all []seen) float64 {
	width := max(1, len(all)/5)
	best := 0.0
	for i := width; i < len(all); i++ {
		d := all[i].at.Sub(all[i-width].at).Seconds()
		best = max(best, float64(behind(all[i-width].committed, all[i].committed))/d)
	}
	return best
}

// longest is the largest step of any partition; 0 = none moved.
func (s Sample) longest() int64 {
	var most int64
	each(s.Step, func(_ string, _ int32, n int64) { most = max(most, n) })
	return most
}

// median of some times; they are not empty.
func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return (d[(len(d)-1)/2] + d[len(d)/2]) / 2
}
