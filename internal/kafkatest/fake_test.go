package kafkatest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// bubble runs a test in a synctest bubble: its clock moves only while all wait, and
// the test fails if a goroutine outlives it.
func bubble(t *testing.T, fn func(t *testing.T)) {
	t.Parallel()
	synctest.Test(t, fn)
}

func member(topic string, more ...kgo.Opt) []kgo.Opt {
	return append([]kgo.Opt{
		kgo.ConsumerGroup("g"),
		kgo.ConsumeTopics(topic),
		kgo.DisableAutoCommit(),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
	}, more...)
}

// values polls until n records came and gives their values in order.
func values(t *testing.T, cl *kgo.Client, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out []string
	for len(out) < n {
		fs := cl.PollFetches(ctx)
		var session *kgo.ErrGroupSession // kgo reports it, then joins again by itself
		if err := fs.Err(); !errors.As(err, &session) {
			require.NoError(t, err)
		}
		fs.EachRecord(func(r *kgo.Record) { out = append(out, string(r.Value)) })
	}
	return out
}

func TestFakeCarriesRecordsInABubble(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(2, "orders"))
		cl := f.Client(t, member("orders")...)
		require.EqualValues(t, 0, ProduceValues(t, f, "orders", 1, "a", "b"))
		require.Equal(t, []string{"a", "b"}, values(t, cl, 2))
		require.NoError(t, cl.CommitUncommittedOffsets(t.Context()))
		require.Equal(t, map[int32]int64{1: 2}, f.Committed("g", "orders"))
	})
}

func TestFakeFailsCommitsWithoutKeepingThem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"))
		cl := f.Client(t, member("orders")...)
		ProduceValues(t, f, "orders", 0, "a")
		values(t, cl, 1)
		fault := f.FailCommits("g", 1, kerr.UnknownMemberID)
		require.Error(t, cl.CommitUncommittedOffsets(t.Context()))
		require.Equal(t, 1, fault.Hits())
		require.Empty(t, f.Committed("g", "orders"))
		require.NoError(t, cl.CommitUncommittedOffsets(t.Context()))
		require.Equal(t, map[int32]int64{0: 1}, f.Committed("g", "orders"))
	})
}

func TestFakeFailsFetchesOfOnePartition(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(2, "orders"))
		fault := f.FailFetches("orders", -1, kerr.TopicAuthorizationFailed, 1)
		cl := f.Client(t, member("orders")...)
		ProduceValues(t, f, "orders", 0, "a")
		ProduceValues(t, f, "orders", 1, "b")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var got, failed []int32
		for len(got) < 2 {
			fs := cl.PollFetches(ctx)
			require.NoError(t, ctx.Err())
			fs.EachRecord(func(r *kgo.Record) { got = append(got, r.Partition) })
			fs.EachError(func(_ string, p int32, err error) {
				require.ErrorIs(t, err, kerr.TopicAuthorizationFailed)
				failed = append(failed, p)
			})
			if len(got) == 1 && len(failed) > 0 {
				fault.Remove()
			}
		}
		require.Equal(t, []int32{0, 1}, got, "each record once, the healthy partition first")
		require.Equal(t, int32(1), failed[0])
	})
}

func TestFakeHoldsACommitUntilReleased(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"))
		cl := f.Client(t, member("orders")...)
		ProduceValues(t, f, "orders", 0, "a")
		values(t, cl, 1)
		release := f.Hold(kmsg.OffsetCommit)
		done := make(chan error, 1)
		go func() { done <- cl.CommitUncommittedOffsets(context.Background()) }()
		time.Sleep(3 * time.Second)
		require.Empty(t, done)
		require.Empty(t, f.Committed("g", "orders"))
		release()
		require.NoError(t, <-done)
		require.Equal(t, map[int32]int64{0: 1}, f.Committed("g", "orders"))
		ProduceValues(t, f, "orders", 0, "b")
		values(t, cl, 1)
		require.NoError(t, cl.CommitUncommittedOffsets(t.Context()), "held once only")
	})
}

func TestFakeLosesTheAnswerOfAnAppliedCommit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"))
		cl := f.Client(t, member("orders")...)
		ProduceValues(t, f, "orders", 0, "a")
		values(t, cl, 1)
		seen := f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: "g", Count: -1, Observe: true})
		f.LoseAnswers(kmsg.OffsetCommit, 1)
		require.NoError(t, cl.CommitUncommittedOffsets(t.Context()), "kgo asks again")
		require.Equal(t, 2, seen.Hits())
		require.Equal(t, map[int32]int64{0: 1}, f.Committed("g", "orders"))
	})
}

func TestFakeSurvivesACutCable(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"))
		cl := f.Client(t, member("orders")...)
		ProduceValues(t, f, "orders", 0, "a")
		values(t, cl, 1)
		f.Drop()
		ProduceValues(t, f.NewHost(), "orders", 0, "b")
		require.Equal(t, []string{"b"}, values(t, cl, 1))
		require.NoError(t, cl.CommitUncommittedOffsets(t.Context()))
		f.Cut()
		ProduceValues(t, f.NewHost(), "orders", 0, "c")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		require.Zero(t, cl.PollRecords(ctx, 1).NumRecords())
		f.Heal()
		require.Equal(t, []string{"c"}, values(t, cl, 1))
	})
}

func TestFakeRetentionGivesOffsetOutOfRange(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"))
		ProduceValues(t, f, "orders", 0, "a", "b", "c", "d")
		f.Commit(t, "g", "orders", map[int32]int64{0: 1})
		f.Retain(t, "orders", 0, 3)
		cl := f.Client(t, append(member("orders"), kgo.ConsumeResetOffset(kgo.NoResetOffset()))...)
		fs := cl.PollFetches(t.Context())
		require.ErrorIs(t, fs.Err(), kerr.OffsetOutOfRange)
		starts, err := f.Admin(t).ListStartOffsets(t.Context(), "orders")
		require.NoError(t, err)
		start, _ := starts.Lookup("orders", 0)
		require.EqualValues(t, 3, start.Offset)
	})
}

func TestFakeAppliesTimeRetention(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t)
		require.NoError(t, f.CreateTopic("orders", 1, map[string]string{"retention.ms": "60000"}))
		ProduceValues(t, f, "orders", 0, "a")
		time.Sleep(time.Hour)
		ProduceValues(t, f, "orders", 0, "b")
		f.ApplyRetention()
		require.EqualValues(t, 1, f.PartitionInfo("orders", 0).LogStartOffset)
	})
}

func TestFakeRecreatedTopicHasANewIDAndNoCommits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"))
		f.Commit(t, "g", "orders", map[int32]int64{0: 5})
		before := topicID(t, f)
		f.Recreate(t, "orders", 2)
		require.NotEqual(t, before, topicID(t, f))
		require.Empty(t, f.Committed("g", "orders"))
	})
}

func topicID(t *testing.T, f *Fake) kadm.TopicID {
	topics, err := f.Admin(t).ListTopics(t.Context(), "orders")
	require.NoError(t, err)
	require.NotZero(t, topics["orders"].ID)
	return topics["orders"].ID
}

func TestFakeTransactionsLeaveHolesAndHideAborts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"))
		tx := f.Client(t, kgo.TransactionalID("tx"), kgo.DefaultProduceTopic("orders"))
		for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit} {
			require.NoError(t, tx.BeginTransaction())
			value := map[kgo.TransactionEndTry]string{kgo.TryCommit: "kept", kgo.TryAbort: "aborted"}[end]
			require.NoError(t, tx.ProduceSync(t.Context(), kgo.StringRecord(value)).FirstErr())
			require.NoError(t, tx.EndTransaction(t.Context(), end))
		}
		cl := f.Client(t, member("orders", kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)
		var offsets []int64
		for len(offsets) < 2 {
			cl.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
				require.Equal(t, "kept", string(r.Value))
				offsets = append(offsets, r.Offset)
			})
		}
		require.Equal(t, []int64{0, 4}, offsets)
		require.EqualValues(t, 6, f.PartitionInfo("orders", 0).HighWatermark)
	})
}

func TestFakeCompactionLeavesHoles(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t)
		require.NoError(t, f.CreateTopic("orders", 1, map[string]string{
			"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0", "segment.bytes": "1048576", "segment.ms": "1000",
		}))
		for _, key := range []string{"a", "b", "a", "c"} {
			Produce(t, f, &kgo.Record{Topic: "orders", Key: []byte(key), Value: []byte("v")})
			time.Sleep(2 * time.Second)
		}
		f.Compact()
		cl := f.Client(t, member("orders")...)
		var offsets []int64
		for len(offsets) < 3 {
			cl.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) { offsets = append(offsets, r.Offset) })
		}
		require.Equal(t, []int64{1, 2, 3}, offsets)
	})
}

func TestFakeChecksACLs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"), kfake.EnableACLs())
		cl := f.Client(t, kgo.ConsumeTopics("orders"))
		err := cl.PollFetches(t.Context()).Err()
		require.True(t, errors.Is(err, kerr.TopicAuthorizationFailed), "%v", err)
	})
}

func TestFakeMovesLeaders(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.Ports(9092, 9093, 9094), kfake.SeedTopics(1, "orders"))
		cl := f.Client(t, member("orders")...)
		ProduceValues(t, f, "orders", 0, "a")
		values(t, cl, 1)
		for i, value := range []string{"b", "c"} {
			f.MoveLeader(t, "orders", 0, (f.LeaderFor("orders", 0)+1)%3)
			ProduceValues(t, f, "orders", 0, value)
			require.Equal(t, []string{value}, values(t, cl, 1))
			require.EqualValues(t, i+1, f.PartitionInfo("orders", 0).Epoch)
		}
	})
}

func TestFakeReportsTruncation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.Ports(9092, 9093), kfake.SeedTopics(1, "orders"))
		cl := f.Client(t, member("orders")...)
		ProduceValues(t, f, "orders", 0, "a", "b", "c")
		values(t, cl, 3)
		f.ElectUncleanly(t, "orders", 0, (f.LeaderFor("orders", 0)+1)%2, 1)
		var loss *kgo.ErrDataLoss
		require.ErrorAs(t, cl.PollFetches(t.Context()).Err(), &loss)
		require.EqualValues(t, 3, loss.ConsumedTo)
		require.EqualValues(t, 1, loss.ResetTo)
	})
}

func TestLocalListensOnRealPorts(t *testing.T) {
	t.Parallel()
	f := Local(t, kfake.SeedTopics(1, "orders"))
	Fill(t, f, Load{Topic: "orders", Partitions: 1, Records: 3, Size: 40})
	cl, err := kgo.NewClient(append(member("orders"), kgo.SeedBrokers(f.Brokers()...))...)
	require.NoError(t, err)
	defer cl.Close()
	first := values(t, cl, 3)[0]
	require.Len(t, first, 40)
	require.JSONEq(t, `{"n":0,"pad":"xxxxxxxxxxxxxxxxxxxxxxxx"}`, first)
}

func TestFakeFindsOffsetsByTimestamp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"))
		ProduceValues(t, f, "orders", 0, "a")
		time.Sleep(time.Hour)
		middle := time.Now().UnixMilli()
		time.Sleep(time.Hour)
		ProduceValues(t, f, "orders", 0, "b")
		found, err := f.Admin(t).ListOffsetsAfterMilli(t.Context(), middle, "orders")
		require.NoError(t, err)
		o, _ := found.Lookup("orders", 0)
		require.EqualValues(t, 1, o.Offset)
	})
}

func TestFakeSlowsRequestsDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"))
		stop := f.Slow(kmsg.Produce, 2*time.Second)
		begin := time.Now()
		ProduceValues(t, f, "orders", 0, "a")
		require.GreaterOrEqual(t, time.Since(begin), 2*time.Second)
		stop()
		begin = time.Now()
		ProduceValues(t, f, "orders", 0, "b")
		require.Less(t, time.Since(begin), time.Second)
	})
}

func TestFakeExpiresOffsetsByTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"), kfake.BrokerConfigs(map[string]string{"offsets.retention.minutes": "10"}))
		f.Commit(t, "g", "orders", map[int32]int64{0: 0})
		time.Sleep(9 * time.Minute)
		require.NotEmpty(t, f.Committed("g", "orders"))
		time.Sleep(15 * time.Minute)
		require.Empty(t, f.Committed("g", "orders"))
	})
}
