package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// SurveyGroup is a group with what tells its kind.
type SurveyGroup struct {
	ID string
	Group
	Protocol string // the protocol type: consumer, connect, …; "" = nobody ever joined it
	Err      error  // it could not be described; what was listed of it still counts

	coordinator int32
}

// Groups lists the groups of all brokers, each with its type. The type comes first: a live
// KIP-848 group answers the classic description with Dead. What a broker did not give is
// in the error.
func (s *Surveyor) Groups(ctx context.Context) ([]SurveyGroup, error) {
	shards, err := s.ask(ctx, kmsg.NewPtrListGroupsRequest())
	if err != nil {
		return nil, err
	}
	var out []SurveyGroup
	var errs []error
	for _, shard := range shards {
		err := shard.Err
		resp, answered := shard.Resp.(*kmsg.ListGroupsResponse)
		if err == nil && answered {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if err != nil || !answered {
			errs = append(errs, fmt.Errorf("list the groups of broker %d: %w", shard.Meta.NodeID, s.attempts.join(Deny(err, "Describe", "cluster", ""))))
			continue
		}
		for _, g := range resp.Groups {
			listed := Group{Exists: true, Type: strings.ToLower(g.GroupType), State: g.GroupState}
			if listed.Type == "" {
				listed.Type = "classic" // brokers before 3.8 know no other
			}
			out = append(out, SurveyGroup{ID: g.Group, Protocol: g.ProtocolType, Group: listed, coordinator: shard.Meta.NodeID})
		}
	}
	slices.SortFunc(out, func(x, y SurveyGroup) int { return strings.Compare(x.ID, y.ID) })
	return out, errors.Join(errs...)
}

// Describe fills in assignor and members, each kind of group by its own request. A group
// that is gone meanwhile does not exist any more.
func (s *Surveyor) Describe(ctx context.Context, groups []SurveyGroup) error {
	byType := map[string][]*SurveyGroup{}
	for i := range groups {
		byType[groups[i].Type] = append(byType[groups[i].Type], &groups[i])
	}
	for kind, of := range byType {
		for batch := range slices.Chunk(of, surveyBatch) {
			if err := s.describe(ctx, kind, batch); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Surveyor) describe(ctx context.Context, kind string, groups []*SurveyGroup) error {
	byID := make(map[string]*SurveyGroup, len(groups))
	var ids []string
	for _, g := range groups {
		byID[g.ID], ids = g, append(ids, g.ID)
	}
	var req kmsg.Request
	switch kind {
	case "classic":
		r := kmsg.NewPtrDescribeGroupsRequest()
		r.Groups, req = ids, r
	case "consumer":
		r := kmsg.NewPtrConsumerGroupDescribeRequest()
		r.Groups, req = ids, r
	case "share":
		r := kmsg.NewPtrShareGroupDescribeRequest()
		r.GroupIDs, req = ids, r
	case "streams":
		return s.describeStreams(ctx, groups)
	default:
		for _, g := range groups {
			g.Err = fmt.Errorf("groups of type %q are not known", kind)
		}
		return nil
	}
	shards, err := s.ask(ctx, req)
	if err != nil {
		return err
	}
	for _, shard := range shards {
		if shard.Err != nil {
			for _, id := range describedIDs(shard.Req) {
				byID[id].fail(s.attempts.join(shard.Err))
			}
			continue
		}
		s.describeInto(shard, byID)
	}
	return nil
}

func describedIDs(req kmsg.Request) []string {
	switch r := req.(type) {
	case *kmsg.DescribeGroupsRequest:
		return r.Groups
	case *kmsg.ConsumerGroupDescribeRequest:
		return r.Groups
	case *kmsg.ShareGroupDescribeRequest:
		return r.GroupIDs
	}
	return nil
}

func (s *Surveyor) describeInto(shard kgo.ResponseShard, byID map[string]*SurveyGroup) {
	switch resp := shard.Resp.(type) {
	case *kmsg.DescribeGroupsResponse:
		for i := range resp.Groups {
			if g := byID[resp.Groups[i].Group]; g != nil {
				g.classic(&resp.Groups[i])
			}
		}
	case *kmsg.ConsumerGroupDescribeResponse:
		for i := range resp.Groups {
			if g := byID[resp.Groups[i].Group]; g != nil {
				g.consumer(&resp.Groups[i], s.topicName)
			}
		}
	case *kmsg.ShareGroupDescribeResponse:
		for i := range resp.Groups {
			if g := byID[resp.Groups[i].GroupID]; g != nil {
				g.share(&resp.Groups[i], s.topicName)
			}
		}
	}
}

func (s *Surveyor) topicName(id [16]byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[id]
}

// describeStreams asks each group's coordinator itself: the client does not deal this
// request out.
func (s *Surveyor) describeStreams(ctx context.Context, groups []*SurveyGroup) error {
	for _, g := range groups {
		req := kmsg.NewPtrStreamsGroupDescribeRequest()
		req.Groups = []string{g.ID}
		resp, err := s.askBroker(ctx, g.coordinator, 0, req)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			g.fail(s.attempts.join(err))
			continue
		}
		for _, d := range resp.(*kmsg.StreamsGroupDescribeResponse).Groups {
			if d.Group == g.ID && g.answered(d.ErrorCode, d.State) {
				for _, m := range d.Members {
					g.Members = append(g.Members, Member{ID: m.MemberID, InstanceID: text(m.InstanceID), ClientID: m.ClientID, Host: m.ClientHost})
				}
			}
		}
	}
	return nil
}

func (g *SurveyGroup) fail(err error) {
	if errors.Is(err, kerr.GroupIDNotFound) {
		g.Exists = false
		return
	}
	g.Err = Deny(err, "Describe", "group", g.ID)
}

// answered takes the outcome of a description; false = there is none.
func (g *SurveyGroup) answered(code int16, state string) bool {
	if err := kerr.ErrorForCode(code); err != nil {
		g.fail(err)
		return false
	}
	if state == "Dead" {
		g.Exists = false
		return false
	}
	g.State = state
	return true
}
