package clustertest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"gantry/internal/kafkatest"
)

// batchBytes keeps batches as small as those of producers that send what they have every
// few milliseconds: a broker that looks a time up reads one batch.
const batchBytes = 2048

// Build makes topics and groups on a real broker or an in-memory one.
func Build(t testing.TB, c kafkatest.Source, s Spec) Made {
	t.Helper()
	m := s.plan()
	codec := kgo.Lz4Compression()
	if s.Snappy {
		codec = kgo.SnappyCompression()
	}
	client := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec),
		kgo.ProducerBatchMaxBytes(batchBytes), kgo.UnknownTopicRetries(1000)) // the broker is still making their logs
	admin := kadm.NewClient(client)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if err := create(ctx, admin, m.Topics); err != nil {
		t.Fatalf("make the topics: %v", err)
	}
	for _, topic := range m.Topics {
		if err := write(ctx, client, m, topic); err != nil {
			t.Fatalf("fill topic %s: %v", topic.Name, err)
		}
	}
	var making errgroup.Group
	making.SetLimit(groupsAtOnce)
	for _, g := range m.Groups {
		its := g.member(t, c)
		making.Go(func() error { return found(ctx, admin, g, its) })
	}
	if err := making.Wait(); err != nil {
		t.Fatal(err)
	}
	return m
}

// groupsAtOnce bounds how many groups are made at the same time.
const groupsAtOnce = 16

// create makes the topics, those with as many partitions in one request. They keep their
// records for a month: what is written is a week old.
func create(ctx context.Context, admin *kadm.Client, topics []Topic) error {
	kept := "2592000000"
	byPartitions := map[int][]string{}
	for _, t := range topics {
		byPartitions[t.Partitions] = append(byPartitions[t.Partitions], t.Name)
	}
	for partitions, names := range byPartitions {
		made, err := admin.CreateTopics(ctx, int32(partitions), 1, map[string]*string{"retention.ms": &kept}, names...)
		if err != nil {
			return err
		}
		for _, m := range made {
			if m.Err != nil {
				return fmt.Errorf("%s: %w", m.Topic, m.Err)
			}
		}
	}
	return nil
}

func write(ctx context.Context, client *kgo.Client, m Made, t Topic) error {
	errs := make(chan error, 1)
	for h := range m.Hours {
		hour := m.From.Add(time.Duration(h) * time.Hour)
		for p, counts := range t.Counts {
			for i := range counts[h] {
				r := t.record(int32(p), h, i)
				r.Timestamp = t.Shape.at(hour, i, counts[h])
				client.Produce(ctx, r, func(_ *kgo.Record, err error) {
					if err != nil {
						select {
						case errs <- err:
						default:
						}
					}
				})
			}
		}
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

// record is the i-th record of an hour. All but the hot key are different in the hour.
func (t Topic) record(partition int32, hour, i int) *kgo.Record {
	key := fmt.Sprintf("k-%d-%d-%d", partition, hour%24, i)
	if t.Shape == Skewed && partition == 0 {
		key = HotKey
	}
	return &kgo.Record{
		Topic: t.Name, Partition: partition, Key: []byte(key), Value: make([]byte, t.ValueBytes),
		Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte("1")}},
	}
}

// found makes a group: its positions first, while it has no members, then its member.
func found(ctx context.Context, admin *kadm.Client, g Group, its *Member) error {
	if len(g.At) > 0 {
		all := kadm.Offsets{}
		for p, at := range g.At {
			all.AddOffset(g.Topic, p, at, -1)
		}
		if err := admin.CommitAllOffsets(ctx, g.ID, all); err != nil {
			return fmt.Errorf("commit for group %s: %w", g.ID, err)
		}
	}
	if its == nil {
		return nil
	}
	return its.insist(ctx)
}

// member is the group's member, which has not joined yet; nil = it has none.
func (g Group) member(t testing.TB, c kafkatest.Source) *Member {
	m := Membership{Group: g.ID, Topics: []string{g.Topic}}
	switch g.Kind {
	case Plain, Outside:
	case Streams:
		m.Assignor, m.ClientID = "stream", g.ID+"-5d0e-StreamThread-1-consumer"
	case Connect:
		m.Protocol, m.Assignor = "connect", "sessioned"
	case Sink:
		m.ClientID = "connector-consumer-" + g.ID + "-0"
	default:
		return nil
	}
	return member(t, c, m)
}
