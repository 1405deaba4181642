package kafka_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/record"
)

func brisk() kafka.Pace { return kafka.Pace{Requests: 1e6, Partitions: 1e6, Bytes: 1e9} }

func surveyor(t *testing.T, f *kafkatest.Fake, p kafka.Pace) *kafka.Surveyor {
	t.Helper()
	h := f.NewHost()
	s, err := kafka.OpenSurveyor(kafka.Cluster{Brokers: h.Brokers(), Dial: h.Dial}, p)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func partitions(topic string, n int32) []record.Partition {
	out := make([]record.Partition, n)
	for i := range out {
		out[i] = record.Partition{Topic: topic, Index: int32(i)}
	}
	return out
}

// A Surveyor asks no more in a second than it may, over all that it asks.
func TestSurveyorPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := kafkatest.Virtual(t, kfake.SeedTopics(50, "orders"))
		s := surveyor(t, f, kafka.Pace{Requests: 100, Partitions: 100, Bytes: 1e9})
		_, err := s.Layout(t.Context())
		require.NoError(t, err)
		began := time.Now()
		for range 10 {
			marks, err := s.Marks(t.Context(), kafka.MomentOf(began), partitions("orders", 50))
			require.NoError(t, err)
			require.Len(t, marks, 50)
		}
		// The last is not waited for.
		require.InDelta(t, 9*0.5, time.Since(began).Seconds(), 0.5)
		asked, bytes := s.Asked()
		require.Equal(t, 10, asked["ListOffsets"])
		require.Positive(t, bytes)

		began = time.Now()
		cut, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err = s.Marks(cut, kafka.AtEnd, partitions("orders", 50))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.InDelta(t, 0.1, time.Since(began).Seconds(), 0.01)
	})
}

// What went wrong with one partition is an answer about that one; a leader that moves is
// asked for again.
func TestSurveyorMarks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := kafkatest.Virtual(t, kfake.Ports(9092, 9093, 9094), kfake.SeedTopics(6, "orders"))
		at := time.Now()
		for p := range int32(6) {
			kafkatest.Produce(t, f, &kgo.Record{Topic: "orders", Partition: p, Timestamp: at}, &kgo.Record{Topic: "orders", Partition: p, Timestamp: at.Add(time.Minute)})
		}
		s := surveyor(t, f, brisk())
		_, err := s.Layout(t.Context())
		require.NoError(t, err)
		f.MoveLeader(t, "orders", 0, 2)
		f.MoveLeader(t, "orders", 1, 0)
		asked := append(partitions("orders", 7), record.Partition{Topic: "nowhere"})
		marks, err := s.Marks(t.Context(), kafka.MomentOf(at.Add(time.Second)), asked)
		require.NoError(t, err)
		for p := range int32(6) {
			require.Equal(t, kafka.Mark{Offset: 1, Time: at.Add(time.Minute).UnixMilli()}, marks[record.Partition{Topic: "orders", Index: p}])
		}
		require.ErrorIs(t, marks[record.Partition{Topic: "orders", Index: 6}].Err, kerr.UnknownTopicOrPartition)
		require.ErrorIs(t, marks[record.Partition{Topic: "nowhere"}].Err, kerr.UnknownTopicOrPartition)
		after, err := s.Marks(t.Context(), kafka.MomentOf(at.Add(time.Hour)), partitions("orders", 1))
		require.NoError(t, err)
		require.EqualValues(t, -1, after[partitions("orders", 1)[0]].Offset)
	})
}

// Records come from their leaders without a session, a group or a commit, whole batches
// also where they are larger than what was asked for.
func TestSurveyorSample(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := kafkatest.Virtual(t, kfake.Ports(9092, 9093, 9094), kfake.SeedTopics(4, "orders"))
		at := time.Now().Truncate(time.Millisecond)
		var places []record.Position
		for p := range int32(4) {
			kafkatest.Produce(t, f, &kgo.Record{Topic: "orders", Partition: p, Timestamp: at, Key: []byte("k"), Value: make([]byte, 5000)})
			kafkatest.Produce(t, f, &kgo.Record{Topic: "orders", Partition: p, Timestamp: at.Add(time.Minute), Value: []byte("v")})
			places = append(places, record.Position{Topic: "orders", Partition: p, Offset: 0})
		}
		s := surveyor(t, f, brisk())
		_, err := s.Layout(t.Context())
		require.NoError(t, err)
		f.MoveLeader(t, "orders", 3, 0)
		f.MoveLeader(t, "orders", 2, 1)
		runs, err := s.Sample(t.Context(), places, 100)
		require.NoError(t, err)
		require.Len(t, runs, 4)
		for _, r := range runs {
			require.NoError(t, r.Err)
			require.Equal(t, []byte("k"), r.Records[0].Key)
			require.Equal(t, 1, r.Batches.Codecs["none"]+r.Batches.Codecs["snappy"])
		}
		heads, err := s.Heads(t.Context(), places)
		require.NoError(t, err)
		require.Len(t, heads, 4)
		for _, h := range heads {
			require.True(t, h.Known)
			require.True(t, at.Equal(h.At(0)), "%v", h)
		}
		gone, err := s.Sample(t.Context(), []record.Position{{Topic: "nowhere"}}, 100)
		require.NoError(t, err)
		require.Error(t, gone[0].Err)
		asked, _ := s.Asked()
		for _, name := range []string{"JoinGroup", "OffsetCommit", "Produce", "CreateTopics", "ConsumerGroupHeartbeat"} {
			require.NotContains(t, asked, name)
		}
	})
}

// Groups that answer with an error are told apart from those that are gone.
func TestSurveyorGroups(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := kafkatest.Virtual(t, kfake.Ports(9092, 9093), kfake.SeedTopics(2, "orders"))
		f.Commit(t, "resting", "orders", map[int32]int64{0: 5, 1: 7})
		f.Join(t, "reading", "orders")
		f.Join(t, "modern", "orders", kgo.ServerSideBalancer())
		time.Sleep(10 * time.Second)
		s := surveyor(t, f, brisk())
		_, err := s.Layout(t.Context())
		require.NoError(t, err)
		groups, err := s.Groups(t.Context())
		require.NoError(t, err)
		require.Len(t, groups, 3)
		f.Expire(t, "resting")
		require.NoError(t, s.Describe(t.Context(), groups))
		require.Equal(t, "modern", groups[0].ID)
		require.Equal(t, "consumer", groups[0].Type)
		require.Equal(t, partitions("orders", 2), groups[0].Assigned())
		require.Equal(t, "reading", groups[1].ID)
		require.Equal(t, "consumer", groups[1].Protocol)
		require.Equal(t, partitions("orders", 2), groups[1].Assigned())
		require.False(t, groups[2].Exists, "it was deleted meanwhile")

		f.Commit(t, "resting", "orders", map[int32]int64{0: 5, 1: 7})
		at, err := s.Positions(t.Context(), []string{"resting", "reading", "never was"})
		require.NoError(t, err)
		require.EqualValues(t, 7, at["resting"].At[record.Partition{Topic: "orders", Index: 1}].At)
		require.Empty(t, at["reading"].At)
		require.NoError(t, at["never was"].Err)

		f.ControlKey(int16(kmsg.DescribeGroups), func(req kmsg.Request) (kmsg.Response, error, bool) {
			resp := req.ResponseKind().(*kmsg.DescribeGroupsResponse)
			for _, id := range req.(*kmsg.DescribeGroupsRequest).Groups {
				g := kmsg.NewDescribeGroupsResponseGroup()
				g.Group, g.ErrorCode = id, kerr.GroupAuthorizationFailed.Code
				resp.Groups = append(resp.Groups, g)
			}
			return resp, nil, true
		})
		require.NoError(t, s.Describe(t.Context(), groups[1:2]))
		var denied *kafka.Denied
		require.ErrorAs(t, groups[1].Err, &denied)
		require.Equal(t, "reading", denied.Name)
	})
}
