package kafka_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/record"
)

const fenced = "User:" + kafkatest.UserName

// A denial and a removal together keep a live member away; when the denial is gone the
// member, which knows of nothing, is back by itself.
func fences(t *testing.T, c *kafkatest.Cluster) {
	kinds := []string{"classic", "static"}
	if strings.HasPrefix(c.Version(), "4.") {
		kinds = append(kinds, "consumer")
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			topic := create(t, c, nil)
			group := "g-" + topic
			all := []kadm.ACLOperation{kadm.OpAll}
			c.Allow(t, kafkatest.UserName, kafkatest.ACL{Topics: []string{topic}, Operations: all})
			c.Allow(t, kafkatest.UserName, kafkatest.ACL{Groups: []string{group}, Operations: all})
			_, admin := open(t, c, source(c.Brokers()[0]))
			member(t, c, group, topic, kind)
			members := func() []kafka.Member {
				g, err := admin.GroupState(t.Context(), group)
				require.NoError(t, err)
				return g.Members
			}
			eventually(t, func() bool { return len(members()) == 1 && len(members()[0].Partitions) == 2 })
			if kind == "consumer" {
				described, err := c.Admin(t).DescribeGroups(t.Context(), group)
				require.NoError(t, err)
				require.Equal(t, "Dead", described[group].State, "this is why its type is asked first")
			}

			for range 2 { // twice is harmless
				require.NoError(t, admin.DenyGroup(t.Context(), fenced, group))
			}
			require.EventuallyWithT(t, func(t *assert.CollectT) {
				denied, err := admin.DeniedGroup(context.Background(), group)
				require.NoError(t, err)
				require.Equal(t, []string{fenced}, denied)
			}, 10*time.Second, 20*time.Millisecond)
			eventually(t, func() bool {
				_, err := admin.RemoveMembers(t.Context(), group, members())
				require.NoError(t, err)
				return len(members()) == 0
			})
			require.Never(t, func() bool { return len(members()) > 0 }, 4*time.Second, 100*time.Millisecond, "a member is back behind the fence")
			require.NoError(t, admin.Commit(t.Context(), group, kafka.Offsets{topic: {0: {At: 0}, 1: {At: 0}}}))

			gone, err := admin.UndenyGroup(t.Context(), fenced, group)
			require.NoError(t, err)
			require.True(t, gone)
			gone, err = admin.UndenyGroup(t.Context(), fenced, group)
			require.NoError(t, err)
			require.False(t, gone)
			eventually(t, func() bool { return len(members()) == 1 })
		})
	}
	_, outsider := open(t, c, source(c.SASLBrokers()[0], mapping.ServerRootCA, "ca", mapping.ScramSHA512, "user"))
	may, err := outsider.MayAlterACLs(t.Context())
	require.NoError(t, err)
	require.False(t, may)
	var denied *kafka.Denied
	require.ErrorAs(t, outsider.DenyGroup(t.Context(), fenced, "g"), &denied)
	require.Equal(t, "Alter", denied.Operation)
	_, insider := open(t, c, source(c.Brokers()[0]))
	may, err = insider.MayAlterACLs(t.Context())
	require.NoError(t, err)
	require.True(t, may)
}

func eventually(t *testing.T, what func() bool) {
	t.Helper()
	require.Eventually(t, what, 20*time.Second, 20*time.Millisecond)
}

// member reads as the fenced principal, in the protocol its kind says, until the test ends.
func member(t *testing.T, c *kafkatest.Cluster, group, topic, kind string) {
	t.Helper()
	opts := append(c.SASLOptions(kafkatest.Login{}), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.HeartbeatInterval(500*time.Millisecond), kgo.SessionTimeout(10*time.Second))
	switch kind {
	case "static":
		opts = append(opts, kgo.InstanceID("static-1"))
	case "consumer":
		opts = append(opts, kgo.ServerSideBalancer())
	}
	cl := c.Client(t, opts...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			cl.PollFetches(ctx) // a refusal comes as an error; one that polls again is what a fence is for
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

func TestNoAuthorizer(t *testing.T) {
	t.Parallel()
	f := kafkatest.Virtual(t)
	k := kafka.Cluster{Brokers: f.Brokers(), Dial: f.Dial}
	admin, err := kafka.Open(k)
	require.NoError(t, err)
	t.Cleanup(admin.Close)
	for _, key := range []kmsg.Key{kmsg.DescribeACLs, kmsg.CreateACLs, kmsg.DeleteACLs} {
		f.ControlKey(int16(key), func(req kmsg.Request) (kmsg.Response, error, bool) { f.KeepControl(); return disabled(req), nil, true })
	}
	require.ErrorIs(t, admin.DenyGroup(t.Context(), fenced, "g"), kafka.ErrNoAuthorizer)
	_, err = admin.UndenyGroup(t.Context(), fenced, "g")
	require.ErrorIs(t, err, kafka.ErrNoAuthorizer)
	_, err = admin.DeniedGroup(t.Context(), "g")
	require.ErrorIs(t, err, kafka.ErrNoAuthorizer)
}

// disabled is what a broker without an authorizer answers.
func disabled(req kmsg.Request) kmsg.Response {
	code := kerr.SecurityDisabled.Code
	switch req := req.(type) {
	case *kmsg.DescribeACLsRequest:
		resp := req.ResponseKind().(*kmsg.DescribeACLsResponse)
		resp.ErrorCode = code
		return resp
	case *kmsg.CreateACLsRequest:
		resp := req.ResponseKind().(*kmsg.CreateACLsResponse)
		resp.Results = []kmsg.CreateACLsResponseResult{{ErrorCode: code}}
		return resp
	default:
		resp := req.ResponseKind().(*kmsg.DeleteACLsResponse)
		resp.Results = []kmsg.DeleteACLsResponseResult{{ErrorCode: code}}
		return resp
	}
}

// What a group has committed is not known while a transaction holds some of it.
func pending(t *testing.T, c *kafkatest.Cluster) {
	topic := create(t, c, nil)
	group := "g-" + topic
	k, admin := open(t, c, source(c.Brokers()[0]))
	require.NoError(t, admin.Commit(t.Context(), group, kafka.Offsets{topic: {0: {At: 0}}}))
	running, err := admin.OpenTransactions(t.Context(), topic)
	require.NoError(t, err)
	require.Empty(t, running)

	p, err := kafka.NewProducer(k)
	require.NoError(t, err)
	defer p.Close()
	sent := false
	tx := p.Transactor(kafka.TransactorConfig{ID: "tx-" + topic, Timeout: 50 * time.Second, Between: func() {
		sent = true
		_, err = admin.Settled(t.Context(), group)
		assert.ErrorIs(t, err, kafka.ErrPending)
		running, err := admin.OpenTransactions(t.Context(), topic)
		assert.NoError(t, err)
		if assert.Len(t, running, 1) {
			assert.Equal(t, "tx-"+topic, running[0].ID)
			assert.True(t, running[0].Offsets)
			assert.Equal(t, 50*time.Second, running[0].Timeout)
			assert.Equal(t, []string{topic}, running[0].Topics)
		}
	}})
	defer tx.Close()
	require.NoError(t, tx.Commit(t.Context(), kafka.Transaction{
		Records: []record.Output{{Topic: topic, Value: []byte("x")}},
		Offsets: map[record.Partition]record.Offset{{Topic: topic}: {At: 1, Epoch: -1}}, Group: group, Generation: -1,
	}))
	require.True(t, sent)
	require.Eventually(t, func() bool { // the marker is on its way
		got, err := admin.Settled(t.Context(), group)
		return err == nil && got[topic][0].At == 1
	}, 20*time.Second, 20*time.Millisecond)
}
