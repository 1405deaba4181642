package kafkatest

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/record"
)

// Forgotten is the Offset of a Commit that took the offset away: expired, deleted with
// its group or its topic.
const Forgotten int64 = -1

// Commits gives every commit a group ever made, from the broker's own log of them
// (__consumer_offsets), in order for each partition. At is the broker's clock, in
// milliseconds. Commits of aborted transactions are not among them.
func (c *Cluster) Commits(t testing.TB, group string) []Commit {
	t.Helper()
	var out []Commit
	c.eachOfLog(t, group, func(r *kgo.Record) {
		if commit, ok := readCommit(r, group); ok {
			out = append(out, commit)
		}
	})
	return out
}

// Generation gives the generation a group of the classic protocol is in, from the same
// log: no answer of the broker tells it. It rises with every rebalance.
func (c *Cluster) Generation(t testing.TB, group string) int32 {
	t.Helper()
	generation := int32(-1)
	c.eachOfLog(t, group, func(r *kgo.Record) {
		var key kmsg.GroupMetadataKey
		var value kmsg.GroupMetadataValue
		if !r.Attrs.IsControl() && len(r.Key) > 1 && binary.BigEndian.Uint16(r.Key) == 2 && key.ReadFrom(r.Key) == nil && key.Group == group &&
			r.Value != nil && value.ReadFrom(r.Value) == nil {
			generation = value.Generation
		}
	})
	if generation < 0 {
		t.Fatalf("group %q has no generation", group)
	}
	return generation
}

// eachOfLog gives every record of the brokers' log of commits and groups.
func (c *Cluster) eachOfLog(t testing.TB, group string, each func(*kgo.Record)) {
	t.Helper()
	const log = "__consumer_offsets"
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ends, err := c.adm.ListEndOffsets(ctx, log)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		t.Fatalf("read the log of group %q: %v", group, err)
	}
	cl := c.Client(t, kgo.ConsumeTopics(log), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	defer cl.Close()
	left := map[int32]int64{}
	for _, e := range ends[log] {
		if e.Offset > 0 {
			left[e.Partition] = e.Offset
		}
	}
	for len(left) > 0 {
		fs := cl.PollFetches(ctx)
		if err := fs.Err(); err != nil {
			t.Fatalf("read the log of group %q: %v", group, err)
		}
		fs.EachRecord(func(r *kgo.Record) {
			each(r)
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
}

// readCommit: keys of version 0 and 1 are commits, others the state of groups.
func readCommit(r *kgo.Record, group string) (Commit, bool) {
	var key kmsg.OffsetCommitKey
	if r.Attrs.IsControl() || len(r.Key) < 2 || binary.BigEndian.Uint16(r.Key) > 1 || key.ReadFrom(r.Key) != nil || key.Group != group {
		return Commit{}, false
	}
	out := Commit{Partition: record.Partition{Topic: key.Topic, Index: key.Partition}, Offset: Forgotten, At: r.Timestamp}
	var value kmsg.OffsetCommitValue
	if r.Value != nil && value.ReadFrom(r.Value) == nil {
		out.Offset = value.Offset
	}
	return out, true
}
