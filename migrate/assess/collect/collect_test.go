package collect_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/internal/clustertest"
	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/migrate/assess/collect"
	"gantry/workload"
)

// way is how the in-memory cluster is reached.
func way(f *kafkatest.Fake) kafka.Cluster {
	h := f.NewHost()
	return kafka.Cluster{Brokers: h.Brokers(), Dial: h.Dial}
}

// virtual runs a test in a bubble, where a minute of watching takes none.
func virtual(t *testing.T, test func(t *testing.T, f *kafkatest.Fake), opts ...kfake.Opt) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		test(t, kafkatest.Virtual(t, opts...))
	})
}

func run(t *testing.T, f *kafkatest.Fake, o collect.Options) workload.Survey {
	t.Helper()
	s, err := collect.Run(t.Context(), way(f), o)
	require.NoError(t, err)
	return s
}

func group(t *testing.T, s workload.Survey, id string) workload.Group {
	t.Helper()
	for _, g := range s.Groups {
		if g.ID == id {
			return g
		}
	}
	require.Fail(t, "the group is not in the survey", "%s; there are %v", id, s.Groups)
	return workload.Group{}
}

func topic(t *testing.T, s workload.Survey, name string) workload.Topic {
	t.Helper()
	for _, of := range s.Topics {
		if of.Name == name {
			return of
		}
	}
	require.Fail(t, "the topic is not in the survey", name)
	return workload.Topic{}
}

// every does something each so often until the test ends.
func every(t *testing.T, d time.Duration, do func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(d)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				do(ctx)
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

func write(t *testing.T, f *kafkatest.Fake, topic string, n int) {
	t.Helper()
	values := make([]string, n)
	kafkatest.ProduceValues(t, f, topic, 0, values...)
}

// Every class that an in-memory cluster can have is told from the others.
func TestClasses(t *testing.T) {
	virtual(t, func(t *testing.T, f *kafkatest.Fake) {
		write(t, f, "orders", 100)
		write(t, f, "orders-app-store-changelog", 5)
		admin := f.Admin(t)
		at := func(group, topic string, offset int64) {
			all := kadm.Offsets{}
			all.AddOffset(topic, 0, offset, -1)
			require.NoError(t, admin.CommitAllOffsets(t.Context(), group, all))
		}
		at("plain", "orders", 40)
		clustertest.Join(t, f, clustertest.Membership{Group: "plain", Topics: []string{"orders"}, InstanceID: "pod-0"})
		clustertest.Join(t, f, clustertest.Membership{Group: "by-assignor", Topics: []string{"orders"}, Assignor: "stream"})
		clustertest.Join(t, f, clustertest.Membership{Group: "by-client", Topics: []string{"orders"}, ClientID: "x-StreamThread-1-consumer"})
		at("orders-app", "orders", 1)
		at("orders", "orders", 1)
		clustertest.Join(t, f, clustertest.Membership{Group: "workers", Topics: []string{"orders"}, Protocol: "connect", Assignor: "sessioned"})
		at("connect-archive", "orders", 100)
		clustertest.Join(t, f, clustertest.Membership{Group: "sink", Topics: []string{"orders"}, ClientID: "connector-consumer-sink-0"})
		clustertest.Join(t, f, clustertest.Membership{Group: "outside", Topics: []string{"orders"}})
		clustertest.Join(t, f, clustertest.Membership{Group: "nothing-yet", Topics: []string{"empty"}})
		clustertest.Join(t, f, clustertest.Membership{Group: "registry", Topics: []string{"orders"}, Protocol: "sr"})
		at("idle", "orders", 90)
		f.Join(t, "next-generation", "orders", kgo.ServerSideBalancer())
		share(t, f, "shared", "orders")
		moved := int64(10)
		every(t, 2*time.Second, func(context.Context) { moved += 3; at("by-hand", "orders", min(moved, 100)) })
		synctest.Wait()
		time.Sleep(10 * time.Second)

		s := run(t, f, collect.Options{})
		for id, class := range map[string]workload.Class{
			"plain": workload.Plain, "by-assignor": workload.Streams, "by-client": workload.Streams, "orders-app": workload.Streams,
			"orders": workload.Idle, "workers": workload.Connect, "connect-archive": workload.Connect, "sink": workload.Connect,
			"outside": workload.Outside, "nothing-yet": workload.Plain, "registry": workload.Unknown, "idle": workload.Idle,
			"by-hand": workload.Manual, "next-generation": workload.Outside, "shared": workload.Share,
		} {
			g := group(t, s, id)
			require.Equal(t, class, g.Class, "%s: %s", id, g.Why)
			require.NotEmpty(t, g.Why)
		}
		plain := group(t, s, "plain")
		require.Equal(t, []workload.Position{{Topic: "orders", Committed: 40, End: 100}}, plain.Positions)
		require.EqualValues(t, 60, plain.Lag)
		require.Equal(t, "pod-0", plain.Members[0].InstanceID)
		require.Equal(t, map[string][]int32{"orders": {0}}, plain.Members[0].Assigned)
		require.Equal(t, "consumer", group(t, s, "next-generation").Type)
		require.EqualValues(t, -1, group(t, s, "outside").Positions[0].Committed)
		require.Len(t, s.Caveats, 1)
		require.Contains(t, s.Caveats[0], "all its records are younger", "the records of the test are not an hour old")
	}, kfake.SeedTopics(1, "orders", "empty", "orders-app-store-changelog"))
}

// share makes a member of a share group by its heartbeat alone.
func share(t *testing.T, f *kafkatest.Fake, group, topic string) {
	t.Helper()
	client := f.Client(t)
	req := kmsg.NewPtrShareGroupHeartbeatRequest()
	req.GroupID, req.MemberID, req.SubscribedTopicNames = group, "c5b0f9d4-9d2c-4b9e-8a52-0a7a5f6f7d11", []string{topic}
	resp, err := req.RequestWith(t.Context(), client)
	require.NoError(t, err)
	require.Zero(t, resp.ErrorCode)
}

// What a group commits is watched once a second: how often, how much at once, and how
// fast it is when it has work.
func TestCadence(t *testing.T) {
	virtual(t, func(t *testing.T, f *kafkatest.Fake) {
		write(t, f, "orders", 5000)
		member := clustertest.Join(t, f, clustertest.Membership{Group: "service", Topics: []string{"orders"}})
		at := int64(0)
		require.NoError(t, member.Commit(t.Context(), "orders", map[int32]int64{0: 0}))
		every(t, 5*time.Second, func(ctx context.Context) {
			at += 200
			_ = member.Commit(ctx, "orders", map[int32]int64{0: at}) // the test may be over
		})
		s := run(t, f, collect.Options{})
		c := group(t, s, "service").Commits
		require.NotNil(t, c)
		require.InDelta(t, 60, c.Watched.Seconds(), 1)
		require.InDelta(t, 5, c.Interval.Seconds(), 0.1)
		require.EqualValues(t, 200, c.Step)
		require.InDelta(t, 40, c.Rate, 1)
		require.InDelta(t, 40, c.Drain, 5)
	}, kfake.SeedTopics(1, "orders"))
}

// Rates by timestamps are what was written, by hour and partition, and asking costs
// little where nothing was.
func TestRates(t *testing.T) {
	virtual(t, func(t *testing.T, f *kafkatest.Fake) {
		made := clustertest.Build(t, f, clustertest.Spec{Topics: 10, PerHour: 4, Snappy: true})
		s := run(t, f, collect.Options{SampleRecords: new(int), WatchFor: new(time.Duration)})
		for _, want := range made.Topics {
			got := topic(t, s, want.Name)
			require.True(t, got.TimestampsSane)
			require.Equal(t, made.From, got.Rate.From)
			require.Equal(t, time.Hour, got.Rate.Width)
			require.Len(t, got.Rate.Counts, made.Hours)
			for h := range made.Hours {
				require.EqualValues(t, want.Hour(h), got.Rate.Counts[h], "%s, hour %d", want.Name, h)
			}
			for p := range want.Counts {
				for h, n := range want.Counts[p] {
					require.EqualValues(t, n, got.Partitions[p].Rate.Counts[h])
				}
			}
		}
		require.Empty(t, s.Caveats)
		require.LessOrEqual(t, s.Requests["ListOffsets"], 168+5, "one round for each edge, not for each topic")
		require.Nil(t, s.Topics[0].Sample)
		require.NotContains(t, s.Requests, "Fetch")
	})
}

// A quick pass has the last 24 hours, and says what it does not know.
func TestQuick(t *testing.T) {
	virtual(t, func(t *testing.T, f *kafkatest.Fake) {
		made := clustertest.Build(t, f, clustertest.Spec{Topics: 5, Groups: 4, Hours: 48, Snappy: true})
		forecast, err := collect.Estimate(t.Context(), way(f), collect.Options{Quick: true})
		require.NoError(t, err)
		began := time.Now()
		s := run(t, f, collect.Options{Quick: true, Name: "shop"})
		require.Less(t, time.Since(began), forecast.Takes*12/10+time.Second)
		require.True(t, s.Quick)
		require.Equal(t, "shop", s.Cluster)
		require.Contains(t, strings.Join(s.Caveats, "\n"), "sizes and keys are not known")
		require.Equal(t, 5, forecast.Topics)
		require.Equal(t, 4, forecast.Groups)
		for _, want := range made.Topics {
			got := topic(t, s, want.Name)
			require.Len(t, got.Rate.Counts, 24)
			for h := range 24 {
				require.EqualValues(t, want.Hour(24+h), got.Rate.Counts[h])
			}
		}
	})
}

// What is sampled shows sizes, headers, compression and keys, by the share of records
// that each partition has, and keys only where they are asked for.
func TestSamples(t *testing.T) {
	virtual(t, func(t *testing.T, f *kafkatest.Fake) {
		made := clustertest.Build(t, f, clustertest.Spec{Topics: 4, PerHour: 16, Snappy: true})
		skewed := made.Topics[3]
		require.Equal(t, clustertest.Skewed, skewed.Shape)
		s := run(t, f, collect.Options{WatchFor: new(time.Duration), ShowKeys: true})
		got := topic(t, s, skewed.Name).Sample
		require.NotNil(t, got)
		require.Equal(t, "snappy", got.Compression)
		require.Greater(t, got.Ratio, 1.0)
		require.EqualValues(t, 1, got.Keyed)
		require.Equal(t, clustertest.HotKey, got.TopKeys[0].Key)
		require.InDelta(t, clustertest.HotShare, got.TopKeys[0].Share, 0.02)
		require.Greater(t, got.Gini, 0.6)
		require.Equal(t, skewed.ValueBytes+len(clustertest.HotKey), got.P50Bytes)
		require.Equal(t, []string{"trace"}, topic(t, s, skewed.Name).HeaderNames)

		steady := topic(t, s, made.Topics[0].Name).Sample
		require.InDelta(t, 3600/16.0*float64(made.Topics[0].Partitions), steady.Gaps.Mean, 60)
		require.Less(t, steady.Gaps.Std, steady.Gaps.Mean/2)
		bursty := topic(t, s, made.Topics[1].Name).Sample
		require.Greater(t, bursty.Gaps.Std, bursty.Gaps.Mean*2)

		// Partitions that do not fit are read at several places, and give the same.
		large := topic(t, run(t, f, collect.Options{WatchFor: new(time.Duration), SampleBytes: 4 << 10, SampleRecords: new(80), ShowKeys: true}), skewed.Name)
		require.Less(t, large.Sample.Records, got.Records)
		require.GreaterOrEqual(t, large.Sample.Records, 4*80*3/4)
		require.Equal(t, clustertest.HotKey, large.Sample.TopKeys[0].Key)
		require.InDelta(t, clustertest.HotShare, large.Sample.TopKeys[0].Share, 0.02)
		require.Equal(t, topic(t, s, skewed.Name).Rate, large.Rate)

		hidden := run(t, f, collect.Options{WatchFor: new(time.Duration)})
		key := topic(t, hidden, skewed.Name).Sample.TopKeys[0].Key
		require.NotContains(t, key, clustertest.HotKey)
		again := run(t, f, collect.Options{WatchFor: new(time.Duration)})
		require.NotEqual(t, key, topic(t, again, skewed.Name).Sample.TopKeys[0].Key, "a run's salt is its own")
	})
}

// Timestamps that say nothing are noticed, and the watch stands in for them.
func TestTimestampsThatSayNothing(t *testing.T) {
	virtual(t, func(t *testing.T, f *kafkatest.Fake) {
		ahead := time.Now().Add(1000 * time.Hour)
		kafkatest.Produce(t, f, &kgo.Record{Topic: "future", Timestamp: ahead}, &kgo.Record{Topic: "fine", Timestamp: time.Now().Add(-2 * time.Hour)})
		writer := f.Client(t)
		every(t, time.Second, func(ctx context.Context) {
			writer.ProduceSync(ctx, &kgo.Record{Topic: "replayed", Timestamp: time.Unix(1000, 0)}, &kgo.Record{Topic: "fine"})
		})
		s := run(t, f, collect.Options{})
		require.True(t, topic(t, s, "fine").TimestampsSane)
		require.False(t, topic(t, s, "future").TimestampsSane)
		replayed := topic(t, s, "replayed")
		require.False(t, replayed.TimestampsSane)
		require.InDelta(t, 60, replayed.Rate.Counts[0], 2)
		require.InDelta(t, 60, replayed.Rate.Width.Seconds(), 2)
		require.Len(t, s.Caveats, 2)
	}, kfake.SeedTopics(1, "fine", "future", "replayed"))
}

// A topic that goes away while it is read is left out, and the rest is read on.
func TestTopicDeletedMeanwhile(t *testing.T) {
	virtual(t, func(t *testing.T, f *kafkatest.Fake) {
		write(t, f, "stays", 10)
		write(t, f, "goes", 10)
		s := run(t, f, collect.Options{Progress: func(p collect.Progress) {
			if p.Step == "groups" {
				_ = f.DeleteTopic("goes") // also on a second call
			}
		}})
		require.Len(t, s.Topics, 1)
		require.Equal(t, "stays", s.Topics[0].Name)
		require.Contains(t, strings.Join(s.Caveats, "\n"), "topic goes: deleted while the cluster was read")
	}, kfake.SeedTopics(1, "stays", "goes"))
}

// What is left out is not asked about, and faults are all named before anything is asked.
func TestOptions(t *testing.T) {
	virtual(t, func(t *testing.T, f *kafkatest.Fake) {
		clustertest.Join(t, f, clustertest.Membership{Group: "dev-1", Topics: []string{"a"}})
		clustertest.Join(t, f, clustertest.Membership{Group: "prod-1", Topics: []string{"a"}})
		s := run(t, f, collect.Options{Quick: true, LeaveOutTopics: []string{"dev-*"}, LeaveOutGroups: []string{"dev-*"}})
		require.Len(t, s.Topics, 1)
		require.Len(t, s.Groups, 1)

		wrong := collect.Options{
			Buckets: -1, Width: time.Millisecond, SampleBytes: -5, LeaveOutTopics: []string{"[a"}, Pace: &kafka.Pace{},
		}
		_, err := collect.Run(t.Context(), kafka.Cluster{}, wrong)
		for _, fault := range []string{"buckets: -1", "width of a bucket: 1ms", "bytes sampled of a partition: -5", `pattern "[a"`, "pace:"} {
			require.ErrorContains(t, err, fault)
		}
		_, err = collect.Estimate(t.Context(), kafka.Cluster{}, wrong)
		require.ErrorContains(t, err, "buckets: -1")
	}, kfake.SeedTopics(1, "a", "dev-b"))
}
