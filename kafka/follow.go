package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/record"
)

// Follower reads partitions without a group, committed records only, for as long as it is
// asked. One goroutine at a time. Close it.
type Follower struct {
	admin  *Admin
	client *kgo.Client
	next   map[string]map[int32]int64
}

// Followed are records of one partition, in order.
type Followed struct {
	Topic     string
	Partition int32
	Records   []record.Record
	Lost      int64 // offsets before them that retention removed before they were read
}

// Follow begins at an offset in each partition.
func (a *Admin) Follow(from map[string]map[int32]int64) (*Follower, error) {
	f := &Follower{admin: a, next: map[string]map[int32]int64{}}
	at := map[string]map[int32]kgo.Offset{}
	for topic, partitions := range from {
		at[topic], f.next[topic] = map[int32]kgo.Offset{}, map[int32]int64{}
		for p, offset := range partitions {
			at[topic][p], f.next[topic][p] = kgo.NewOffset().At(offset), offset
		}
	}
	var err error
	f.client, err = kgo.NewClient(append(a.cluster.Options(), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumePartitions(at), kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.KeepControlRecords(),
		kgo.FetchMaxWait(250*time.Millisecond), kgo.FetchMaxBytes(8<<20), kgo.FetchMaxPartitionBytes(1<<20),
	)...)
	return f, err
}

// Close lets go.
func (f *Follower) Close() { f.client.Close() }

// Next is the offset that is read next, transaction markers counted; false where the
// partition is not followed.
func (f *Follower) Next(topic string, partition int32) (int64, bool) {
	at, ok := f.next[topic][partition]
	return at, ok
}

// Add follows one more partition.
func (f *Follower) Add(topic string, partition int32, from int64) {
	if f.next[topic] == nil {
		f.next[topic] = map[int32]int64{}
	}
	f.next[topic][partition] = from
	f.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(from)}})
}

// Poll hands over what came within the given time, which may be nothing. Where retention
// removed what was to be read next, it goes on at the oldest record that is left and says
// how much is lost.
func (f *Follower) Poll(ctx context.Context, wait time.Duration, take func(Followed)) error {
	polling, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	fetches := f.client.PollRecords(polling, 20_000)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var errs []error
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if p.Err != nil {
			errs = append(errs, f.failed(ctx, p, take))
			return
		}
		if len(p.Records) == 0 {
			return
		}
		out := Followed{Topic: p.Topic, Partition: p.Partition}
		for _, r := range p.Records {
			f.next[p.Topic][p.Partition] = r.Offset + 1
			if !r.Attrs.IsControl() {
				out.Records = append(out.Records, plainRecord(r))
			}
		}
		take(out)
	})
	return errors.Join(errs...)
}

func (f *Follower) failed(ctx context.Context, p kgo.FetchTopicPartition, take func(Followed)) error {
	switch {
	case p.Topic == "" || errors.Is(p.Err, context.DeadlineExceeded): // the poll's own end
		return nil
	case !errors.Is(p.Err, kerr.OffsetOutOfRange):
		return fmt.Errorf("read %s-%d: %w", p.Topic, p.Partition, f.admin.attempts.join(Deny(p.Err, "Read", "topic", p.Topic)))
	}
	start, _, err := f.admin.Bounds(ctx, p.Topic, false)
	if err != nil {
		return err
	}
	at := f.next[p.Topic][p.Partition]
	if start[p.Partition] <= at {
		return fmt.Errorf("read %s-%d at offset %d: it is out of range: the topic was made again, or lost what it had", p.Topic, p.Partition, at)
	}
	f.client.RemoveConsumePartitions(map[string][]int32{p.Topic: {p.Partition}})
	f.Add(p.Topic, p.Partition, start[p.Partition])
	take(Followed{Topic: p.Topic, Partition: p.Partition, Lost: start[p.Partition] - at})
	return nil
}
