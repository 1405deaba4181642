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

// group waits until group g is as wanted.
func group(t *testing.T, f *Fake, want func(g *kfake.GroupInfo) bool) *kfake.GroupInfo {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	g, err := f.WaitGroupInfo(ctx, "g", func(g *kfake.GroupInfo) bool { return g != nil && g.State == "Stable" && want(g) })
	require.NoError(t, err)
	return g
}

func members(n int) func(g *kfake.GroupInfo) bool {
	return func(g *kfake.GroupInfo) bool { return len(g.Members) == n }
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

func TestFakeExpiresACrashedMemberAfterItsSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(2, "orders"))
		crashed := f.NewHost()
		crashed.Client(t, member("orders", kgo.SessionTimeout(10*time.Second))...)
		group(t, f, members(1))
		dead := f.GroupInfo("g").Members[0].MemberID
		crashed.Cut()
		died := time.Now()
		f.Join(t, "g", "orders", kgo.SessionTimeout(10*time.Second))
		group(t, f, func(g *kfake.GroupInfo) bool {
			return len(g.Members) == 1 && g.Members[0].MemberID != dead && g.NumAssigned() == 2
		})
		require.GreaterOrEqual(t, time.Since(died), 9*time.Second)
	})
}

func TestFakeHandsAStaticMemberItsPartitionsBackAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(4, "orders"))
		static := func(id string) []kgo.Opt { return []kgo.Opt{kgo.InstanceID(id), kgo.Balancers(kgo.RangeBalancer())} }
		f.Join(t, "g", "orders", static("i-2")...)
		group(t, f, members(1))
		crashed := f.NewHost()
		crashed.Client(t, member("orders", static("i-1")...)...)
		before := group(t, f, func(g *kfake.GroupInfo) bool {
			return len(g.Members) == 2 && g.NumAssigned() == 4
		})
		crashed.Cut()
		died := time.Now()
		cl := f.Client(t, member("orders", static("i-1")...)...)
		for p := range int32(4) {
			ProduceValues(t, f, "orders", p, "x")
		}
		require.Equal(t, []string{"x", "x"}, values(t, cl, 2))
		require.Less(t, time.Since(died), time.Second)
		require.Equal(t, before.Epoch, f.GroupInfo("g").Epoch, "the other member was not asked to rebalance")
		cl.Close()
		require.Len(t, f.GroupInfo("g").Members, 2, "closing a client does not make a static member leave")
	})
}

// Kafka compares the name of the protocol; kfake compares all that the member sent with
// its last join, and kgo sends its generation and what it owned.
func TestFakeRebalancesForAStaticMemberThatHadRejoined(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(4, "orders"))
		crashed := f.NewHost()
		crashed.Client(t, member("orders", kgo.InstanceID("i-1"))...)
		group(t, f, members(1))
		f.Join(t, "g", "orders", kgo.InstanceID("i-2"))
		before := group(t, f, func(g *kfake.GroupInfo) bool {
			return len(g.Members) == 2 && g.Members[0].NumAssigned() == 2 && g.NumAssigned() == 4
		})
		crashed.Cut()
		died := time.Now()
		f.Client(t, member("orders", kgo.InstanceID("i-1"))...)
		after := group(t, f, func(g *kfake.GroupInfo) bool {
			return g.Epoch > before.Epoch && g.NumAssigned() == 4
		})
		require.Len(t, after.Members, 2)
		require.Less(t, time.Since(died), 6*time.Second, "sooner than the session timeout")
	})
}

func TestFakeRejoinAndExpel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"))
		lost := make(chan struct{}, 1)
		cl := f.Client(t, member("orders", kgo.OnPartitionsLost(func(context.Context, *kgo.Client, map[string][]int32) {
			lost <- struct{}{}
		}))...)
		ProduceValues(t, f, "orders", 0, "a")
		values(t, cl, 1)
		first := f.GroupInfo("g").Epoch
		f.Rejoin(t, "g")
		group(t, f, func(g *kfake.GroupInfo) bool { return g.Epoch > first })
		require.Empty(t, lost, "a rebalance is no loss")
		f.Expel(t, "g")
		<-lost
		group(t, f, members(1)) // it joins again
		require.Equal(t, []string{"a"}, values(t, cl, 1), "and reads from its last commit, here none")
		f.Expel(t, "g")
		require.Error(t, cl.CommitUncommittedOffsets(t.Context()), "the commit of a removed member is refused")
	})
}

func TestFakeGroupWithMembersRefusesAnAdministratorsCommit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"))
		leave := f.Join(t, "g", "orders")
		group(t, f, members(1))
		offsets := kadm.Offsets{}
		offsets.AddOffset("orders", 0, 7, -1)
		require.Error(t, f.Admin(t).CommitAllOffsets(t.Context(), "g", offsets))
		leave()
		f.Commit(t, "g", "orders", map[int32]int64{0: 7})
		require.Equal(t, map[int32]int64{0: 7}, f.Committed("g", "orders"))
		f.Expire(t, "g")
		require.Empty(t, f.Committed("g", "orders"))
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

func TestFakeConsumerFindsAddedPartitions(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"))
		cl := f.Client(t, member("orders", kgo.MetadataMaxAge(10*time.Second), kgo.MetadataMinAge(time.Second))...)
		ProduceValues(t, f, "orders", 0, "a")
		values(t, cl, 1)
		f.AddPartitions(t, "orders", 3)
		ProduceValues(t, f, "orders", 2, "b")
		require.Equal(t, []string{"b"}, values(t, cl, 1))
	})
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

func TestFakeTransactionCommitsOffsetsWithItsRecords(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "in", "out"))
		ProduceValues(t, f, "in", 0, "a")
		s, err := kgo.NewGroupTransactSession(append(f.Options(), append(member("in"), kgo.TransactionalID("tx"),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.RequireStableFetchOffsets())...)...)
		require.NoError(t, err)
		defer s.Close()
		require.Equal(t, 1, s.PollFetches(t.Context()).NumRecords())
		require.NoError(t, s.Begin())
		require.NoError(t, s.ProduceSync(t.Context(), &kgo.Record{Topic: "out", Value: []byte("b")}).FirstErr())
		require.Empty(t, f.Committed("g", "in"))
		committed, err := s.End(t.Context(), kgo.TryCommit)
		require.NoError(t, err)
		require.True(t, committed)
		require.Equal(t, map[int32]int64{0: 1}, f.Committed("g", "in"))
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

func TestFakeSpeaksKIP848(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(4, "orders"))
		// kgo asks for the opt-in by option; without it a group is classic.
		cl := f.Client(t, member("orders", kgo.ServerSideBalancer())...)
		f.Join(t, "g", "orders", kgo.ServerSideBalancer())
		group(t, f, func(g *kfake.GroupInfo) bool {
			return len(g.Members) == 2 && g.Members[0].NumAssigned() == 2 && g.Members[1].NumAssigned() == 2
		})
		listed, err := kmsg.NewPtrListGroupsRequest().RequestWith(t.Context(), cl)
		require.NoError(t, err)
		require.Len(t, listed.Groups, 1)
		require.Equal(t, "consumer", listed.Groups[0].GroupType)
		_, epoch := cl.GroupMetadata()
		require.Positive(t, epoch)
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

func TestFakeStaticMemberLeavesByInstanceID(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"))
		cl := f.Client(t, member("orders", kgo.InstanceID("i-1"))...)
		group(t, f, members(1))
		cl.Close()
		require.Len(t, f.GroupInfo("g").Members, 1)
		left, err := f.Admin(t).LeaveGroup(t.Context(), kadm.LeaveGroup("g").InstanceIDs("i-1"))
		require.NoError(t, err)
		require.NoError(t, left.Error())
		require.Empty(t, f.GroupInfo("g").Members)
	})
}

func TestFakeFencesASecondProcessWithTheSameInstanceID(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "orders"))
		older := f.Client(t, member("orders", kgo.InstanceID("i-1"))...)
		ProduceValues(t, f, "orders", 0, "a")
		values(t, older, 1)
		f.Client(t, member("orders", kgo.InstanceID("i-1"))...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, older.PollFetches(ctx).Err(), kerr.FencedInstanceID)
	})
}

func TestFakeAcceptsCommitsOfPartitionsNotOwned(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(2, "orders"), kfake.SeedTopics(1, "other"))
		cl := f.Client(t, member("orders")...)
		group(t, f, members(1))
		done := make(chan error, 1)
		cl.CommitOffsetsSync(t.Context(), map[string]map[int32]kgo.EpochOffset{"other": {0: {Epoch: -1, Offset: 3}}},
			func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
				require.NoError(t, err)
				done <- kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
			})
		require.NoError(t, <-done)
		require.Equal(t, map[int32]int64{0: 3}, f.Committed("g", "other"))
	})
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
