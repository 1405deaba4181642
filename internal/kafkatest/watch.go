package kafkatest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/record"
)

// Commit is one offset of a group as it was seen: the next record it will read.
type Commit struct {
	record.Partition
	Offset int64
	At     time.Time
}

// Watch says which group to watch and how far it may commit.
type Watch struct {
	Group string
	// Resolved gives how far a partition may be committed now, such as
	// Journal.Resolved. It may only grow, or the watch may accuse wrongly: it is asked
	// after the offset was read. Nil allows everything.
	Resolved func(record.Partition) int64
}

// OffsetWatch records what a group commits and, when the test ends, fails it if
// anything was committed past an unresolved record.
type OffsetWatch struct {
	watch Watch

	mu       sync.Mutex
	last     map[record.Partition]int64
	history  []Commit
	breaches []string
}

// WatchOffsets reads the committed offsets of a group as fast as it can until the test
// ends. It sees what each answer shows, so a value that lives shorter than a round trip
// (a fraction of a millisecond) may be missed; Cluster.Commits misses none. It is of no
// use in a synctest bubble, where it would never let the clock move: see
// Fake.WatchCommits.
func WatchOffsets(t testing.TB, adm *kadm.Client, w Watch) *OffsetWatch {
	t.Helper()
	o := newWatch(t, w)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			o.read(ctx, adm)
		}
	}()
	t.Cleanup(func() { cancel(); <-done }) // before the verdict: cleanups run last first
	return o
}

// WatchCommits sees every commit a group asks for, also those that are refused.
func (f *Fake) WatchCommits(t testing.TB, w Watch) *OffsetWatch {
	t.Helper()
	o := newWatch(t, w)
	for _, key := range []kmsg.Key{kmsg.OffsetCommit, kmsg.TxnOffsetCommit} {
		f.ControlKey(key.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
			o.request(f, req)
			return nil, nil, false
		})
	}
	return o
}

func newWatch(t testing.TB, w Watch) *OffsetWatch {
	o := &OffsetWatch{watch: w, last: map[record.Partition]int64{}}
	t.Cleanup(func() {
		for _, b := range o.Breaches() {
			t.Error(b)
		}
	})
	return o
}

// History gives each value a partition took, in the order seen.
func (o *OffsetWatch) History() []Commit {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.history)
}

// Breaches gives the commits that went past an unresolved record.
func (o *OffsetWatch) Breaches() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.breaches)
}

func (o *OffsetWatch) read(ctx context.Context, adm *kadm.Client) {
	all, err := adm.FetchOffsets(ctx, o.watch.Group)
	if err != nil { // the broker is away: there is nothing to see
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
		}
		return
	}
	now := time.Now()
	for _, r := range all.Sorted() {
		if r.Err == nil && r.At >= 0 {
			o.see(Commit{record.Partition{Topic: r.Topic, Index: r.Partition}, r.At, now})
		}
	}
}

func (o *OffsetWatch) see(c Commit) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if last, ok := o.last[c.Partition]; ok && last == c.Offset {
		return
	}
	o.last[c.Partition] = c.Offset
	o.history = append(o.history, c)
	if o.watch.Resolved == nil {
		return
	}
	if may := o.watch.Resolved(c.Partition); c.Offset > may {
		o.breaches = append(o.breaches, fmt.Sprintf("group %q committed %s up to %d while offset %d was not resolved", o.watch.Group, c.Partition, c.Offset, may))
	}
}

func (o *OffsetWatch) request(f *Fake, req kmsg.Request) {
	now := time.Now()
	switch req := req.(type) {
	case *kmsg.OffsetCommitRequest:
		for _, rt := range req.Topics {
			topic := rt.Topic
			if info := f.TopicIDInfo(rt.TopicID); topic == "" && info != nil { // by id since v10
				topic = info.Topic
			}
			for _, rp := range rt.Partitions {
				o.asked(req.Group, Commit{record.Partition{Topic: topic, Index: rp.Partition}, rp.Offset, now})
			}
		}
	case *kmsg.TxnOffsetCommitRequest:
		for _, rt := range req.Topics {
			for _, rp := range rt.Partitions {
				o.asked(req.Group, Commit{record.Partition{Topic: rt.Topic, Index: rp.Partition}, rp.Offset, now})
			}
		}
	}
}

func (o *OffsetWatch) asked(group string, c Commit) {
	if group == o.watch.Group {
		o.see(c)
	}
}
