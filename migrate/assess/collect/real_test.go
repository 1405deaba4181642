package collect_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/internal/clustertest"
	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/migrate/assess/collect"
	"gantry/workload"
)

func TestRealKafka(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, kafkatest.Versions(), func(t *testing.T, version string) {
		onReal(t, kafkatest.Start(t, kafkatest.Options{Version: version, ACLs: true}))
	})
}

// Companies run 3.x: a broker before KIP-848 and share groups is surveyed in every run.
func TestRealKafkaSmoke(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, []string{"3.9.1"}, func(t *testing.T, version string) {
		if slices.Contains(kafkatest.Versions(), version) {
			t.Skip("TestRealKafka has it")
		}
		onReal(t, kafkatest.Start(t, kafkatest.Options{Version: version, ACLs: true}))
	})
}

func onReal(t *testing.T, c *kafkatest.Cluster) {
	t.Run("classes", func(t *testing.T) { realClasses(t, c) })
	t.Run("transactions and compaction", func(t *testing.T) { realTransactions(t, c) })
	t.Run("missing permissions", func(t *testing.T) { realDenied(t, c) })
}

// state is what a survey must leave as it is.
type state struct {
	Topics    map[string]int
	Ends      map[string]int64
	Groups    []string
	Committed map[string]map[string]int64
}

func stateOf(t *testing.T, c *kafkatest.Cluster) state {
	t.Helper()
	admin := c.Admin(t)
	topics, err := admin.ListTopics(t.Context())
	require.NoError(t, err)
	s := state{Topics: map[string]int{}, Ends: map[string]int64{}, Committed: map[string]map[string]int64{}}
	for name, d := range topics {
		s.Topics[name] = len(d.Partitions)
	}
	ends, err := admin.ListEndOffsets(t.Context(), topics.Names()...)
	require.NoError(t, err)
	ends.Each(func(o kadm.ListedOffset) { s.Ends[fmt.Sprintf("%s-%d", o.Topic, o.Partition)] = o.Offset })
	groups, err := admin.ListGroups(t.Context())
	require.NoError(t, err)
	for _, g := range groups.Sorted() {
		s.Groups = append(s.Groups, g.Group+" "+g.State)
		s.Committed[g.Group] = map[string]int64{}
		fetched, err := admin.FetchOffsets(t.Context(), g.Group)
		require.NoError(t, err)
		fetched.Each(func(o kadm.OffsetResponse) { s.Committed[g.Group][fmt.Sprintf("%s-%d", o.Topic, o.Partition)] = o.At })
	}
	return s
}

// consume runs a member that polls, and commits what it was told once.
func consume(t *testing.T, c *kafkatest.Cluster, group, topic string, at int64, opts ...kgo.Opt) {
	t.Helper()
	assigned := make(chan struct{}, 10)
	client := c.Client(t, append([]kgo.Opt{
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, got map[string][]int32) {
			if len(got) > 0 {
				assigned <- struct{}{}
			}
		}),
	}, opts...)...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			client.PollFetches(ctx)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	select {
	case <-assigned:
	case <-time.After(30 * time.Second):
		t.Fatalf("the member of %s was never assigned anything", group)
	}
	if at < 0 {
		return
	}
	var failed error
	client.CommitOffsetsSync(t.Context(), map[string]map[int32]kgo.EpochOffset{topic: {0: {Epoch: -1, Offset: at}, 1: {Epoch: -1, Offset: at}}},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, _ *kmsg.OffsetCommitResponse, err error) {
			failed = err
		})
	require.NoError(t, failed)
}

func realClasses(t *testing.T, c *kafkatest.Cluster) {
	modern := strings.HasPrefix(c.Version(), "4.")
	const topic = "orders"
	c.CreateTopic(t, topic, 2, nil)
	old := time.Now().Add(-30 * time.Minute)
	for p := range int32(2) {
		for i := range 50 {
			kafkatest.Produce(t, c, &kgo.Record{Topic: topic, Partition: p, Value: []byte("x"), Timestamp: old.Add(time.Duration(i) * time.Second)})
		}
	}
	clustertest.Join(t, c, clustertest.Membership{Group: "streams-app", Topics: []string{topic}, Assignor: "stream", ClientID: "streams-app-1-StreamThread-1-consumer"})
	clustertest.Join(t, c, clustertest.Membership{Group: "workers", Topics: []string{topic}, Protocol: "connect", Assignor: "sessioned"})
	consume(t, c, "classic", topic, 20)
	consume(t, c, "static", topic, 50, kgo.InstanceID("pod-0"))
	consume(t, c, "never-commits", topic, -1)
	c.Commit(t, "resting", topic, map[int32]int64{0: 10})
	moved := int64(0)
	admin := c.Admin(t)
	every(t, time.Second, func(ctx context.Context) {
		moved++
		all := kadm.Offsets{}
		all.AddOffset(topic, 0, min(moved, 50), -1)
		_ = admin.CommitAllOffsets(ctx, "by-hand", all) // the test may be over
	})
	want := map[string]workload.Class{
		"streams-app": workload.Streams, "workers": workload.Connect, "classic": workload.Plain, "static": workload.Plain,
		"never-commits": workload.Outside, "resting": workload.Idle, "by-hand": workload.Manual,
	}
	if modern {
		consume(t, c, "next-generation", topic, 30, kgo.ServerSideBalancer())
		client := c.Client(t, kgo.ShareGroup("shared"), kgo.ConsumeTopics(topic))
		polling, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); client.PollFetches(polling) }()
		t.Cleanup(func() { stop(); <-done })
		require.EventuallyWithT(t, func(t *assert.CollectT) {
			groups, err := admin.ListGroups(context.Background())
			require.NoError(t, err)
			require.Equal(t, "Stable", groups["shared"].State)
		}, time.Minute, 100*time.Millisecond)
		want["next-generation"], want["shared"] = workload.Plain, workload.Share
	}

	before := stateOf(t, c)
	s, err := collect.Run(t.Context(), kafka.Cluster{Brokers: c.Brokers()}, collect.Options{Name: "lab", Width: time.Minute, Buckets: 60, WatchFor: new(12 * time.Second)})
	require.NoError(t, err)
	after := stateOf(t, c)
	for _, st := range []*state{&before, &after} {
		delete(st.Committed, "by-hand")
		for name := range st.Ends {
			if strings.HasPrefix(name, "__") { // the test's own commits are written there
				delete(st.Ends, name)
			}
		}
	}
	require.Equal(t, before, after, "a survey changes nothing")

	for id, class := range want {
		g := group(t, s, id)
		require.Equal(t, class, g.Class, "%s: %s", id, g.Why)
	}
	classic := group(t, s, "classic")
	require.EqualValues(t, 60, classic.Lag)
	require.Equal(t, "classic", classic.Type)
	require.True(t, classic.LagTime.Known)
	require.InDelta(t, (30*time.Minute - 20*time.Second).Seconds(), classic.LagTime.Value.Seconds(), 60)
	require.Equal(t, "pod-0", group(t, s, "static").Members[0].InstanceID)
	require.Zero(t, group(t, s, "static").Lag)
	require.Equal(t, workload.Duration{Known: true}, group(t, s, "static").LagTime)
	if modern {
		next := group(t, s, "next-generation")
		require.Equal(t, "consumer", next.Type)
		require.EqualValues(t, 40, next.Lag)
		require.Equal(t, map[string][]int32{topic: {0, 1}}, next.Members[0].Assigned)
		require.Equal(t, []string{topic}, group(t, s, "shared").Topics)
	}
	got := inSurvey(t, s, topic)
	require.EqualValues(t, 100, total(got.Rate))
	require.Equal(t, 100, got.Sample.Records)
	require.Positive(t, got.DiskBytes)
	require.NotZero(t, got.ActiveWriters)
	require.NotEmpty(t, s.ClusterID)
	require.Positive(t, s.BytesRead)
	require.NotContains(t, s.Requests, "JoinGroup")
	require.NotContains(t, s.Requests, "OffsetCommit")
	require.NotContains(t, s.Requests, "CreateTopics")
}

func inSurvey(t *testing.T, s workload.Survey, name string) workload.Topic { return topic(t, s, name) }

func total(s workload.Series) float64 {
	sum := 0.0
	for _, n := range s.Counts {
		sum += n
	}
	return sum
}

// Markers of transactions are no records, and what compaction took away was written once.
func realTransactions(t *testing.T, c *kafkatest.Cluster) {
	c.CreateTopic(t, "paid", 1, nil)
	c.CreateTopic(t, "prices", 1, map[string]string{"cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"})
	client := c.Client(t, kgo.TransactionalID("t-"+kafkatest.Topic(t)), kgo.DefaultProduceTopic("paid"))
	for range 20 {
		require.NoError(t, client.BeginTransaction())
		for range 4 {
			require.NoError(t, client.ProduceSync(t.Context(), &kgo.Record{Value: []byte("x")}).FirstErr())
		}
		require.NoError(t, client.EndTransaction(t.Context(), kgo.TryCommit))
	}
	kafkatest.Produce(t, c, &kgo.Record{Topic: "prices", Key: []byte("k"), Value: []byte("v")})
	o := collect.Options{Width: time.Second, Buckets: 600, WatchFor: new(time.Duration), LeaveOutTopics: []string{"orders"}}
	var s workload.Survey
	require.EventuallyWithT(t, func(t *assert.CollectT) { // when the last second is over
		var err error
		s, err = collect.Run(context.Background(), kafka.Cluster{Brokers: c.Brokers()}, o)
		require.NoError(t, err)
		at := slices.IndexFunc(s.Topics, func(t workload.Topic) bool { return t.Name == "paid" })
		require.InDelta(t, 80, total(s.Topics[at].Rate), 1, "100 offsets are 80 records and 20 markers")
	}, time.Minute, time.Second)
	require.True(t, topic(t, s, "paid").Transactional)
	prices := topic(t, s, "prices")
	require.True(t, prices.Compacted)
	require.True(t, prices.LogAppendTime)
	require.True(t, prices.TimestampsSane)
	said := strings.Join(s.Caveats, "\n")
	require.Contains(t, said, "topic prices: compacted")
	require.Contains(t, said, "topic paid: written in transactions")
}

// What may not be seen is said with the permission that is missing, and the rest is read.
func realDenied(t *testing.T, c *kafkatest.Cluster) {
	ca := c.TLS.CA
	way, err := kafka.Resolver{Secrets: fixed{
		"user": {"username": kafkatest.UserName, "password": kafkatest.UserPassword}, "ca": {"certificate": string(ca.Bytes)},
	}}.Resolve(t.Context(), mapping.Source{Bootstrap: []string{c.SASLBrokers()[0]}, Access: []mapping.Access{
		{Type: mapping.ServerRootCA, URI: "ca"}, {Type: mapping.ScramSHA512, URI: "user"},
	}})
	require.NoError(t, err)
	for _, name := range []string{"seen", "hidden"} {
		c.CreateTopic(t, name, 1, nil)
		kafkatest.ProduceValues(t, c, name, 0, "a", "b")
		c.Commit(t, "of-"+name, name, map[int32]int64{0: 1})
	}
	c.Allow(t, kafkatest.UserName, kafkatest.ACL{Topics: []string{"seen"}, Operations: []kadm.ACLOperation{kadm.OpDescribe}})
	c.Allow(t, kafkatest.UserName, kafkatest.ACL{Groups: []string{"of-seen"}, Operations: []kadm.ACLOperation{kadm.OpDescribe}})
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		s, err := collect.Run(context.Background(), way, collect.Options{WatchFor: new(time.Duration), Buckets: 2})
		require.NoError(t, err)
		require.Len(t, s.Topics, 1)
		require.Len(t, s.Groups, 1)
		require.EqualValues(t, 1, s.Groups[0].Lag)
		said := strings.Join(s.Caveats, "\n")
		require.Contains(t, said, "Describe on the cluster is not allowed: only groups")
		require.Contains(t, said, "Describe on the cluster is not allowed: the bytes on disk")
		require.Contains(t, said, "topic seen: DescribeConfigs is not allowed: its settings are not known")
		require.Contains(t, said, "topic seen: Read is not allowed: no records of it were sampled")
		require.Contains(t, said, "topic seen: Read is not allowed: its writers are not known")
	}, time.Minute, 500*time.Millisecond)
}

// fixed is a set of AWS's secret documents.
type fixed map[string]map[string]string

func (f fixed) Fields(_ context.Context, ref string) (map[string]string, error) { return f[ref], nil }

func (f fixed) Plain(_ context.Context, ref string) (string, error) {
	return f[ref]["certificate"], nil
}

func (f fixed) Forget(string) {}
