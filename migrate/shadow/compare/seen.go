package compare

import (
	"time"

	"gantry/plan"
)

// keys counts distinct keys, up to a number.
type keys struct {
	set  map[uint64]struct{}
	most int
}

func (k *keys) add(name uint64) {
	if len(k.set) >= k.most {
		return
	}
	if k.set == nil {
		k.set = map[uint64]struct{}{}
	}
	k.set[name] = struct{}{}
}

func (k *keys) merge(other *keys) {
	for name := range other.set {
		k.add(name)
	}
}

// MostKeys is how many distinct keys are told apart, if no gate asks for more: a count of as
// many means at least so many.
const MostKeys = 100_000

// beyondGates bounds what a gate can ask for.
const beyondGates = 10_000_000

func keysToCount(g plan.Gates) int { return max(MostKeys, min(g.Keys, beyondGates)) }

// seen is what the comparison saw of the service's life, over all topics.
type seen struct {
	keys  keys
	hours [7 * 24]int64
	parts map[string]map[int32]bool
	until time.Time
}

func (s *seen) add(it *item, name uint64, old bool) {
	s.keys.add(name)
	s.hours[hourOfWeek(it.At)]++
	if it.At.After(s.until) {
		s.until = it.At
	}
	if !old {
		return // its partition is one of the shadow topic
	}
	parts := s.parts[it.Topic]
	if parts == nil {
		parts = map[int32]bool{}
		s.parts[it.Topic] = parts
	}
	parts[it.Partition] = true
}

// hourOfWeek counts from Monday 00:00 UTC.
func hourOfWeek(t time.Time) int {
	const week, monday = 7 * 24, 4 * 24 // 1 January 1970 was a Thursday: the first Monday came 4 days later
	hours := t.Unix() / 3600
	if t.Unix()%3600 < 0 {
		hours--
	}
	return int(((hours-monday)%week + week) % week)
}

func (s *seen) coverage() plan.Coverage {
	c := plan.Coverage{Keys: len(s.keys.set), HoursOfWeek: s.hours, Partitions: map[string]int{}}
	for topic, parts := range s.parts {
		c.Partitions[topic] = len(parts)
	}
	return c
}
