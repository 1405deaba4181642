package kafka

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/record"
)

// surveyBatch is how many topics or groups one request names.
const surveyBatch = 50

// Layout is what a cluster is made of, as far as this principal may see it.
type Layout struct {
	ClusterID string
	Brokers   int
	Topics    []SurveyTopic // by name
	// Sees says that every group is listed: without Describe on the cluster a broker
	// leaves out, silently, those that this principal may not Describe.
	Sees bool
}

// SurveyTopic is a topic of a Layout.
type SurveyTopic struct {
	Name       string
	ID         string // "" from brokers before 2.8
	Internal   bool
	Replicas   int
	Partitions []int32
}

// Layout asks for all topics. Brokers leave out, silently, topics that this principal may
// not Describe.
func (s *Surveyor) Layout(ctx context.Context) (Layout, error) {
	resp, err := s.metadata(ctx)
	if err != nil {
		return Layout{}, fmt.Errorf("list the topics: %w", s.attempts.join(err))
	}
	l := Layout{Brokers: len(resp.Brokers), ClusterID: text(resp.ClusterID)}
	s.pace.share(l.Brokers)
	for _, t := range resp.Topics {
		if t.Topic == nil || t.ErrorCode != 0 {
			continue // deleted while the answer was made
		}
		topic := SurveyTopic{Name: *t.Topic, Internal: t.IsInternal || strings.HasPrefix(*t.Topic, "__")}
		for _, p := range t.Partitions {
			topic.Partitions = append(topic.Partitions, p.Partition)
			topic.Replicas = len(p.Replicas)
		}
		slices.Sort(topic.Partitions)
		if t.TopicID != [16]byte{} {
			topic.ID = base64.RawURLEncoding.EncodeToString(t.TopicID[:])
		}
		l.Topics = append(l.Topics, topic)
	}
	slices.SortFunc(l.Topics, func(x, y SurveyTopic) int { return strings.Compare(x.Name, y.Name) })
	l.Sees, err = s.seesGroups(ctx)
	return l, err
}

// metadata asks for all topics and keeps who leads what.
func (s *Surveyor) metadata(ctx context.Context) (*kmsg.MetadataResponse, error) {
	if err := s.pace.turn(ctx, 0); err != nil {
		return nil, err
	}
	req := kmsg.NewPtrMetadataRequest() // no topic named = all; it may not make any
	resp, err := req.RequestWith(ctx, s.client)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaders, s.ids, s.names = map[record.Partition]int32{}, map[string][16]byte{}, map[[16]byte]string{}
	for _, t := range resp.Topics {
		if t.Topic == nil {
			continue
		}
		s.ids[*t.Topic], s.names[t.TopicID] = t.TopicID, *t.Topic
		for _, p := range t.Partitions {
			s.leaders[record.Partition{Topic: *t.Topic, Index: p.Partition}] = p.Leader
		}
	}
	return resp, nil
}

func (s *Surveyor) seesGroups(ctx context.Context) (bool, error) {
	if err := s.pace.turn(ctx, 0); err != nil {
		return false, err
	}
	req := kmsg.NewPtrDescribeClusterRequest()
	req.IncludeClusterAuthorizedOperations = true
	resp, err := req.RequestWith(ctx, s.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if errors.Is(err, kerr.ClusterAuthorizationFailed) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("describe the cluster: %w", s.attempts.join(err))
	}
	const describe = 1 << 8
	return resp.ClusterAuthorizedOperations == notSaid || resp.ClusterAuthorizedOperations&describe != 0, nil
}

// TopicSettings are the settings of a topic that say what its offsets and timestamps mean.
type TopicSettings struct {
	Compacted     bool
	Retention     time.Duration // by time; -1 = none
	SizeRetention bool          // records also go when there are too many bytes
	LogAppendTime bool
	Err           error
}

// Settings reads the settings of topics. A topic that is not in the answer is gone.
func (s *Surveyor) Settings(ctx context.Context, topics []string) (map[string]TopicSettings, error) {
	out := map[string]TopicSettings{}
	for names := range slices.Chunk(topics, surveyBatch) {
		req := kmsg.NewPtrDescribeConfigsRequest()
		for _, name := range names {
			r := kmsg.NewDescribeConfigsRequestResource()
			r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, name
			r.ConfigNames = []string{"cleanup.policy", "retention.ms", "retention.bytes", "message.timestamp.type"}
			req.Resources = append(req.Resources, r)
		}
		shards, err := s.ask(ctx, req)
		if err != nil {
			return out, err
		}
		for _, shard := range shards {
			for _, r := range shard.Req.(*kmsg.DescribeConfigsRequest).Resources {
				if shard.Err != nil {
					out[r.ResourceName] = TopicSettings{Err: s.attempts.join(shard.Err)}
				}
			}
			if resp, ok := shard.Resp.(*kmsg.DescribeConfigsResponse); ok && shard.Err == nil {
				for _, r := range resp.Resources {
					out[r.ResourceName] = settingsOf(r)
				}
			}
		}
	}
	return out, nil
}

func settingsOf(r kmsg.DescribeConfigsResponseResource) TopicSettings {
	t := TopicSettings{Retention: -1}
	if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
		t.Err = Deny(err, "DescribeConfigs", "topic", r.ResourceName)
		return t
	}
	deletes := true
	for _, c := range r.Configs {
		value := text(c.Value)
		switch c.Name {
		case "cleanup.policy":
			t.Compacted, deletes = strings.Contains(value, "compact"), strings.Contains(value, "delete")
		case "retention.ms":
			if ms, err := strconv.ParseInt(value, 10, 64); err == nil && ms >= 0 && ms < int64(1<<63-1)/int64(time.Millisecond) {
				t.Retention = time.Duration(ms) * time.Millisecond
			}
		case "retention.bytes":
			t.SizeRetention = value != "-1"
		case "message.timestamp.type":
			t.LogAppendTime = value == "LogAppendTime"
		}
	}
	if !deletes {
		t.Retention, t.SizeRetention = -1, false
	}
	return t
}
