package kafka

import (
	"cmp"

	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/record"
)

// classic reads the answer about a classic group. What members sent when they joined is
// read where the protocol type says how it is made; a stranger's bytes are left alone.
func (g *SurveyGroup) classic(d *kmsg.DescribeGroupsResponseGroup) {
	if !g.answered(d.ErrorCode, d.State) {
		return
	}
	g.Protocol, g.Assignor = d.ProtocolType, d.Protocol
	for i := range d.Members {
		m := &d.Members[i]
		member := Member{ID: m.MemberID, InstanceID: text(m.InstanceID), ClientID: m.ClientID, Host: m.ClientHost}
		if d.ProtocolType == "consumer" {
			member.joined(m.ProtocolMetadata, m.MemberAssignment)
		}
		g.Members = append(g.Members, member)
	}
}

func (m *Member) joined(metadata, assignment []byte) {
	var said kmsg.ConsumerMemberMetadata
	if said.ReadFrom(metadata) == nil {
		m.Subscribed = said.Topics
	}
	var got kmsg.ConsumerMemberAssignment
	if got.ReadFrom(assignment) == nil {
		for _, t := range got.Topics {
			m.add(t.Topic, t.Partitions)
		}
	}
}

// consumer reads the answer about a KIP-848 group. Brokers name topics by their id, and not
// each of them by the name as well.
func (g *SurveyGroup) consumer(d *kmsg.ConsumerGroupDescribeResponseGroup, name func([16]byte) string) {
	if !g.answered(d.ErrorCode, d.State) {
		return
	}
	g.Assignor = d.AssignorName
	for i := range d.Members {
		m := &d.Members[i]
		member := Member{
			ID: m.MemberID, InstanceID: text(m.InstanceID), ClientID: m.ClientID, Host: m.ClientHost, Subscribed: m.SubscribedTopics,
		}
		for _, t := range m.Assignment.TopicPartitions {
			member.add(cmp.Or(t.Topic, name(t.TopicID)), t.Partitions)
		}
		g.Members = append(g.Members, member)
	}
}

func (g *SurveyGroup) share(d *kmsg.ShareGroupDescribeResponseGroup, name func([16]byte) string) {
	if !g.answered(d.ErrorCode, d.GroupState) {
		return
	}
	g.Assignor = d.Assignor
	for i := range d.Members {
		m := &d.Members[i]
		member := Member{ID: m.MemberID, ClientID: m.ClientID, Host: m.ClientHost, Subscribed: m.SubscribedTopicNames}
		for _, t := range m.Assignment.TopicPartitions {
			member.add(cmp.Or(t.Topic, name(t.TopicID)), t.Partitions)
		}
		g.Members = append(g.Members, member)
	}
}

// Assigned gives the partitions of all members.
func (g *Group) Assigned() []record.Partition {
	var out []record.Partition
	for _, m := range g.Members {
		out = append(out, m.Partitions...)
	}
	return out
}
