package demo

import (
	"slices"
	"time"

	"gantry/engine"
	"gantry/pipeline"
	"gantry/record"
)

// sampler makes frames of what the engine shows. It is used by one goroutine.
type sampler struct {
	run     *run
	totals  map[string]*totals
	history []moment // the last two seconds, for rates
	rates   map[string][]float64
	ticks   int
}

// totals of one mapping. The engine counts anew when a pipeline starts again (a pause,
// a change): then what was counted before stays.
type totals struct {
	now, before tally
}

type tally struct {
	invoked, failed, filtered, delivered, dropped, invocations, polled int64
}

func (t *totals) update(c *pipeline.Counts) {
	next := tally{
		c.Invoked.Load(), c.FailedInvoke.Load(), c.FilteredOut.Load(), c.Delivered.Load(),
		c.Dropped.Load(), c.Invocations.Load(), c.Polled.Load(),
	}
	if next.polled < t.now.polled {
		t.before = t.before.plus(t.now)
	}
	t.now = next
}

func (t *totals) sum() tally { return t.before.plus(t.now) }

func (t tally) plus(o tally) tally {
	return tally{
		t.invoked + o.invoked, t.failed + o.failed, t.filtered + o.filtered, t.delivered + o.delivered,
		t.dropped + o.dropped, t.invocations + o.invocations, t.polled + o.polled,
	}
}

// processed are records that left the function without a failure, or are on their way.
func (t tally) processed() int64 { return max(0, t.invoked-t.failed) }

// retries are records that were sent again.
func (t tally) retries() int64 { return max(0, t.failed-t.delivered-t.dropped) }

// moment is what rates are made of.
type moment struct {
	at    time.Time
	value map[string]int64
}

const (
	rateOver     = 2 * time.Second
	historyEvery = 3 // ticks between two points of a topic's history
	historyLong  = 14
)

func newSampler(r *run) *sampler {
	return &sampler{run: r, totals: map[string]*totals{}, rates: map[string][]float64{}}
}

// frame looks at everything once.
func (s *sampler) frame(now time.Time) Frame {
	f := Frame{
		Elapsed: now.Sub(s.run.began), Limit: s.run.opts.For, Endpoint: s.run.opts.Endpoint, Notes: s.run.opts.Notes,
		Objects: s.run.opts.Bucket.objects.Load(), Stored: s.run.opts.Bucket.records.Load(),
	}
	running := map[string]engine.Running{}
	for _, r := range s.run.opts.Engine.Running() {
		running[r.UUID] = r
	}
	m := moment{now, map[string]int64{}}
	lags := map[record.Partition]int64{}
	for _, w := range s.run.watched {
		r, ok := running[w.uuid]
		f.Stages = append(f.Stages, s.stage(w, r, ok, lags))
	}
	for i := range f.Stages {
		m.value[f.Stages[i].Mapping] = f.Stages[i].Processed
		m.value["calls:"+f.Stages[i].Mapping] = s.total(f.Stages[i].Mapping).sum().invocations
	}
	f.Topics = s.topics(running, lags, m)
	s.remember(m)
	for i := range f.Stages {
		f.Stages[i].PerSecond = s.perSecond(f.Stages[i].Mapping)
		f.Stages[i].Calls = s.perSecond("calls:" + f.Stages[i].Mapping)
	}
	s.feed(&f)
	s.ticks++
	return f
}

func (s *sampler) total(mapping string) *totals {
	t := s.totals[mapping]
	if t == nil {
		t = &totals{}
		s.totals[mapping] = t
	}
	return t
}

func (s *sampler) stage(w *watched, r engine.Running, ok bool, lags map[record.Partition]int64) StageFrame {
	f := StageFrame{Mapping: w.stage.mapping, Label: w.stage.label, Effect: w.stage.effect, Topic: w.stage.topic, Running: ok}
	t := s.total(w.stage.mapping)
	if ok {
		t.update(r.Counts)
		f.Flying = r.Snapshot.Flying
		for _, l := range r.Snapshot.Lanes {
			lag := max(0, max(s.run.ledger.end(l.Partition), l.Tail)-max(l.Committed, 0))
			lags[l.Partition] = max(lags[l.Partition], lag)
			f.Lag += lag
		}
	} else if status := s.run.opts.Engine.Status(w.uuid); status.Detail != "" {
		f.Problem = status.Detail
	}
	sum := t.sum()
	f.Processed, f.Filtered, f.Retries, f.Dead = sum.processed(), sum.filtered, sum.retries(), sum.delivered
	return f
}

func (s *sampler) topics(running map[string]engine.Running, lags map[record.Partition]int64, m moment) []TopicFrame {
	ends := s.run.ledger.ends()
	for _, r := range running {
		for _, l := range r.Snapshot.Lanes {
			ends[l.Partition] = max(ends[l.Partition], l.Tail)
		}
	}
	var out []TopicFrame
	for _, name := range []string{ordersTopic, paymentsTopic, deadTopic} {
		t := TopicFrame{Name: name}
		for p, end := range ends {
			if p.Topic == name {
				t.Partitions = append(t.Partitions, PartitionFrame{p.Index, end, lags[p]})
				t.Records += end
			}
		}
		slices.SortFunc(t.Partitions, func(a, b PartitionFrame) int { return int(a.Index - b.Index) })
		m.value["topic:"+name] = t.Records
		t.PerSecond = s.perSecond("topic:" + name)
		if s.ticks%historyEvery == 0 {
			s.rates[name] = append(s.rates[name], t.PerSecond)
			s.rates[name] = s.rates[name][max(0, len(s.rates[name])-historyLong):]
		}
		t.History = slices.Clone(s.rates[name])
		out = append(out, t)
	}
	return out
}

// remember keeps the moments that rates are taken over.
func (s *sampler) remember(m moment) {
	s.history = append(s.history, m)
	for len(s.history) > 2 && m.at.Sub(s.history[1].at) >= rateOver {
		s.history = s.history[1:]
	}
}

func (s *sampler) perSecond(name string) float64 {
	if len(s.history) < 2 {
		return 0
	}
	first, last := s.history[0], s.history[len(s.history)-1]
	return max(0, float64(last.value[name]-first.value[name])/last.at.Sub(first.at).Seconds())
}

// feed chooses what is told of single batches: the newest, and those that failed.
func (s *sampler) feed(f *Frame) {
	for _, w := range s.run.watched {
		last, notable := w.recent()
		if last.At.After(f.Last.At) {
			f.Last = last
		}
		f.Notable = append(f.Notable, notable...)
	}
	slices.SortStableFunc(f.Notable, func(a, b BatchFrame) int { return b.At.Compare(a.At) })
	f.Notable = f.Notable[:min(len(f.Notable), maxNotable)]
}
