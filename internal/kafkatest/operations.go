package kafkatest

import (
	"context"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// operations are what an administrator or time does to topics and groups, the same on
// the in-memory cluster and on a real one. They fail the test that asks.
type operations struct {
	cl  *kgo.Client
	adm *kadm.Client
}

func operate(cl *kgo.Client) operations { return operations{cl, kadm.NewClient(cl)} }

// Retain moves the log start of a partition to offset, as retention does: what was
// before it is gone.
func (o operations) Retain(t testing.TB, topic string, partition int32, offset int64) {
	t.Helper()
	to := kadm.Offsets{}
	to.AddOffset(topic, partition, offset, -1)
	done, err := o.adm.DeleteRecords(context.Background(), to)
	if err == nil {
		err = done.Error()
	}
	if err != nil {
		t.Fatalf("move the log start of %s-%d to %d: %v", topic, partition, offset, err)
	}
}

// AddPartitions grows a topic to total partitions.
func (o operations) AddPartitions(t testing.TB, topic string, total int) {
	t.Helper()
	done, err := o.adm.UpdatePartitions(context.Background(), total, topic)
	if err == nil {
		err = done.Error()
	}
	if err != nil {
		t.Fatalf("grow topic %q to %d partitions: %v", topic, total, err)
	}
}

// Expire removes a group with all it had committed, as offsets.retention.minutes does
// with a group nobody is a member of.
func (o operations) Expire(t testing.TB, group string) {
	t.Helper()
	done, err := o.adm.DeleteGroup(context.Background(), group)
	if err == nil {
		err = done.Err
	}
	if err != nil {
		t.Fatalf("expire group %q: %v", group, err)
	}
}

// Commit sets offsets of a group the way an administrator does. Kafka refuses it
// while the group has members.
func (o operations) Commit(t testing.TB, group, topic string, offsets map[int32]int64) {
	t.Helper()
	all := kadm.Offsets{}
	for p, at := range offsets {
		all.AddOffset(topic, p, at, -1)
	}
	if err := o.adm.CommitAllOffsets(context.Background(), group, all); err != nil {
		t.Fatalf("commit offsets of group %q: %v", group, err)
	}
}

// Expel removes every member of a classic group, as an administrator does or the
// broker does when the session has expired: their next heartbeat and their commits
// are refused.
func (o operations) Expel(t testing.TB, group string) {
	t.Helper()
	if err := o.expel(context.Background(), group); err != nil {
		t.Fatalf("remove the members of group %q: %v", group, err)
	}
}

func (o operations) expel(ctx context.Context, group string) error {
	described, err := o.adm.DescribeGroups(ctx, group)
	if err == nil {
		err = described.Error()
	}
	if err != nil {
		return err
	}
	req := kmsg.NewPtrLeaveGroupRequest() // kadm removes static members only
	req.Group = group
	for _, m := range described[group].Members {
		leaving := kmsg.NewLeaveGroupRequestMember()
		leaving.MemberID, leaving.InstanceID = m.MemberID, m.InstanceID
		req.Members = append(req.Members, leaving)
	}
	resp, err := req.RequestWith(ctx, o.cl)
	if err != nil {
		return err
	}
	errs := []error{kerr.ErrorForCode(resp.ErrorCode)}
	for _, m := range resp.Members {
		errs = append(errs, kerr.ErrorForCode(m.ErrorCode))
	}
	return errors.Join(errs...)
}
