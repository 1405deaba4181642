// Package collect reads a cluster into a workload.Survey: topics with their rates, sizes
// and keys, consumer groups with their members, positions and pace.
//
// It only asks. No group is joined, nothing is committed, no topic comes to be, and how
// much is asked in a second is bounded, so that it can be let loose on a cluster in use.
// Estimate says beforehand what Run will ask and how long that takes.
//
// Rates come from offsets looked up by timestamp. All partitions are asked about one edge
// of a bucket at a time, halving the time between two edges: where the offset is the same
// at both ends nothing was written in between and nothing more is asked. So an idle topic
// costs three lookups a partition and a busy one as many as there are edges. Partitions
// that fit into their sample are read whole instead.
//
// What may not be seen, what went away meanwhile and what cannot be trusted is said among
// the caveats; it is never filled in.
package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"gantry/kafka"
	"gantry/workload"
)

// Options say how much is asked. The zero value is the full pass.
type Options struct {
	Name  string // of the cluster, for the Survey
	Quick bool   // offsets, groups and 24 hourly buckets; nothing of records is kept

	Buckets int           // 0 = 168, or 24 in a quick pass
	Width   time.Duration // of a bucket; 0 = an hour

	SampleRecords *int           // of each partition; nil = 1000, or none in a quick pass
	SampleBytes   int            // of each partition; 0 = 256 KiB
	WatchFor      *time.Duration // how long commits and ends are watched; nil = 60 s, or 10 s in a quick pass
	ShowKeys      bool           // as they are; otherwise a hash with a salt that is thrown away

	LeaveOutTopics []string // patterns as of a shell: dev-*
	LeaveOutGroups []string

	Pace     *kafka.Pace    // nil = DefaultPace
	Progress func(Progress) // hears how far it is; it must not block
}

// Progress is how far a survey is.
type Progress struct {
	Step        string
	Done, Total int
}

// Limits that keep a mistake from becoming a load.
const (
	mostBuckets       = 10_080 // a week of minutes
	mostSampleRecords = 100_000
	mostSampleBytes   = 64 << 20
)

// DefaultPace keeps the full pass under two hundredths of a core of each broker; a quick
// pass is over sooner and takes more. docs/decisions/2026-11-30-assess-collect.md has the figures.
func DefaultPace(quick bool) kafka.Pace {
	if quick {
		return kafka.Pace{Requests: 400, Partitions: 4000, Bytes: 32e6}
	}
	return kafka.Pace{Requests: 50, Partitions: 400, Bytes: 4e6, Share: 0.015}
}

// settings are Options with everything decided.
type settings struct {
	Options
	buckets, records, bytes int
	width, watch            time.Duration
	pace                    kafka.Pace
}

// decide fills in what was not given and names every fault.
func (o Options) decide() (settings, error) {
	s := settings{Options: o, buckets: 168, records: 1000, watch: time.Minute, pace: DefaultPace(o.Quick)}
	if o.Quick {
		s.buckets, s.records, s.watch = 24, 0, 10*time.Second
	}
	s.buckets, s.width, s.bytes = cmp.Or(o.Buckets, s.buckets), cmp.Or(o.Width, time.Hour), cmp.Or(o.SampleBytes, 256<<10)
	if o.SampleRecords != nil {
		s.records = *o.SampleRecords
	}
	if o.WatchFor != nil {
		s.watch = *o.WatchFor
	}
	if o.Pace != nil {
		s.pace = *o.Pace
	}
	return s, s.faults()
}

func (s settings) faults() error {
	var errs []error
	within := func(what string, n, least, most int) {
		if n < least || n > most {
			errs = append(errs, fmt.Errorf("%s: %d is not within %d to %d", what, n, least, most))
		}
	}
	within("buckets", s.buckets, 1, mostBuckets)
	within("records sampled of a partition", s.records, 0, mostSampleRecords)
	within("bytes sampled of a partition", s.bytes, 1, mostSampleBytes)
	if s.width < time.Second {
		errs = append(errs, fmt.Errorf("width of a bucket: %s is under a second", s.width))
	}
	if s.watch < 0 || s.watch > 24*time.Hour {
		errs = append(errs, fmt.Errorf("time to watch: %s is not within 0 to 24h", s.watch))
	}
	if s.pace.Requests <= 0 || s.pace.Partitions <= 0 || s.pace.Bytes <= 0 {
		errs = append(errs, fmt.Errorf("pace: requests, lookups and bytes a second must all be above 0, not %v, %v and %v",
			s.pace.Requests, s.pace.Partitions, s.pace.Bytes))
	}
	if s.pace.Share < 0 || s.pace.Share > 1 {
		errs = append(errs, fmt.Errorf("pace: a share of %v of a core is not within 0 to 1", s.pace.Share))
	}
	for _, patterns := range [][]string{s.LeaveOutTopics, s.LeaveOutGroups} {
		for _, p := range patterns {
			if _, err := path.Match(p, ""); err != nil {
				errs = append(errs, fmt.Errorf("pattern %q: %w", p, err))
			}
		}
	}
	return errors.Join(errs...)
}

// matches says whether a name is left out.
func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, name); ok && err == nil {
			return true
		}
	}
	return false
}

// Run surveys a cluster. An error means that there is no survey: the cluster could not be
// reached, ctx ended, or the options have faults, each of which is named.
func Run(ctx context.Context, c kafka.Cluster, o Options) (workload.Survey, error) {
	s, err := o.decide()
	if err != nil {
		return workload.Survey{}, fmt.Errorf("survey the cluster: %w", err)
	}
	client, err := kafka.OpenSurveyor(c, s.pace)
	if err != nil {
		return workload.Survey{}, fmt.Errorf("survey the cluster: %w", err)
	}
	defer client.Close()
	r := newReading(client, s)
	if err := r.all(ctx); err != nil {
		return workload.Survey{}, fmt.Errorf("survey the cluster: %w", err)
	}
	return r.survey(), nil
}
