package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/record"
)

// Keeping is what removes a topic's records; what is 0 removes none.
type Keeping struct {
	Time   time.Duration
	Bytes  int64 // of each partition
	Tiered bool  // older segments are not on the brokers' disks

	Segment time.Duration // at most between the first timestamp of a segment and its largest
}

// Keeping reads how long a topic keeps its records.
func (a *Admin) Keeping(ctx context.Context, topic string) (Keeping, error) {
	configs, err := a.admin.DescribeTopicConfigs(ctx, topic)
	if err == nil && len(configs) == 1 {
		err = configs[0].Err
	}
	if err != nil {
		return Keeping{}, fmt.Errorf("read the configuration of topic %s: %w", topic, a.attempts.join(Deny(err, "DescribeConfigs", "topic", topic)))
	}
	k := Keeping{Segment: 7 * 24 * time.Hour} // Kafka's own, should it not be told
	ms, deletes := int64(-1), false
	for _, c := range configs {
		for _, entry := range c.Configs {
			var bad error
			switch entry.Key {
			case "retention.ms":
				ms, bad = strconv.ParseInt(entry.MaybeValue(), 10, 64)
			case "retention.bytes":
				k.Bytes, bad = strconv.ParseInt(entry.MaybeValue(), 10, 64)
			case "segment.ms":
				var roll int64
				roll, bad = strconv.ParseInt(entry.MaybeValue(), 10, 64)
				k.Segment = time.Duration(min(roll, int64(longest/time.Millisecond))) * time.Millisecond
			case "cleanup.policy":
				deletes = strings.Contains(entry.MaybeValue(), "delete")
			case "remote.storage.enable":
				k.Tiered = entry.MaybeValue() == "true"
			}
			err = errors.Join(err, bad)
		}
	}
	if err != nil || !deletes {
		return Keeping{}, err
	}
	k.Time, k.Bytes = time.Duration(max(0, min(ms, int64(longest/time.Millisecond))))*time.Millisecond, max(0, k.Bytes)
	return k, nil
}

// longest is as long as anybody keeps a record for: times that are "for ever" have room.
const longest = 100 * 365 * 24 * time.Hour

// Protection gives, for each position, how long time will surely not remove what lies there;
// 0 = it may be removed at any moment.
//
// Kafka removes whole segments, the oldest first, once the largest timestamp in one is older
// than the retention: the segment that is written to as well, which it closes for that. Where
// segments end nobody can ask. But everything before a position lies in its segment or in one
// that has to go first, so the largest timestamp at and before the position counts. Younger
// records behind it may be in its segment, and then it stays longer than is said here.
func (a *Admin) Protection(ctx context.Context, kept time.Duration, at map[record.Partition]int64) (map[record.Partition]time.Duration, error) {
	now := time.Now()
	low, high := map[record.Partition]time.Duration{}, map[record.Partition]time.Duration{}
	ask := map[record.Partition]time.Time{}
	for p := range at {
		ask[p], low[p], high[p] = now.Add(-kept), 0, kept
	}
	for range 1 + halvings {
		found, err := a.firstAt(ctx, ask)
		if err != nil {
			return nil, err
		}
		for p, probe := range ask {
			left := probe.Add(kept).Sub(now)
			if first, ok := found[p]; ok && first <= at[p] {
				low[p] = left
			} else {
				high[p] = left
			}
			if high[p] == 0 { // nothing there is young enough
				delete(ask, p)
				continue
			}
			ask[p] = now.Add(-kept + (low[p]+high[p])/2)
		}
		if len(ask) == 0 {
			break
		}
	}
	return low, nil
}

// halvings of the retention are how exactly a protection is measured: a week to 3 minutes.
const halvings = 12

// firstAt asks for the first record at or after a time, each partition for its own; one
// without such a record has no answer.
func (a *Admin) firstAt(ctx context.Context, ask map[record.Partition]time.Time) (found map[record.Partition]int64, err error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	topics := map[string]*kmsg.ListOffsetsRequestTopic{}
	for p, t := range ask {
		if topics[p.Topic] == nil {
			topics[p.Topic] = &kmsg.ListOffsetsRequestTopic{Topic: p.Topic}
		}
		one := kmsg.NewListOffsetsRequestTopicPartition()
		one.Partition, one.Timestamp = p.Index, max(0, t.UnixMilli())
		topics[p.Topic].Partitions = append(topics[p.Topic].Partitions, one)
	}
	for _, t := range topics {
		req.Topics = append(req.Topics, *t)
	}
	err = insist(ctx, func() error {
		found, err = a.timed(ctx, req)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for records by their time: %w", a.attempts.join(Deny(err, "Describe", "topic", req.Topics[0].Topic)))
	}
	return found, nil
}

func (a *Admin) timed(ctx context.Context, req *kmsg.ListOffsetsRequest) (map[record.Partition]int64, error) {
	found := map[record.Partition]int64{}
	var errs error
	for _, shard := range a.client.RequestSharded(ctx, req) {
		if shard.Err != nil {
			errs = errors.Join(errs, shard.Err)
			continue
		}
		for _, t := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
			for _, p := range t.Partitions {
				errs = errors.Join(errs, kerr.ErrorForCode(p.ErrorCode))
				if p.Offset >= 0 && p.ErrorCode == 0 {
					found[record.Partition{Topic: t.Topic, Index: p.Partition}] = p.Offset
				}
			}
		}
	}
	return found, errs
}

// Sizes gives the bytes of a topic's partitions on the disks of the brokers, of the replica
// that has most.
func (a *Admin) Sizes(ctx context.Context, topic string) (map[int32]int64, error) {
	described, err := a.Topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	var which kadm.TopicsSet
	which.Add(topic, described.Partitions...)
	all, err := a.admin.DescribeAllLogDirs(ctx, which)
	sizes := map[int32]int64{}
	for _, dirs := range all {
		for _, dir := range dirs {
			err = errors.Join(err, dir.Err)
			for p, on := range dir.Topics[topic] {
				sizes[p] = max(sizes[p], on.Size)
			}
		}
	}
	if err == nil && len(sizes) < len(described.Partitions) { // before KIP-784 a refusal is an empty answer
		err = kerr.ClusterAuthorizationFailed
	}
	if err != nil {
		return nil, fmt.Errorf("ask how large topic %s is: %w", topic, a.attempts.join(Deny(err, "Describe", "cluster", "")))
	}
	return sizes, nil
}
