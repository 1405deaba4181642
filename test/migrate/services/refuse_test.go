package services_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/migrate/cutover"
	"gantry/plan"
)

// What is no plain consumer is refused on a real broker as well, which has its own words for
// types and states.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		begin      func(r *reader)
	}{
		{"Kafka Streams", "is refused: Kafka Streams (its members share their work by the assignor stream)", func(r *reader) {
			r.poll(kgo.Balancers(streamsBalancer{kgo.RangeBalancer()}), kgo.ConsumerGroup(r.group), kgo.AutoCommitInterval(500*time.Millisecond))
		}},
		{"Kafka Connect", "is refused: Kafka Connect (its members speak the protocol connect)", (*reader).connect},
		{"share", "is refused: share group (its type is share)", func(r *reader) { r.poll(kgo.ShareGroup(r.group)) }},
		{"manual", "is refused: no members but moving commits", (*reader).byHand},
		{"outside", "is refused: offsets outside Kafka (it has 1 members and never committed an offset)", func(r *reader) {
			r.poll(kgo.ConsumerGroup(r.group), kgo.DisableAutoCommit())
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newReader(t)
			c.begin(r)
			p := cutover.New(cutover.Config{
				Admin: r.admin, Journal: r.ledger, Mappings: &functions{}, Timing: cutover.Timing{Sample: 4 * time.Second},
				Plan: plan.Plan{
					Name: "x", Service: plan.Service{Group: r.group, Topics: []string{r.topic}, NoPosition: plan.ResetEarliest},
					Guards: plan.Guards{Unresolved: time.Minute, Errors: 0.01, ErrorsOver: 200, LagFactor: 2, Watch: time.Second},
					Fence:  plan.FenceWeak, Handover: plan.HandoverNew, Rollback: plan.Resume, Stop: plan.Stop{Wait: time.Minute},
				},
			})
			_, err := p.Cutover(t.Context())
			require.ErrorContains(t, err, c.text)
			lines, err := r.ledger.Lines(t.Context())
			require.NoError(t, err)
			require.Len(t, lines, 2, "preflight intends and failed; nothing was changed")
			_, err = p.Rollback(t.Context(), "")
			require.ErrorIs(t, err, cutover.ErrNothing)
		})
	}
}

// reader is something that reads a topic under load.
type reader struct {
	t            *testing.T
	c            *kafkatest.Cluster
	admin        *kafka.Admin
	topic, group string
	ledger       *ledger
}

func newReader(t *testing.T) *reader {
	c := kafkatest.Shared(t)
	admin, err := kafka.Open(kafka.Cluster{Brokers: c.Brokers()})
	require.NoError(t, err)
	t.Cleanup(admin.Close)
	r := &reader{t: t, c: c, admin: admin, topic: kafkatest.Topic(t), ledger: &ledger{}}
	r.group = "g-" + r.topic
	c.CreateTopic(t, r.topic, 2, nil)
	startLoad(t, c, r.topic, 2, 50)
	return r
}

// has waits until the group is listed with a member.
func (r *reader) has() {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		g, err := r.admin.GroupState(context.Background(), r.group)
		return err == nil && g.Exists && (g.Type == "share" || len(g.Members) > 0 && g.State == "Stable")
	}, 2*time.Minute, 50*time.Millisecond)
}

func (r *reader) poll(opts ...kgo.Opt) {
	client := r.c.Client(r.t, append(opts, kgo.ConsumeTopics(r.topic))...)
	r.loop(func(ctx context.Context) { client.PollFetches(ctx) })
	r.has()
}

// loop does something until the test ends.
func (r *reader) loop(do func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			do(ctx)
		}
	}()
	r.t.Cleanup(func() { cancel(); <-ended })
}

// byHand commits as one who assigns partitions to himself: without a member.
func (r *reader) byHand() {
	at := int64(0)
	tick := time.NewTicker(300 * time.Millisecond)
	r.t.Cleanup(tick.Stop)
	first := make(chan struct{})
	r.loop(func(ctx context.Context) {
		select {
		case <-tick.C:
			if r.admin.Commit(ctx, r.group, kafka.Offsets{r.topic: {0: {At: at}}}) == nil {
				if at++; at == 1 {
					close(first)
				}
			}
		case <-ctx.Done():
		}
	})
	<-first
}

// streamsBalancer has the name that Kafka Streams' assignor has.
type streamsBalancer struct{ kgo.GroupBalancer }

func (streamsBalancer) ProtocolName() string { return "stream" }

// connect joins as a worker of Kafka Connect does.
func (r *reader) connect() {
	client := r.c.Client(r.t)
	join := kmsg.NewPtrJoinGroupRequest()
	join.Group, join.ProtocolType, join.SessionTimeoutMillis, join.RebalanceTimeoutMillis = r.group, "connect", 120_000, 10_000
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name = "sessioned"
	join.Protocols = append(join.Protocols, p)
	var joined *kmsg.JoinGroupResponse
	for range 2 { // the first answer is the member's id
		var err error
		joined, err = join.RequestWith(r.t.Context(), client)
		require.NoError(r.t, err)
		join.MemberID = joined.MemberID
	}
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.Generation, sync.MemberID = r.group, joined.Generation, joined.MemberID
	sync.ProtocolType, sync.Protocol = &join.ProtocolType, &p.Name
	own := kmsg.NewSyncGroupRequestGroupAssignment()
	own.MemberID = joined.MemberID
	sync.GroupAssignment = append(sync.GroupAssignment, own)
	synced, err := sync.RequestWith(r.t.Context(), client)
	require.NoError(r.t, errors.Join(err, kerr.ErrorForCode(joined.ErrorCode), kerr.ErrorForCode(synced.ErrorCode)))
	r.has()
}
