// Package surveytest makes surveys of clusters that do not exist, with traffic of known
// shapes, for the tests of what is concluded from them. The same arguments give the same
// survey.
package surveytest

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"

	"gantry/workload"
)

// Begin is when all generated traffic begins: a Monday.
func Begin() time.Time { return time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC) }

// Shape gives a topic's rate in records per second, at an hour counted from Begin.
type Shape func(hour int) float64

// Steady is the same rate at every hour.
func Steady(rate float64) Shape { return func(int) float64 { return rate } }

// Office is traffic on weekdays from 8 to 18, the most at noon.
func Office(rate float64) Shape {
	return func(h int) float64 {
		day, hour := h/24%7, h%24
		if day >= 5 || hour < 8 || hour >= 18 {
			return 0
		}
		return rate * (0.6 + 0.4*math.Sin(math.Pi*float64(hour-8)/10))
	}
}

// Daily goes up and down with the day and is lower on weekends, with a little chance in it.
func Daily(low, high float64, seed uint64) Shape {
	dice := rand.New(rand.NewPCG(seed, 7))
	return func(h int) float64 {
		day, hour := h/24%7, h%24
		r := low + (high-low)*(0.5-0.5*math.Cos(2*math.Pi*float64(hour-3)/24))
		if day >= 5 {
			r *= 0.45
		}
		return r * (0.9 + 0.2*dice.Float64())
	}
}

// Bursts are stretches of hours at peak, at no regular time, and a little in between.
func Bursts(low, peak float64, seed uint64) Shape {
	dice := rand.New(rand.NewPCG(seed, 11))
	left := 0
	return func(int) float64 {
		if left == 0 && dice.Float64() < 0.02 {
			left = 1 + dice.IntN(4)
		}
		if left > 0 {
			left--
			return peak * (0.7 + 0.3*dice.Float64())
		}
		return low * 2 * dice.Float64()
	}
}

// Nightly is one hour at night, and nothing else.
func Nightly(rate float64) Shape {
	return func(h int) float64 {
		if h%24 == 2 {
			return rate
		}
		return 0
	}
}

// Topic describes a topic to make.
type Topic struct {
	Name       string
	Shape      Shape
	Partitions int
	Skew       float64 // 0 = even; the first partition gets this share
	Bytes      float64 // of a record
	Hot        float64 // share of the most frequent key
	Burst      float64 // std over mean of the gaps; 0 = 1, chance
	Unsampled  bool
}

// Group describes a group to make.
type Group struct {
	ID      string
	Reads   []string
	Class   workload.Class // "" = plain
	Members int
	Lag     int64
	Behind  time.Duration
	Drain   float64
	Static  bool
	KIP848  bool
}

// Make makes a survey.
func Make(days int, topics []Topic, groups []Group) workload.Survey {
	s := workload.Survey{
		Cluster: "onprem", ClusterID: "generated", Began: Begin().Add(time.Duration(days) * 24 * time.Hour),
		Requests: map[string]int{"ListOffsets": len(topics) * days, "Metadata": 1, "OffsetFetch": 60 * len(groups), "Fetch": len(topics)},
	}
	s.Ended = s.Began.Add(95 * time.Second)
	byName := map[string]workload.Topic{}
	for _, t := range topics {
		made := t.make(days)
		byName[t.Name] = made
		s.Topics = append(s.Topics, made)
	}
	for _, g := range groups {
		s.Groups = append(s.Groups, g.make(byName))
	}
	return s
}

func (t Topic) make(days int) workload.Topic {
	out := workload.Topic{
		Name: t.Name, Replicas: 3, Retention: 7 * 24 * time.Hour, ActiveWriters: 2, TimestampsSane: true,
		Rate: workload.Series{From: Begin(), Width: time.Hour, Counts: make([]float64, days*24)},
	}
	for h := range out.Rate.Counts {
		out.Rate.Counts[h] = math.Round(t.Shape(h) * 3600)
	}
	for i, share := range t.shares() {
		p := workload.Partition{ID: int32(i), Rate: workload.Series{From: Begin(), Width: time.Hour, Counts: make([]float64, days*24)}}
		for h, c := range out.Rate.Counts {
			p.Rate.Counts[h] = c * share
			p.End += int64(c * share)
		}
		out.Partitions = append(out.Partitions, p)
	}
	if !t.Unsampled {
		out.Sample = t.sample()
	}
	return out
}

func (t Topic) shares() []float64 {
	n := max(t.Partitions, 1)
	first := max(t.Skew, 1/float64(n))
	shares := make([]float64, n)
	for i := range shares {
		shares[i] = (1 - first) / float64(max(n-1, 1))
	}
	shares[0] = first
	return shares
}

func (t Topic) sample() *workload.Sample {
	size, burst := t.Bytes, t.Burst
	if size == 0 {
		size = 400
	}
	if burst == 0 {
		burst = 1
	}
	hot := max(t.Hot, 0.01)
	s := &workload.Sample{
		Records: 1000, MeanBytes: size, P50Bytes: int(size * 0.9), P99Bytes: int(size * 3), MaxBytes: int(size * 5), Compression: "lz4", Ratio: 2.4,
		Keyed: 1, DistinctKeys: 400, Gini: math.Min(0.95, 0.2+hot), Gaps: &workload.Gaps{Count: 1000, Mean: 1, Std: burst},
	}
	for i := range 12 {
		h := fnv.New32a()
		_, _ = fmt.Fprintf(h, "%s-%d", t.Name, i)
		s.TopKeys = append(s.TopKeys, workload.KeyShare{Key: fmt.Sprintf("%08x", h.Sum32()), Share: hot / float64(1+i)})
	}
	return s
}

func (g Group) make(topics map[string]workload.Topic) workload.Group {
	out := workload.Group{ID: g.ID, Type: "classic", State: "Stable", Protocol: "consumer", Assignor: "range", Class: g.Class, Topics: g.Reads, Lag: g.Lag}
	if g.KIP848 {
		out.Type, out.Assignor = "consumer", "uniform"
	}
	if out.Class == "" {
		out.Class, out.Why = workload.Plain, "members of the consumer protocol that commit"
	}
	for i := range g.Members {
		m := workload.Member{ID: fmt.Sprintf("consumer-%d", i), ClientID: g.ID, Host: fmt.Sprintf("/10.0.0.%d", i+1), Assigned: map[string][]int32{}}
		if g.Static {
			m.InstanceID = fmt.Sprintf("%s-%d", g.ID, i)
		}
		out.Members = append(out.Members, m)
	}
	n, rate := 0, 0.0
	for _, name := range g.Reads {
		t := topics[name]
		for _, p := range t.Partitions {
			lag := int64(0)
			if n == 0 {
				lag = g.Lag * 6 / 10
			} else if n < 5 {
				lag = g.Lag / 10
			}
			out.Positions = append(out.Positions, workload.Position{Topic: name, Partition: p.ID, Start: p.Start, End: p.End, Committed: p.End - lag})
			if g.Members > 0 {
				a := out.Members[n%g.Members].Assigned
				a[name] = append(a[name], p.ID)
			}
			n++
		}
		for _, c := range t.Rate.Counts {
			rate += c / 3600 / float64(len(t.Rate.Counts))
		}
	}
	out.LagTime = workload.Duration{Known: true, Value: g.Behind}
	if g.Members > 0 {
		out.Commits = &workload.Cadence{Watched: time.Minute, Interval: 5 * time.Second, Step: rate * 5, Rate: rate, Drain: g.Drain}
	}
	return out
}
