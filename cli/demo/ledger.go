package demo

import (
	"sync"

	"gantry/record"
)

// ledger is the producer's own record of what it wrote: the fact behind each position.
// It is what the summary compares everything with.
type ledger struct {
	mu     sync.Mutex
	facts  map[record.Partition][]written
	counts map[string]int64
}

// written is one offset; ours is false for records that somebody else wrote there.
type written struct {
	fact
	ours bool
}

func newLedger() *ledger {
	return &ledger{facts: map[record.Partition][]written{}, counts: map[string]int64{}}
}

// note keeps the fact of a record that its broker has acknowledged.
func (l *ledger) note(at record.Position, f fact) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := record.Partition{Topic: at.Topic, Index: at.Partition}
	list := l.facts[p]
	for int64(len(list)) <= at.Offset {
		list = append(list, written{})
	}
	list[at.Offset] = written{f, true}
	l.facts[p] = list
	l.counts[at.Topic]++
}

// count is the number of records written to a topic.
func (l *ledger) count(topic string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts[topic]
}

// end is the offset behind the last record written to a partition.
func (l *ledger) end(p record.Partition) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.facts[p]))
}

// ends are the offsets behind the last record written to each partition.
func (l *ledger) ends() map[record.Partition]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[record.Partition]int64{}
	for p, list := range l.facts {
		out[p] = int64(len(list))
	}
	return out
}

// each goes through every record written to a topic.
func (l *ledger) each(topic string, do func(record.Position, fact)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, list := range l.facts {
		if p.Topic != topic {
			continue
		}
		for offset, w := range list {
			if w.ours {
				do(record.Position{Topic: topic, Partition: p.Index, Offset: int64(offset)}, w.fact)
			}
		}
	}
}
