package kafka

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/mapping"
	"gantry/record"
)

func openAdmin(t *testing.T, c Cluster) *Admin {
	t.Helper()
	admin, err := Open(c)
	require.NoError(t, err)
	t.Cleanup(admin.Close)
	return admin
}

// at writes a record with a timestamp to a partition.
func at(t *testing.T, client *kgo.Client, partition int32, millis int64) {
	t.Helper()
	r := &kgo.Record{Topic: "orders", Partition: partition, Timestamp: time.UnixMilli(millis), Value: []byte("x")}
	require.NoError(t, client.ProduceSync(t.Context(), r).FirstErr())
}

func newClient(t *testing.T, brokers []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func TestStartingPositions(t *testing.T) {
	t.Parallel()
	cluster, brokers := fake(t, kfake.SeedTopics(3, "orders"))
	client := newClient(t, brokers)
	for i := range 5 {
		at(t, client, 0, int64(1000*(i+1))) // 1000 … 5000 at 0 … 4
	}
	at(t, client, 1, 2500)
	_, err := kmsgDelete("orders", 0, 2).RequestWith(t.Context(), client)
	require.NoError(t, err)

	open := newClient(t, brokers, kgo.TransactionalID("tx"))
	require.NoError(t, open.BeginTransaction())
	at(t, open, 2, 3000)

	admin := openAdmin(t, Cluster{Brokers: brokers})
	for _, c := range []struct {
		name string
		from Origin
		want map[int32]int64
	}{
		{"oldest", Origin{Start: mapping.TrimHorizon}, map[int32]int64{0: 2, 1: 0, 2: 0}},
		{"newest, committed", Origin{Start: mapping.Latest}, map[int32]int64{0: 5, 1: 1, 2: 0}},
		{"newest, uncommitted too", Origin{Start: mapping.Latest, Uncommitted: true}, map[int32]int64{0: 5, 1: 1, 2: 1}},
		{"by time, between", Origin{Start: mapping.AtTimestamp, At: time.UnixMilli(3001)}, map[int32]int64{0: 3, 1: 1, 2: 1}},
		{"by time, exactly", Origin{Start: mapping.AtTimestamp, At: time.UnixMilli(2500)}, map[int32]int64{0: 2, 1: 0, 2: 0}},
		{"by time, before all", Origin{Start: mapping.AtTimestamp, At: time.UnixMilli(1)}, map[int32]int64{0: 2, 1: 0, 2: 0}},
		{"by time, after all", Origin{Start: mapping.AtTimestamp, At: time.UnixMilli(9000)}, map[int32]int64{0: 5, 1: 1, 2: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.from.Topic = "orders"
			offsets, id, err := admin.Positions(t.Context(), c.from)
			require.NoError(t, err)
			require.Equal(t, c.want, offsets)
			require.Len(t, id, 22, "a topic id is 16 bytes in base64")
		})
	}
	start, end, err := admin.Bounds(t.Context(), "orders", false)
	require.NoError(t, err)
	require.Equal(t, map[int32]int64{0: 2, 1: 0, 2: 0}, start)
	require.Equal(t, map[int32]int64{0: 5, 1: 1, 2: 0}, end)
	_ = cluster

	_, _, err = admin.Positions(t.Context(), Origin{Topic: "orders", Start: "SOON"})
	require.ErrorContains(t, err, `"SOON" is not known`)
}

func kmsgDelete(topic string, partition int32, before int64) *kmsg.DeleteRecordsRequest {
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = 5000
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = partition, before
	tp := kmsg.NewDeleteRecordsRequestTopic()
	tp.Topic, tp.Partitions = topic, append(tp.Partitions, p)
	req.Topics = append(req.Topics, tp)
	return req
}

func TestTopics(t *testing.T) {
	t.Parallel()
	_, brokers := fake(t, kfake.SeedTopics(2, "orders"))
	admin := openAdmin(t, Cluster{Brokers: brokers})

	topic, err := admin.Topic(t.Context(), "orders")
	require.NoError(t, err)
	require.Equal(t, []int32{0, 1}, topic.Partitions)
	id, err := admin.TopicID(t.Context(), "orders")
	require.NoError(t, err)
	require.Equal(t, topic.ID, id)

	exists, err := admin.TopicExists(t.Context(), "orders")
	require.NoError(t, err)
	require.True(t, exists)
	exists, err = admin.TopicExists(t.Context(), "nope")
	require.NoError(t, err)
	require.False(t, exists)

	began := time.Now()
	_, _, err = admin.Positions(t.Context(), Origin{Topic: "nope", Start: mapping.Latest})
	require.ErrorIs(t, err, ErrUnknownTopic)
	require.Less(t, time.Since(began), 2*time.Second)
	d := Diagnose(err)
	require.Equal(t, mapping.ReasonConfigNotValid, d.Reason)
	require.Contains(t, d.Cause, "topic nope")

	_, err = admin.admin.DeleteTopic(t.Context(), "orders")
	require.NoError(t, err)
	_, err = admin.admin.CreateTopic(t.Context(), 2, 1, nil, "orders")
	require.NoError(t, err)
	again, err := admin.TopicID(t.Context(), "orders")
	require.NoError(t, err)
	require.NotEqual(t, id, again, "a topic made again has another id")
}

func TestOffsetsOfAGroupWithoutMembers(t *testing.T) {
	t.Parallel()
	_, brokers := fake(t, kfake.SeedTopics(2, "orders", "more"))
	admin := openAdmin(t, Cluster{Brokers: brokers})
	none, err := admin.Committed(t.Context(), "g")
	require.NoError(t, err)
	require.Empty(t, none)
	state, err := admin.GroupState(t.Context(), "g")
	require.NoError(t, err)
	require.False(t, state.Exists)

	require.NoError(t, admin.Commit(t.Context(), "g", Offsets{"orders": {0: {At: 7, Epoch: 3}, 1: {At: 0}}, "more": {0: {At: 1}}}))
	got, err := admin.Committed(t.Context(), "g")
	require.NoError(t, err)
	require.Equal(t, Offsets{"orders": {0: {At: 7, Epoch: -1}, 1: {At: 0, Epoch: -1}}, "more": {0: {At: 1, Epoch: -1}}}, got, "epochs are committed as unknown")

	require.ErrorContains(t, admin.Commit(t.Context(), "g", Offsets{"nope": {0: {At: 1}}}), "nope/0")
}

// member joins a group and stays until the test ends; it is there when member returns.
func member(t *testing.T, brokers []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	assigned := make(chan struct{}, 1)
	client := newClient(t, brokers, append(opts, kgo.ConsumerGroup("g"), kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, got map[string][]int32) {
			if len(got) > 0 {
				assigned <- struct{}{}
			}
		}))...)
	go func() {
		for !client.PollFetches(t.Context()).IsClientClosed() && t.Context().Err() == nil {
		}
	}()
	select {
	case <-assigned:
	case <-time.After(20 * time.Second):
		t.Fatal("the member was never assigned anything")
	}
	return client
}

func TestAGroupWithMembersIsDescribedAndLocked(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"classic", "consumer"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			_, brokers := fake(t, kfake.SeedTopics(2, "orders"))
			admin := openAdmin(t, Cluster{Brokers: brokers})
			opts := []kgo.Opt{kgo.ClientID("old-service")}
			if kind == "consumer" {
				opts = append(opts, kgo.ServerSideBalancer())
			} else {
				opts = append(opts, kgo.InstanceID("static-1"))
			}
			member(t, brokers, opts...)

			state, err := admin.GroupState(t.Context(), "g")
			require.NoError(t, err)
			require.True(t, state.Exists)
			require.Equal(t, kind, state.Type)
			require.Equal(t, "Stable", state.State)
			require.Len(t, state.Members, 1)
			require.Equal(t, "old-service", state.Members[0].ClientID)
			name := "orders"
			if kind == "consumer" {
				name = "" // kfake names these topics by id alone; the test on real Kafka wants the name
			}
			require.Equal(t, []record.Partition{{Topic: name, Index: 0}, {Topic: name, Index: 1}}, state.Members[0].Partitions)

			err = admin.Commit(t.Context(), "g", Offsets{"orders": {0: {At: 1}}})
			require.ErrorIs(t, err, ErrGroupBusy)
			committed, err := admin.Committed(t.Context(), "g")
			require.NoError(t, err)
			require.Empty(t, committed)
		})
	}
}

func TestAStaticMemberIsTakenOut(t *testing.T) {
	t.Parallel()
	_, brokers := fake(t, kfake.SeedTopics(2, "orders"))
	admin := openAdmin(t, Cluster{Brokers: brokers})
	gone := member(t, brokers, kgo.InstanceID("static-1"))
	gone.Close() // a static member that closes stays in the group

	state, err := admin.GroupState(t.Context(), "g")
	require.NoError(t, err)
	require.Len(t, state.Members, 1)
	require.Equal(t, "static-1", state.Members[0].InstanceID)

	require.NoError(t, admin.LeaveStatic(t.Context(), "g", "static-1"))
	state, err = admin.GroupState(t.Context(), "g")
	require.NoError(t, err)
	require.Empty(t, state.Members)
	require.Equal(t, "Empty", state.State)
	require.NoError(t, admin.LeaveStatic(t.Context(), "g", "static-1"), "leaving twice is no error")
	require.NoError(t, admin.LeaveStatic(t.Context(), "g"))
}

func allow(kind kmsg.ACLResourceType, name string, op kmsg.ACLOperation) kfake.ACL {
	return kfake.ACL{Resource: kind, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: op, Allow: true}
}

func TestDeniedOperationsAreNamed(t *testing.T) {
	t.Parallel()
	const topic, group = kmsg.ACLResourceTypeTopic, kmsg.ACLResourceTypeGroup
	_, brokers := fake(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.SeedTopics(1, "orders", "dark"),
		kfake.Superuser("PLAIN", "root", "pw"),
		kfake.User("PLAIN", "ann", "pw", allow(topic, "orders", kmsg.ACLOperationDescribe), allow(group, "mine", kmsg.ACLOperationDescribe)))
	c := Cluster{Brokers: brokers, Mechanism: Plain, Login: func(context.Context) (Login, error) { return Login{User: "ann", Password: "pw"}, nil }}
	admin := openAdmin(t, c)
	producer, err := NewProducer(c)
	require.NoError(t, err)
	defer producer.Close()
	require.NoError(t, admin.Check(t.Context()))
	root := openAdmin(t, Cluster{Brokers: brokers, Mechanism: Plain, Login: func(context.Context) (Login, error) { return Login{User: "root", Password: "pw"}, nil }})
	require.NoError(t, root.Commit(t.Context(), "mine", Offsets{"orders": {0: {At: 0}}}))

	for _, tc := range []struct {
		name string
		do   func() error
		try  []string
	}{
		{"describe a topic", func() error {
			_, _, err := admin.Positions(t.Context(), Origin{Topic: "dark", Start: mapping.Latest})
			return err
		}, []string{"--operation Describe --topic dark"}},
		{"read a group", func() error { _, err := admin.Committed(t.Context(), "theirs"); return err }, []string{"--operation Describe --group theirs"}},
		{"set offsets", func() error { return admin.Commit(t.Context(), "mine", Offsets{"orders": {0: {At: 1}}}) }, []string{"--operation Read"}},
		{"leave", func() error { return admin.LeaveStatic(t.Context(), "mine", "x") }, []string{"--operation Read --group mine"}},
		{"write", func() error {
			_, err := producer.Produce(t.Context(), "orders", Message{Value: []byte("x")})
			return err
		}, []string{"IdempotentWrite --cluster"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.do()
			var denied *Denied
			require.ErrorAs(t, err, &denied)
			d := Diagnose(err)
			require.Equal(t, mapping.ProblemAuthorize, d.Problem)
			require.Equal(t, mapping.ReasonSourceAuthz, d.Reason)
			for _, part := range tc.try {
				require.Contains(t, d.Try, part, "%v", err)
			}
		})
	}

	// The permission comes later: the producer must not stay broken.
	grant(t, root, "orders")
	_, err = producer.Produce(t.Context(), "orders", Message{Value: []byte("x")})
	require.NoError(t, err)
	_, err = producer.Produce(t.Context(), "dark", Message{Value: []byte("x")})
	require.Contains(t, Diagnose(err).Try, "--operation Write --topic dark")
}

func grant(t *testing.T, root *Admin, topic string) {
	t.Helper()
	req := kmsg.NewPtrCreateACLsRequest()
	for _, c := range []kmsg.CreateACLsRequestCreation{
		{ResourceType: kmsg.ACLResourceTypeTopic, ResourceName: topic, Operation: kmsg.ACLOperationWrite},
		{ResourceType: kmsg.ACLResourceTypeCluster, ResourceName: "kafka-cluster", Operation: kmsg.ACLOperationIdempotentWrite},
	} {
		c.ResourcePatternType, c.Principal, c.Host, c.PermissionType = kmsg.ACLResourcePatternTypeLiteral, "User:ann", "*", kmsg.ACLPermissionTypeAllow
		req.Creations = append(req.Creations, c)
	}
	resp, err := req.RequestWith(t.Context(), root.client)
	require.NoError(t, err)
	for _, r := range resp.Results {
		require.Zero(t, r.ErrorCode)
	}
}

// When the caller's time runs out, what kept the brokers from answering is in the error.
func TestATimeoutSaysWhatWentWrongMeanwhile(t *testing.T) {
	t.Parallel()
	admin := openAdmin(t, Cluster{Brokers: []string{closedPort}})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := admin.Topic(ctx, "orders")
	require.Contains(t, Diagnose(err).Cause, "nothing listens at that address")
}
