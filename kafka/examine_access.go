package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// examineNeeds looks at each topic that is needed, and at each permission: the cluster is
// asked what this principal may do, and nothing is done to find out.
func (a *Admin) examineNeeds(ctx context.Context, needs []Need) []Step {
	var steps []Step
	seen := map[string]topicSeen{}
	for _, n := range needs {
		if _, done := seen[n.Name]; n.Resource != "topic" || done {
			continue
		}
		s, found := a.examineTopic(ctx, n.Name)
		seen[n.Name] = found
		steps = append(steps, s)
	}
	for _, n := range needs {
		what := fmt.Sprintf("permission: %s on %s %s, %s", n.Operation, n.Resource, n.Name, n.For)
		var s Step
		switch n.Resource {
		case "topic":
			s = seen[n.Name].permission(what, n)
		case "transactional-id":
			s = a.examineTransactionalID(ctx, what, n)
		default:
			s = a.examineGroup(ctx, what, n)
		}
		if s.Result == Failed && n.Optional {
			s.Result = Warning
		}
		steps = append(steps, s)
	}
	return steps
}

// topicSeen is a topic as far as this principal may see it.
type topicSeen struct {
	err     error
	allowed int32 // a bit for each operation, by its number in the protocol
	known   bool  // the broker said what is allowed
}

func (a *Admin) examineTopic(ctx context.Context, name string) (Step, topicSeen) {
	var seen topicSeen
	s := try(ctx, "look at topic "+name, func(ctx context.Context) (string, error) {
		req := kmsg.NewPtrMetadataRequest()
		asked := kmsg.NewMetadataRequestTopic()
		asked.Topic = &name
		req.Topics, req.IncludeTopicAuthorizedOperations = []kmsg.MetadataRequestTopic{asked}, true
		resp, err := req.RequestWith(ctx, a.client)
		if err == nil && len(resp.Topics) != 1 {
			err = fmt.Errorf("the broker described %d topics instead of one", len(resp.Topics))
		}
		if err == nil {
			err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
		}
		if err != nil {
			seen.err = a.topicError("describe", name, err)
			return "", seen.err
		}
		t := resp.Topics[0]
		seen.allowed, seen.known = t.AuthorizedOperations, t.AuthorizedOperations != notSaid
		leaderless := 0
		for _, p := range t.Partitions {
			if kerr.ErrorForCode(p.ErrorCode) != nil || p.Leader < 0 {
				leaderless++
			}
		}
		if leaderless > 0 {
			return "", fmt.Errorf("%d of %d partitions of topic %s have no leader: %w", leaderless, len(t.Partitions), name, kerr.LeaderNotAvailable)
		}
		return fmt.Sprintf("%d partitions, each with a leader", len(t.Partitions)), nil
	})
	return s, seen
}

// notSaid is what a broker answers that does not tell what is allowed.
const notSaid = -2147483648

// permission is read from what the broker said is allowed.
func (t topicSeen) permission(what string, n Need) Step {
	s := Step{What: what, Result: Passed, Detail: "allowed"}
	switch {
	case t.err != nil && !errors.Is(t.err, kerr.TopicAuthorizationFailed):
		s.Result, s.Detail = Skipped, "the topic could not be looked at"
	case t.err == nil && !t.known:
		s.Result, s.Detail = Skipped, "brokers before 2.3 do not say what is allowed"
	case t.err != nil || t.allowed&bitOf(n.Operation) == 0:
		return missing(what, n, t.err)
	}
	return s
}

// missing is a permission that is not there, by its name.
func missing(what string, n Need, err error) Step {
	if err == nil {
		err = kerr.TopicAuthorizationFailed
	}
	d := &Denied{Operation: n.Operation, Resource: n.Resource, Name: n.Name, Prefixed: n.Prefixed, Err: err}
	return Step{
		What: what, Result: Failed, Detail: fmt.Sprintf("missing ACL: %s on %s %s", n.Operation, n.Resource, n.Name),
		Try: "allow it: " + d.command(),
	}
}

// bitOf is the place of an operation in the protocol's bit field (AclOperation).
func bitOf(operation string) int32 {
	switch operation {
	case "Read":
		return 1 << 3
	case "Write":
		return 1 << 4
	case "DescribeConfigs":
		return 1 << 10
	}
	return 0
}

// examineGroup asks for a heartbeat of a member that is not there: who may not Read the
// group is told so, and nobody is disturbed.
func (a *Admin) examineGroup(ctx context.Context, what string, n Need) Step {
	var refused error
	s := try(ctx, what, func(ctx context.Context) (string, error) {
		req := kmsg.NewPtrHeartbeatRequest()
		req.Group, req.Generation, req.MemberID = n.Name, -1, "gantry-doctor"
		err := insist(ctx, func() error {
			resp, err := req.RequestWith(ctx, a.client)
			if err == nil {
				err = kerr.ErrorForCode(resp.ErrorCode)
			}
			return err
		})
		switch {
		case errors.Is(err, kerr.GroupAuthorizationFailed):
			refused = err
		case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.IllegalGeneration), errors.Is(err, kerr.GroupIDNotFound), err == nil:
			return "allowed", nil
		}
		return "", a.attempts.join(err)
	})
	return orMissing(s, what, n, refused)
}

// examineTransactionalID asks for the end of a transaction that there is not, under an id
// that nobody writes as: who may not Write it is told so first.
func (a *Admin) examineTransactionalID(ctx context.Context, what string, n Need) Step {
	var refused error
	s := try(ctx, what, func(ctx context.Context) (string, error) {
		req := kmsg.NewPtrEndTxnRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch = n.Name, -1, -1
		if n.Prefixed {
			req.TransactionalID += "gantry-doctor"
		}
		err := insist(ctx, func() error {
			resp, err := req.RequestWith(ctx, a.client)
			if err == nil {
				err = kerr.ErrorForCode(resp.ErrorCode)
			}
			return err
		})
		switch {
		case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
			refused = err
		case errors.Is(err, kerr.InvalidProducerIDMapping), errors.Is(err, kerr.InvalidTxnState), errors.Is(err, kerr.InvalidProducerEpoch),
			errors.Is(err, kerr.ProducerFenced):
			return "allowed", nil
		}
		return "", a.attempts.join(err)
	})
	return orMissing(s, what, n, refused)
}

// orMissing is a step, or that of a permission that is not there.
func orMissing(s Step, what string, n Need, refused error) Step {
	if refused != nil {
		elapsed := s.Elapsed
		s = missing(what, n, refused)
		s.Elapsed = elapsed
	}
	return s
}
