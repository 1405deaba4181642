package clustertest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/internal/kafkatest"
)

// Membership is a member of a classic group, and the only one. It gets every partition of
// its topics.
type Membership struct {
	Group      string
	Topics     []string
	ClientID   string // "" = service
	InstanceID string // of a static member
	Protocol   string // the protocol type; "" = consumer
	Assignor   string // "" = range
}

// Member is a member that has joined.
type Member struct {
	Membership
	ID         string
	Generation int32
	client     *kgo.Client
	topics     kadm.TopicDetails
}

// session is how long a member without heartbeats is taken for alive.
const session = 5 * time.Minute

// Join makes a member. It is gone when its session ends, or the cluster.
func Join(t testing.TB, c kafkatest.Source, m Membership) *Member {
	t.Helper()
	joined := member(t, c, m)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := joined.insist(ctx); err != nil {
		t.Fatal(err)
	}
	return joined
}

// member is one that has not joined yet.
func member(t testing.TB, c kafkatest.Source, m Membership) *Member {
	m.ClientID = cmp.Or(m.ClientID, "service")
	m.Protocol = cmp.Or(m.Protocol, "consumer")
	m.Assignor = cmp.Or(m.Assignor, "range")
	return &Member{Membership: m, client: c.Client(t, kgo.ClientID(m.ClientID))}
}

func (m *Member) insist(ctx context.Context) error {
	for {
		err := m.join(ctx)
		if err == nil {
			return nil
		}
		if errors.Is(err, kerr.UnknownMemberID) {
			m.ID = "" // a slow machine: it was put out before it had joined
		}
		if !retry(err) || ctx.Err() != nil {
			return fmt.Errorf("join group %s: %w", m.Group, err)
		}
	}
}

func retry(err error) bool {
	return slices.ContainsFunc([]error{
		kerr.MemberIDRequired, kerr.UnknownMemberID, kerr.RebalanceInProgress,
		kerr.NotCoordinator, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress,
	}, func(known error) bool { return errors.Is(err, known) })
}

func (m *Member) join(ctx context.Context) error {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.MemberID, req.ProtocolType = m.Group, m.ID, m.Protocol
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = int32(session.Milliseconds()), int32(session.Milliseconds())
	if m.InstanceID != "" {
		req.InstanceID = &m.InstanceID
	}
	said := kmsg.NewConsumerMemberMetadata()
	said.Topics = m.Topics
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name, protocol.Metadata = m.Assignor, said.AppendTo(nil)
	req.Protocols = append(req.Protocols, protocol)
	resp, err := req.RequestWith(ctx, m.client)
	if err != nil {
		return err
	}
	m.ID, m.Generation = resp.MemberID, resp.Generation
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return err
	}
	return m.sync(ctx)
}

func (m *Member) sync(ctx context.Context) error {
	topics, err := kadm.NewClient(m.client).ListTopics(ctx, m.Topics...)
	if err != nil {
		return err
	}
	m.topics = topics
	got := kmsg.NewConsumerMemberAssignment()
	for _, name := range m.Topics {
		at := kmsg.NewConsumerMemberAssignmentTopic()
		at.Topic, at.Partitions = name, topics[name].Partitions.Numbers()
		got.Topics = append(got.Topics, at)
	}
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation = m.Group, m.ID, m.Generation
	req.ProtocolType, req.Protocol = &m.Protocol, &m.Assignor
	if m.InstanceID != "" {
		req.InstanceID = &m.InstanceID
	}
	mine := kmsg.NewSyncGroupRequestGroupAssignment()
	mine.MemberID, mine.MemberAssignment = m.ID, got.AppendTo(nil)
	req.GroupAssignment = append(req.GroupAssignment, mine)
	resp, err := req.RequestWith(ctx, m.client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.ErrorCode)
}

// Commit commits as the member.
func (m *Member) Commit(ctx context.Context, topic string, at map[int32]int64) error {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.MemberID, req.Generation = m.Group, m.ID, m.Generation
	if m.InstanceID != "" {
		req.InstanceID = &m.InstanceID
	}
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic, t.TopicID = topic, m.topics[topic].ID
	for p, offset := range at {
		one := kmsg.NewOffsetCommitRequestTopicPartition()
		one.Partition, one.Offset, one.LeaderEpoch = p, offset, -1
		t.Partitions = append(t.Partitions, one)
	}
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, m.client)
	if err != nil {
		return err
	}
	for _, answered := range resp.Topics {
		for _, p := range answered.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("%s/%d: %w", topic, p.Partition, err)
			}
		}
	}
	return nil
}
