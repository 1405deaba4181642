package kafka

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/mapping"
)

// ErrUnknownTopic is a topic the cluster does not have.
var ErrUnknownTopic = errors.New("the topic does not exist")

// Topic is what the cluster says of a topic.
type Topic struct {
	Name       string
	ID         string // base64 as Kafka's tools print it; "" from brokers before 2.8
	Partitions []int32
}

// Topic describes a topic; ErrUnknownTopic if it is not there. It is asked for anew each
// time: kadm would answer from a cache, and a topic made again must not look like the old.
func (a *Admin) Topic(ctx context.Context, name string) (Topic, error) {
	req := kmsg.NewPtrMetadataRequest()
	asked := kmsg.NewMetadataRequestTopic()
	asked.Topic = &name
	req.Topics = append(req.Topics, asked)
	resp, err := req.RequestWith(ctx, a.client)
	if err == nil && len(resp.Topics) != 1 {
		err = fmt.Errorf("the broker described %d topics instead of one", len(resp.Topics))
	}
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		return Topic{}, a.topicError("describe", name, err)
	}
	t := Topic{Name: name}
	for _, p := range resp.Topics[0].Partitions {
		t.Partitions = append(t.Partitions, p.Partition)
	}
	slices.Sort(t.Partitions)
	if id := resp.Topics[0].TopicID; id != [16]byte{} {
		t.ID = base64.RawURLEncoding.EncodeToString(id[:])
	}
	return t, nil
}

// TopicExists says whether the cluster has a topic.
func (a *Admin) TopicExists(ctx context.Context, name string) (bool, error) {
	_, err := a.Topic(ctx, name)
	if errors.Is(err, ErrUnknownTopic) {
		return false, nil
	}
	return err == nil, err
}

// TopicID gives the id of a topic, which changes when it is deleted and made again.
func (a *Admin) TopicID(ctx context.Context, name string) (string, error) {
	t, err := a.Topic(ctx, name)
	return t.ID, err
}

func (a *Admin) topicError(verb, topic string, err error) error {
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		err = fmt.Errorf("%w: %w", ErrUnknownTopic, err)
	}
	return fmt.Errorf("%s topic %s: %w", verb, topic, a.attempts.join(Deny(err, "Describe", "topic", topic)))
}

// Origin is a starting position to be resolved.
type Origin struct {
	Topic       string
	Start       mapping.Start
	At          time.Time // for mapping.AtTimestamp
	Uncommitted bool      // the mapping reads records of open transactions
}

// Positions resolves a starting position to an offset for each partition, and gives the
// id of the topic they are of. TRIM_HORIZON is the oldest record, LATEST the end,
// AT_TIMESTAMP the first record at or after the time, or the end where there is none.
func (a *Admin) Positions(ctx context.Context, from Origin) (map[int32]int64, string, error) {
	var ask lister
	switch from.Start {
	case mapping.TrimHorizon:
		ask = a.admin.ListStartOffsets
	case mapping.Latest:
		ask = a.end(from.Uncommitted)
	case mapping.AtTimestamp:
		ask = func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
			return a.admin.ListOffsetsAfterMilli(ctx, from.At.UnixMilli(), topics...)
		}
	default:
		return nil, "", fmt.Errorf("resolve the starting position of topic %s: %q is not known", from.Topic, from.Start)
	}
	topic, err := a.Topic(ctx, from.Topic)
	if err != nil {
		return nil, "", err
	}
	offsets, err := a.list(ctx, topic, ask)
	return offsets, topic.ID, err
}

// Bounds gives the oldest offset and the end of each partition. The end is the last
// stable offset, or the high watermark if records of open transactions count.
func (a *Admin) Bounds(ctx context.Context, topic string, uncommitted bool) (start, end map[int32]int64, err error) {
	described, err := a.Topic(ctx, topic)
	if err != nil {
		return nil, nil, err
	}
	if start, err = a.list(ctx, described, a.admin.ListStartOffsets); err != nil {
		return nil, nil, err
	}
	end, err = a.list(ctx, described, a.end(uncommitted))
	return start, end, err
}

type lister func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error)

func (a *Admin) end(uncommitted bool) lister {
	if uncommitted {
		return a.admin.ListEndOffsets
	}
	return a.admin.ListCommittedOffsets
}

// list asks for one offset of each partition; a partition without an answer is an error.
func (a *Admin) list(ctx context.Context, topic Topic, ask lister) (map[int32]int64, error) {
	offsets := make(map[int32]int64, len(topic.Partitions))
	err := insist(ctx, func() error {
		listed, err := ask(ctx, topic.Name)
		for p, o := range listed[topic.Name] {
			offsets[p] = o.Offset
			err = errors.Join(err, o.Err)
		}
		return err
	})
	for _, p := range topic.Partitions {
		if _, ok := offsets[p]; !ok && err == nil {
			err = fmt.Errorf("partition %d is missing from the answer", p)
		}
	}
	if err != nil {
		return nil, a.topicError("list the offsets of", topic.Name, err)
	}
	return offsets, nil
}
