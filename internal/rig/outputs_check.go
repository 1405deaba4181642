package rig

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/mapping"
)

// CheckOutputs holds the topics of the answers, as a reader of committed records finds
// them, against what is owed: everything there, in order per key; exactly says that each
// record ended in one place, once. Call it when everything is settled.
func (r *Rig) CheckOutputs(t testing.TB, exactly bool) {
	t.Helper()
	count, place := map[string]int{}, map[string]int{}
	for n, rec := range r.readAll(t) { // a partition's records come in order
		name := nameOf(rec)
		if count[name]++; count[name] == 1 {
			place[name] = n
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for partition, entries := range r.parts {
		last := map[string]int{}
		for _, e := range entries {
			if exactly {
				r.endedOnce(partition, e, count)
			} else {
				r.endedSomewhere(partition, e, count)
			}
			r.inOrder(partition, e, place, last)
		}
	}
}

// readAll reads the topics that are watched to their ends.
func (r *Rig) readAll(t testing.TB) []*kgo.Record {
	t.Helper()
	var topics []string
	left := map[string]int64{}
	for _, name := range r.outputs.topics {
		for _, p := range r.Fake.PartitionInfos(name) {
			if p.LastStableOffset != p.HighWatermark {
				t.Errorf("%s-%d has an open transaction at %d of %d", name, p.Partition, p.LastStableOffset, p.HighWatermark)
			}
			if p.LastStableOffset > 0 {
				left[fmt.Sprint(name, p.Partition)] = p.LastStableOffset
			}
		}
		topics = append(topics, name)
	}
	reader := r.Fake.NewHost().Client(t, kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	defer reader.Close()
	var records []*kgo.Record
	for len(left) > 0 {
		for _, rec := range reader.PollFetches(t.Context()).Records() {
			if line := fmt.Sprint(rec.Topic, rec.Partition); rec.Offset+1 >= left[line] {
				delete(left, line)
			}
			if !rec.Attrs.IsControl() {
				records = append(records, rec)
			}
		}
	}
	return records
}

// endedOnce wants the answers of a record, all of them once, or its letter once, or neither
// where it was filtered out, given up or has no answers.
func (w *Witness) endedOnce(partition int32, e *Entry, count map[string]int) {
	owed := w.outputs.owed(partition, e.Offset)
	letter := w.outputs.letter(partition, e.Offset)
	there := 0
	for _, name := range append(slices.Clone(owed), letter) {
		if count[name] > 1 {
			w.fault("%s is there %d times", name, count[name])
		}
	}
	for _, name := range owed {
		there += min(count[name], 1)
	}
	letters := count[letter]
	switch {
	case there > 0 && there < len(owed):
		w.fault("%d/%d has %d of its %d answers", partition, e.Offset, there, len(owed))
	case there > 0 && letters > 0:
		w.fault("%d/%d has its answers and a dead letter", partition, e.Offset)
	case there > 0 && e.Successes == 0:
		w.fault("%d/%d has answers and never succeeded", partition, e.Offset)
	case there+letters == 0 && e.Fate != Filtered && !e.Dropped && (len(owed) > 0 || e.Successes == 0):
		w.fault("%d/%d is lost: it has no answer and no dead letter (%s)", partition, e.Offset, e.Fate)
	}
}

// endedSomewhere wants the answers of a record that succeeded and did not end otherwise.
func (w *Witness) endedSomewhere(partition int32, e *Entry, count map[string]int) {
	if e.Successes == 0 || e.Lettered || e.Dropped {
		return
	}
	for _, name := range w.outputs.owed(partition, e.Offset) {
		if count[name] == 0 {
			w.fault("%s is lost", name)
		}
	}
}

// inOrder wants the first of each answer behind those of the record before it with its key.
func (w *Witness) inOrder(partition int32, e *Entry, place, last map[string]int) {
	if e.Key == nil || w.Partial || w.order == mapping.OrderNone || e.Lettered || e.Dropped {
		return // what was given up first and succeeded when it was read again comes late
	}
	for _, name := range w.outputs.owed(partition, e.Offset) {
		at, ok := place[name]
		if !ok {
			continue
		}
		topic, _, _ := strings.Cut(name, " ")
		line := fmt.Sprintf("%s %q", topic, e.Key)
		if before, ok := last[line]; ok && at < before {
			w.fault("%s stands before an answer to an earlier record of its key", name)
		}
		last[line] = at
	}
}
