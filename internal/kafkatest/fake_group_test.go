package kafkatest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

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

func TestFakeTransactionCommitsOffsetsWithItsRecords(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := Virtual(t, kfake.SeedTopics(1, "in", "out"))
		ProduceValues(t, f, "in", 0, "a")
		s, err := kgo.NewGroupTransactSession(append(f.Options(), append(member("in"), kgo.TransactionalID("tx"),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()))...)...)
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
