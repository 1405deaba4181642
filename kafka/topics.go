package kafka

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

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

// Topic describes a topic; ErrUnknownTopic if it is not there.
func (a *Admin) Topic(ctx context.Context, name string) (Topic, error) {
	details, err := a.admin.ListTopicsWithInternal(ctx, name)
	if err != nil {
		return Topic{}, a.topicError("describe", name, "Describe", err)
	}
	detail := details[name]
	if detail.Err != nil {
		return Topic{}, a.topicError("describe", name, "Describe", detail.Err)
	}
	t := Topic{Name: name, Partitions: detail.Partitions.Numbers()}
	if detail.ID != (kadm.TopicID{}) {
		t.ID = base64.RawURLEncoding.EncodeToString(detail.ID[:])
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

func (a *Admin) topicError(verb, topic, operation string, err error) error {
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		err = errors.Join(ErrUnknownTopic, err)
	}
	return fmt.Errorf("%s topic %s: %w", verb, topic, a.attempts.join(Deny(err, operation, "topic", topic)))
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
	topic, err := a.Topic(ctx, from.Topic)
	if err != nil {
		return nil, "", err
	}
	offsets, err := a.list(from.Topic, func() (kadm.ListedOffsets, error) {
		switch from.Start {
		case mapping.TrimHorizon:
			return a.admin.ListStartOffsets(ctx, from.Topic)
		case mapping.AtTimestamp:
			return a.admin.ListOffsetsAfterMilli(ctx, from.At.UnixMilli(), from.Topic)
		case mapping.Latest:
			return a.end(ctx, from.Topic, from.Uncommitted)
		}
		return nil, fmt.Errorf("starting position %q is not known", from.Start)
	})
	if err != nil {
		return nil, "", err
	}
	for _, p := range topic.Partitions {
		if _, ok := offsets[p]; !ok {
			return nil, "", fmt.Errorf("list the offsets of topic %s: partition %d is missing from the answer", from.Topic, p)
		}
	}
	return offsets, topic.ID, nil
}

// Bounds gives the oldest offset and the end of each partition. The end is the last
// stable offset, or the high watermark if records of open transactions count.
func (a *Admin) Bounds(ctx context.Context, topic string, uncommitted bool) (start, end map[int32]int64, err error) {
	start, err = a.list(topic, func() (kadm.ListedOffsets, error) { return a.admin.ListStartOffsets(ctx, topic) })
	if err != nil {
		return nil, nil, err
	}
	end, err = a.list(topic, func() (kadm.ListedOffsets, error) { return a.end(ctx, topic, uncommitted) })
	return start, end, err
}

func (a *Admin) end(ctx context.Context, topic string, uncommitted bool) (kadm.ListedOffsets, error) {
	if uncommitted {
		return a.admin.ListEndOffsets(ctx, topic)
	}
	return a.admin.ListCommittedOffsets(ctx, topic)
}

func (a *Admin) list(topic string, ask func() (kadm.ListedOffsets, error)) (map[int32]int64, error) {
	listed, err := ask()
	offsets := map[int32]int64{}
	for p, o := range listed[topic] {
		offsets[p] = o.Offset
		err = errors.Join(err, o.Err)
	}
	if err != nil {
		return nil, a.topicError("list the offsets of", topic, "Describe", err)
	}
	return offsets, nil
}
