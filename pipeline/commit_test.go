package pipeline_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/function"
	"gantry/internal/rig"
	"gantry/pipeline/poll"
	"gantry/record"
)

// The client sends a commit again when its connection breaks; the first of the two may
// be served after newer ones, in the same generation.
func TestACommitThatArrivesLateIsMadeGood(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig.Rig) {
		var s seen
		p := r.Start(rig.Spec{Mapping: starting(map[int32]int64{0: 0}), Answer: s.ok})
		r.Produce(records(0, 3)...)
		pass(5 * time.Second)
		require.Equal(t, map[int32]int64{0: 3}, r.Fake.Committed(rig.Group, rig.Topic))

		late(t, r, 1)
		require.Equal(t, map[int32]int64{0: 1}, r.Fake.Committed(rig.Group, rig.Topic))
		pass(time.Minute)
		require.Equal(t, map[int32]int64{0: 3}, r.Fake.Committed(rig.Group, rig.Topic))

		late(t, r, 1)
		pass(time.Hour)
		require.Equal(t, map[int32]int64{0: 1}, r.Fake.Committed(rig.Group, rig.Topic), "an idle lane commits nothing for ever")
		require.NoError(t, p.Stop())
		require.Len(t, s.take(), 3)
	})
}

// late commits as the only member of the group would.
func late(t *testing.T, r *rig.Rig, at int64) {
	t.Helper()
	g := r.Fake.GroupInfo(rig.Group)
	require.Len(t, g.Members, 1)
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = rig.Group, g.Epoch
	req.MemberID, req.InstanceID = g.Members[0].MemberID, g.Members[0].InstanceID
	topic := kmsg.NewOffsetCommitRequestTopic()
	topic.Topic, topic.TopicID = rig.Topic, r.Fake.TopicInfo(rig.Topic).TopicID
	partition := kmsg.NewOffsetCommitRequestTopicPartition()
	partition.Offset = at
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(t.Context(), r.Fake.NewHost().Client(t))
	require.NoError(t, err)
	require.Zero(t, resp.Topics[0].Partitions[0].ErrorCode)
}

// While commits fail, a lane that has something to commit starts nothing new: each
// further batch would be one more to repeat.
func TestFailingCommitsHoldWhatWouldBeRepeated(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig.Rig) {
		var s seen
		m := starting(map[int32]int64{0: 0, 1: 0})
		m.BatchSize = 1
		p := r.Start(rig.Spec{Mapping: m, AsideOfJoins: true, Answer: func(ctx context.Context, c rig.Call) function.Outcome {
			time.Sleep(time.Second)
			return s.ok(ctx, c)
		}})
		pass(5 * time.Second)
		refused := r.Fake.FailCommits(rig.Group, -1, kerr.UnknownServerError)
		r.Produce(append(records(0, 5), records(1, 3)...)...)
		pass(time.Minute)
		first := s.take()
		require.Subset(t, []string{"one 0/0", "one 0/1", "one 1/0", "one 1/1"}, first, "what was in flight when the first commit failed, and nothing behind it")
		require.ErrorContains(t, p.Pipe.Snapshot().Cause, "UNKNOWN_SERVER_ERROR")

		refused.Remove()
		pass(2 * time.Minute)
		require.Len(t, append(first, s.take()...), 8)
		require.NoError(t, p.Pipe.Snapshot().Cause)
		require.Equal(t, map[int32]int64{0: 5, 1: 3}, r.Fake.Committed(rig.Group, rig.Topic))
		require.NoError(t, p.Stop())
	})
}

// The client holds a commit back while the group rebalances and would then send it in the
// generation that came of it, though somebody else may have read on in between.
func TestACommitIsMadeByWhoSettledIt(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig.Rig) {
		var s seen
		m := starting(map[int32]int64{0: 0, 1: 0})
		p := r.Start(rig.Spec{Mapping: m, Answer: s.ok})
		r.Produce(append(records(0, 3), records(1, 3)...)...)
		pass(5 * time.Second)
		before := p.Poller.Member()
		q := r.Start(rig.Spec{Name: "two", Mapping: m, Answer: s.ok})
		pass(10 * time.Second)
		require.NotEqual(t, before, p.Poller.Member())

		late := map[record.Partition]record.Offset{{Topic: rig.Topic, Index: 0}: {At: 1}, {Topic: rig.Topic, Index: 1}: {At: 1}}
		require.ErrorIs(t, p.Poller.Commit(t.Context(), before, late), poll.ErrAnotherGeneration)
		require.Equal(t, map[int32]int64{0: 3, 1: 3}, r.Fake.Committed(rig.Group, rig.Topic))
		r.Produce(append(records(0, 5), records(1, 5)...)...)
		pass(5 * time.Second)
		require.Equal(t, map[int32]int64{0: 8, 1: 8}, r.Fake.Committed(rig.Group, rig.Topic), "both go on")
		require.NoError(t, q.Stop())
		require.NoError(t, p.Stop())
	})
}

// Who is no member commits nothing: the broker would take it into a group that is empty.
func TestWhoIsNoMemberDoesNotCommit(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig.Rig) {
		p := r.Start(rig.Spec{Mapping: starting(map[int32]int64{0: 0}), Answer: new(seen).ok})
		r.Produce(records(0, 3)...)
		pass(5 * time.Second)
		require.NoError(t, p.Stop())
		away := r.Fake.NewHost()
		away.Cut()
		never, err := poll.New(poll.Config{Options: away.Options(), Dial: away.Dial, Group: rig.Group, Topics: []string{rig.Topic}, Log: slog.New(slog.DiscardHandler)}, p.Pipe)
		require.NoError(t, err)
		err = never.Commit(t.Context(), never.Member(), map[record.Partition]record.Offset{{Topic: rig.Topic, Index: 0}: {At: 1}})
		require.ErrorIs(t, err, kerr.UnknownMemberID)
		require.Equal(t, map[int32]int64{0: 3}, r.Fake.Committed(rig.Group, rig.Topic))
		over, cancel := context.WithCancel(t.Context())
		cancel()
		_ = never.Close(over)
	})
}
