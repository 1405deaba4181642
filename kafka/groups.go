package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/record"
)

// ErrGroupBusy is a change refused because the group has members: while there are any,
// they alone decide its offsets.
var ErrGroupBusy = errors.New("the group has members")

// Group is a consumer group as its coordinator sees it.
type Group struct {
	Exists   bool
	Type     string // classic, consumer (KIP-848), share, streams
	State    string // Empty, Stable, PreparingRebalance, …
	Protocol string // the protocol type: consumer, connect, …; "" = no member named one
	Assignor string
	Members  []Member
}

// Member is one member of a group.
type Member struct {
	ID         string
	InstanceID string // "" = dynamic
	ClientID   string
	Host       string
	Partitions []record.Partition
	Subscribed []string // topics it asked for by name; filled by a Surveyor alone
}

// GroupState describes a group. The type is asked first, as a list of the coordinator:
// a live KIP-848 group answers the classic description with Dead.
func (a *Admin) GroupState(ctx context.Context, group string) (Group, error) {
	for {
		var listed Group
		err := insist(ctx, func() (err error) {
			listed, err = a.listed(ctx, group)
			return err
		})
		if err != nil || !listed.Exists {
			return listed, a.groupError("describe", group, "Describe", err)
		}
		switch listed.Type {
		case "classic":
			err = a.describeClassic(ctx, group, &listed)
		case "consumer":
			err = a.describeConsumer(ctx, group, &listed)
		}
		// It has gone since it was listed, or has become one of the other type: the list
		// knows. To take it for gone here would be to take a live group for a free one.
		if !errors.Is(err, kerr.GroupIDNotFound) || pause(ctx, retryEvery) != nil {
			return listed, a.groupError("describe", group, "Describe", err)
		}
	}
}

func (a *Admin) listed(ctx context.Context, group string) (Group, error) {
	found := a.admin.FindGroupCoordinators(ctx, group)[group]
	if found.Err != nil {
		return Group{}, found.Err
	}
	resp, err := kmsg.NewPtrListGroupsRequest().RequestWith(ctx, pinned{a.client.Broker(int(found.NodeID))})
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return Group{}, err
	}
	at := slices.IndexFunc(resp.Groups, func(g kmsg.ListGroupsResponseGroup) bool { return g.Group == group })
	if at < 0 {
		return Group{}, nil
	}
	g := Group{Exists: true, Type: strings.ToLower(resp.Groups[at].GroupType), State: resp.Groups[at].GroupState, Protocol: resp.Groups[at].ProtocolType}
	if g.Type == "" {
		g.Type = "classic" // brokers before 3.8 know no other
	}
	return g, nil
}

// pinned asks one broker, retried until the client's own limit.
type pinned struct{ broker *kgo.Broker }

// Request sends to the one broker.
func (p pinned) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	return p.broker.RetriableRequest(ctx, req)
}

func (a *Admin) describeClassic(ctx context.Context, group string, into *Group) error {
	described, err := a.admin.DescribeGroups(ctx, group)
	d := described[group]
	if err := errors.Join(err, d.Err); err != nil {
		return err
	}
	into.State, into.Assignor = d.State, d.Protocol
	for _, m := range d.Members {
		member := Member{ID: m.MemberID, InstanceID: text(m.InstanceID), ClientID: m.ClientID, Host: m.ClientHost}
		if assigned, ok := m.Assigned.AsConsumer(); ok {
			for _, t := range assigned.Topics {
				member.add(t.Topic, t.Partitions)
			}
		}
		into.Members = append(into.Members, member)
	}
	return nil
}

func (a *Admin) describeConsumer(ctx context.Context, group string, into *Group) error {
	described, err := a.admin.DescribeConsumerGroups(ctx, group)
	d := described[group]
	if err := errors.Join(err, d.Err); err != nil {
		return err
	}
	into.State, into.Assignor = d.State, d.AssignorName
	for _, m := range d.Members {
		member := Member{ID: m.MemberID, InstanceID: text(m.InstanceID), ClientID: m.ClientID, Host: m.ClientHost}
		for topic, partitions := range m.Assignment {
			for p := range partitions {
				member.add(topic, []int32{p})
			}
		}
		into.Members = append(into.Members, member)
	}
	return nil
}

func (m *Member) add(topic string, partitions []int32) {
	for _, p := range partitions {
		m.Partitions = append(m.Partitions, record.Partition{Topic: topic, Index: p})
	}
	slices.SortFunc(m.Partitions, func(x, y record.Partition) int {
		if c := strings.Compare(x.Topic, y.Topic); c != 0 {
			return c
		}
		return int(x.Index - y.Index)
	})
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Offsets are places in partitions: topic → partition → offset.
type Offsets map[string]map[int32]record.Offset

// Committed gives what a group has committed; it is empty if that is nothing at all.
func (a *Admin) Committed(ctx context.Context, group string) (Offsets, error) {
	var fetched kadm.OffsetResponses
	err := insist(ctx, func() (err error) {
		fetched, err = a.admin.FetchOffsets(kadm.RequireStable(ctx), group)
		return err
	})
	if errors.Is(err, kerr.GroupIDNotFound) {
		return Offsets{}, nil
	}
	if err != nil {
		return nil, a.groupError("read the offsets of", group, "Describe", err)
	}
	committed := Offsets{}
	for topic, partitions := range fetched {
		for p, o := range partitions {
			err = errors.Join(err, o.Err)
			if o.At < 0 {
				continue
			}
			if committed[topic] == nil {
				committed[topic] = map[int32]record.Offset{}
			}
			committed[topic][p] = record.Offset{At: o.At, Epoch: o.LeaderEpoch}
		}
	}
	if err != nil {
		return nil, a.groupError("read the offsets of", group, "Describe", err)
	}
	return committed, nil
}

// Commit sets offsets of a group without members. The broker refuses it for a group that
// has any (ErrGroupBusy), which makes it a lock. Leader epochs are committed as unknown:
// an offset set by hand must not be checked against another history.
func (a *Admin) Commit(ctx context.Context, group string, offsets Offsets) error {
	var all kadm.Offsets
	for topic, partitions := range offsets {
		for p, o := range partitions {
			all.Add(kadm.Offset{Topic: topic, Partition: p, At: o.At, LeaderEpoch: -1})
		}
	}
	err := insist(ctx, func() error {
		answers, err := a.admin.CommitOffsets(ctx, group, all)
		return errors.Join(err, commitFaults(answers))
	})
	for _, busy := range []error{kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.RebalanceInProgress} {
		if errors.Is(err, busy) {
			return fmt.Errorf("set the offsets of group %s: %w: stop them first: %w", group, ErrGroupBusy, err)
		}
	}
	return a.groupError("set the offsets of", group, "Read", err)
}

func commitFaults(answers kadm.OffsetResponses) error {
	var errs []error
	for topic, partitions := range answers {
		for p, answer := range partitions {
			if answer.Err != nil {
				errs = append(errs, fmt.Errorf("%s/%d: %w", topic, p, Deny(answer.Err, "Read", "topic", topic)))
			}
		}
	}
	return errors.Join(errs...)
}

// LeaveStatic takes static members out of a group, so that their partitions move at once
// and not after the session timeout. One that is not there is no error.
func (a *Admin) LeaveStatic(ctx context.Context, group string, instanceIDs ...string) error {
	var answers kadm.LeaveGroupResponses
	err := insist(ctx, func() (err error) {
		answers, err = a.admin.LeaveGroup(ctx, kadm.LeaveGroup(group).InstanceIDs(instanceIDs...).Reason("gantry stops"))
		return err
	})
	for id, answer := range answers {
		if answer.Err != nil && !errors.Is(answer.Err, kerr.UnknownMemberID) {
			err = errors.Join(err, fmt.Errorf("instance %s: %w", id, answer.Err))
		}
	}
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil
	}
	return a.groupError("leave", group, "Read", err)
}

func (a *Admin) groupError(verb, group, operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s group %s: %w", verb, group, a.attempts.join(Deny(err, operation, "group", group)))
}
