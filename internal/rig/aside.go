package rig

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/pipeline/poll"
	"gantry/record"
)

// clientOf learns the client that a poller makes.
type clientOf struct{ cl *kgo.Client }

// OnNewClient implements kgo.HookNewClient.
func (c *clientOf) OnNewClient(cl *kgo.Client) { c.cl = cl }

// aside commits as the member does, by a request of its own.
type aside struct {
	r        *Rig
	client   *clientOf
	instance string
}

// Member implements pipeline.Commits.
func (a aside) Member() poll.Member {
	id, generation := a.client.cl.GroupMetadata()
	return poll.Member{ID: id, Generation: generation}
}

// Commit implements pipeline.Commits.
func (a aside) Commit(ctx context.Context, as poll.Member, offsets map[record.Partition]record.Offset) error {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group = Group
	req.MemberID, req.Generation = as.ID, as.Generation
	if a.instance != "" {
		req.InstanceID = &a.instance
	}
	if req.MemberID == "" {
		return fmt.Errorf("commit to group %s: not a member now", Group)
	}
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic, topic.TopicID = Topic, a.r.Fake.TopicInfo(Topic).TopicID
	for id, at := range offsets {
		p := kmsg.NewOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.LeaderEpoch = id.Index, at.At, at.Epoch
		topic.Partitions = append(topic.Partitions, p)
	}
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, a.client.cl)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("commit %s-%d: %w", Topic, p.Partition, err)
			}
		}
	}
	return nil
}
