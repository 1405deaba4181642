package pipeline_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/internal/rig"
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
