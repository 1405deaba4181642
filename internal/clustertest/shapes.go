package clustertest

import (
	"fmt"
	"time"
)

// plan decides what a cluster is made of; the same Spec gives the same.
func (s *Spec) plan() Made {
	if s.Hours == 0 {
		s.Hours = 168
	}
	if s.PerHour == 0 {
		s.PerHour = 8
	}
	if s.Until.IsZero() {
		s.Until = time.Now().UTC().Truncate(time.Hour)
	}
	if s.Prefix == "" {
		s.Prefix = "shop"
	}
	m := Made{From: s.Until.Add(-time.Duration(s.Hours) * time.Hour), Hours: s.Hours}
	shapes := Shapes()
	for i := range s.Topics {
		t := Topic{Shape: shapes[i%len(shapes)], Partitions: 1 + (i*7)%6, ValueBytes: 40 + 20*(i%10)}
		t.Name = fmt.Sprintf("%s.%s.%03d", s.Prefix, t.Shape, i)
		if t.Shape == Skewed {
			t.Partitions = 4
		}
		t.Counts = t.counts(m, s.PerHour)
		m.Topics = append(m.Topics, t)
	}
	kinds := Kinds()
	for i := range s.Groups {
		g := Group{Kind: kinds[i%len(kinds)], At: map[int32]int64{}}
		g.ID = fmt.Sprintf("%s.%s.%03d", s.Prefix, g.Kind, i)
		if g.Kind == Sink {
			g.ID = fmt.Sprintf("connect-%s-%03d", s.Prefix, i)
		}
		g.stand(m.Topics[i%len(m.Topics)], int64(i%7)*3)
		m.Groups = append(m.Groups, g)
	}
	return m
}

// counts deals the records of each hour out to partitions.
func (t Topic) counts(m Made, perHour int) [][]int {
	out := make([][]int, t.Partitions)
	for p := range out {
		out[p] = make([]int, m.Hours)
	}
	for h := range m.Hours {
		n := t.Shape.in(m.From.Add(time.Duration(h)*time.Hour), h, m.Hours) * perHour
		hot := 0
		if t.Shape == Skewed {
			hot = int(float64(n) * HotShare)
		}
		out[0][h] = hot
		for i := range n - hot {
			p := i % t.Partitions
			if t.Shape == Skewed && t.Partitions > 1 {
				p = 1 + i%(t.Partitions-1)
			}
			out[p][h]++
		}
	}
	return out
}

// in is how many times the steady number comes in an hour.
func (s Shape) in(hour time.Time, h, hours int) int {
	switch s {
	case Bursty:
		if h%6 == 0 {
			return 6
		}
		return 0
	case Idle:
		if h == hours/3 || h == hours/3+7 {
			return 1
		}
		return 0
	case Seasonal:
		weekend := hour.Weekday() == time.Saturday || hour.Weekday() == time.Sunday
		if !weekend && hour.Hour() >= 8 && hour.Hour() < 18 {
			return 2
		}
		return 0
	}
	return 1
}

// at is when the i-th of n records of an hour was written.
func (s Shape) at(hour time.Time, i, n int) time.Time {
	within := time.Hour
	if s == Bursty {
		within = 20 * time.Second
	}
	return hour.Add(time.Duration(i) * within / time.Duration(n))
}

// stand puts a group into a topic, so many records behind in each partition.
func (g *Group) stand(t Topic, behind int64) {
	g.Topic = t.Name
	if g.Kind == Outside || g.Kind == Connect {
		return
	}
	for p := range t.Counts {
		end := int64(t.In(p))
		at := max(0, end-behind)
		g.At[int32(p)] = at
		g.Lag += end - at
	}
}
