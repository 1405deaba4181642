package cutover_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/kafka"
	"gantry/migrate/cutover"
	"gantry/plan"
	"gantry/workload"
)

// What is no plain consumer is refused with its text, and nothing is changed.
func TestClassesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		member     func(w *world) (leave func())
	}{
		{"Kafka Streams", "group billing is refused: Kafka Streams (its members share their work by the assignor stream): a Kafka Streams application keeps state stores", streamsMember},
		{"Kafka Connect", "group billing is refused: Kafka Connect (its members speak the protocol connect): Kafka Connect starts its tasks again", connectMember},
		{"share", "group billing is refused: share group (its type is share): a share group has no position", shareMember},
		{"manual", "group billing is refused: no members but moving commits (it has no members, and its commits moved", manualReader},
		{"outside", "group billing is refused: offsets outside Kafka (it has 1 members and never committed an offset)", silentMember},
		{"nobody", "the cluster has no group billing", func(*world) func() { return func() {} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				defer c.member(w)()
				w.refusedCut(c.text)
			})
		})
	}
}

// polls keeps a client polling and, where it may, committing.
func (w *world) polls(each func(cl *kgo.Client), opts ...kgo.Opt) (leave func()) {
	cl := w.fake.Client(w.t, append([]kgo.Opt{login("legacy"), kgo.FetchMaxWait(100 * time.Millisecond)}, opts...)...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			cl.PollFetches(ctx)
			each(cl)
		}
	}()
	time.Sleep(3 * time.Second)
	return func() { cancel(); <-ended; cl.Close() }
}

func commits(cl *kgo.Client) { _ = cl.CommitUncommittedOffsets(context.Background()) }

// streamsBalancer has the name that Kafka Streams' assignor has.
type streamsBalancer struct{ kgo.GroupBalancer }

func (streamsBalancer) ProtocolName() string { return "stream" }

func streamsMember(w *world) func() {
	return w.polls(commits, kgo.DisableAutoCommit(), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumerGroup(oldGroup), kgo.ConsumeTopics(topic), kgo.Balancers(streamsBalancer{kgo.RangeBalancer()}))
}

func silentMember(w *world) func() {
	return w.polls(func(*kgo.Client) {}, kgo.DisableAutoCommit(), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumerGroup(oldGroup), kgo.ConsumeTopics(topic))
}

func shareMember(w *world) func() {
	return w.polls(func(*kgo.Client) {}, kgo.ShareGroup(oldGroup), kgo.ConsumeTopics(topic))
}

// manualReader commits as one who assigns partitions by hand: without a member.
func manualReader(w *world) func() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for at := int64(0); ctx.Err() == nil; at++ {
			_ = w.admin.Commit(context.Background(), oldGroup, kafka.Offsets{topic: {0: {At: at}}})
			time.Sleep(500 * time.Millisecond)
		}
	}()
	time.Sleep(2 * time.Second)
	return func() { cancel(); <-ended }
}

func connectMember(w *world) func() {
	cl := w.fake.Client(w.t, login("legacy"))
	join := kmsg.NewPtrJoinGroupRequest()
	join.Group, join.ProtocolType, join.SessionTimeoutMillis, join.RebalanceTimeoutMillis = oldGroup, "connect", 60_000, 1000
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name = "sessioned"
	join.Protocols = append(join.Protocols, p)
	joined, err := join.RequestWith(w.t.Context(), cl)
	require.NoError(w.t, err)
	join.MemberID = joined.MemberID
	joined, err = join.RequestWith(w.t.Context(), cl)
	require.NoError(w.t, err)
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.Generation, sync.MemberID = oldGroup, joined.Generation, joined.MemberID
	_, err = sync.RequestWith(w.t.Context(), cl)
	require.NoError(w.t, err)
	return func() {}
}

// Who knows more may say what reads by a group.
func TestAClassifierIsAsked(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.edit = func(c *cutover.Config) {
			c.Classify = func(context.Context, string) (workload.Class, string, error) {
				return workload.Outside, "Flink's checkpoints", nil
			}
		}
		w.running().refusedCut("offsets outside Kafka (Flink's checkpoints): its positions are kept outside Kafka")
	})
}

func TestEveryFaultOfAPlanAtOnce(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.plan = plan.Plan{Fence: plan.FenceStrong, Handover: "later"}
		w.refusedCut("service.group", "service.topics", "guards.unresolved", "guards.errors:", "guards.errorsOver", "guards.lagFactor", "guards.watch",
			"stop.wait", `handover: "later"`, `rollback: ""`, `service.noPosition: ""`, "service.principal")
	})
}

func TestTopicsThatDoNotAgree(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		w.plan.Service.Topics = []string{"invoices"}
		w.refusedCut("the group reads topic orders, which is not in service.topics", "the group does not read topic invoices")
		w.plan.Service.Topics = []string{topic, "nowhere"}
		w.refusedCut("nowhere")
	})
}

func TestTheNewGroupIsTaken(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		defer w.polls(commits, kgo.DisableAutoCommit(), kgo.ConsumerGroup(w.plan.NewGroup()), kgo.ConsumeTopics(topic))()
		w.refusedCut("the new group billing.gantry has 1 members")
	})
}

func TestTheSecondOperator(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		w.plan.ApproveBy = "AKIASECOND"
		w.refusedCut("there is no way to ask")
		says := "AKIAFIRST"
		w.edit = func(c *cutover.Config) {
			c.Approve = func(_ context.Context, p cutover.Prediction) (string, error) {
				require.Positive(w.t, p.Pause)
				require.Contains(w.t, p.Basis, "an estimate")
				return says, nil
			}
		}
		w.refusedCut("it was given by AKIAFIRST, and the plan wants AKIASECOND")
		says = "AKIASECOND"
		w.mustCut()
		require.True(w.t, w.ledger.has(plan.StepApprove, plan.Did))
	})
}

func TestNoGoWhereNothingIsCommitted(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.old.every = time.Hour
		w.old.start()
		time.Sleep(5 * time.Second)
		w.refusedCut("no-go", "records came and nothing was committed in 3s")
	})
}

func TestTheSecondPredictionIsMeasured(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		first, err := w.protocol().Rehearse(w.t.Context())
		require.NoError(w.t, err)
		require.Equal(w.t, "it was a rehearsal", first.Rollback.Reason)
		time.Sleep(3 * time.Second)
		second, err := w.protocol().Rehearse(w.t.Context())
		require.NoError(w.t, err)
		require.Equal(w.t, first.Cutover.Pause, second.Predicted)
		w.settled(oldGroup)
		w.judge(tail(second.Cutover))
	})
}

// A journal that refuses is one that somebody else writes: nothing more is done, and not
// undone either.
func TestAFencedJournalEndsIt(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		hook := w.hook
		w.edit = func(c *cutover.Config) {
			c.Hook = func(ctx context.Context, command []string, env map[string]string) error {
				w.ledger.refuses = errors.New("epoch 7 writes")
				return hook(ctx, command, env)
			}
		}
		_, err := w.protocol().Cutover(w.t.Context())
		require.ErrorContains(w.t, err, "epoch 7 writes")
		var back *cutover.RolledBackError
		require.False(w.t, errors.As(err, &back))
		require.Empty(w.t, w.denied())
		w.ledger.refuses, w.edit = nil, nil
		require.NoError(w.t, w.protocol().Resume(w.t.Context()))
		require.True(w.t, w.new.on(w.plan.NewGroup()))
		_, err = w.protocol().Cutover(w.t.Context())
		require.ErrorIs(w.t, err, cutover.ErrMoved)
		require.NoError(w.t, w.protocol().Release(w.t.Context(), false))
		require.Empty(w.t, w.denied())
		_, err = w.protocol().Rollback(w.t.Context(), "")
		require.ErrorIs(w.t, err, cutover.ErrReleased)
	})
}

func TestFunctionsThatDoNotWork(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.timing.Prove = 10 * time.Second
		w.running()
		w.new.setup = func(s *service) { s.user = "nobody" } // it can't log in
		w.new.problem = "PROBLEM: SASL authentication failed"
		_, err := w.protocol().Cutover(w.t.Context())
		w.givenBack(err, "SASL authentication failed")
		w.settled(oldGroup)
		w.judge(nil)
	})
}

func TestAStrangerInTheNewGroup(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		var leave func()
		w.new.setup = func(*service) {
			leave = w.polls(func(*kgo.Client) {}, kgo.DisableAutoCommit(), kgo.ConsumerGroup(w.plan.NewGroup()), kgo.ConsumeTopics(topic), kgo.ClientID("intruder"))
			time.AfterFunc(10*time.Second, leave)
		}
		_, err := w.protocol().Cutover(w.t.Context())
		w.givenBack(err, "has a member that is not gantry's: client intruder")
	})
}

func TestAHookThatFails(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		w.plan.Stop.Hook = []string{"stop-bling"}
		_, err := w.protocol().Cutover(w.t.Context())
		w.givenBack(err, "the stop hook failed: [stop-bling]: no such command")
		w.settled(oldGroup)
		w.judge(nil)
	})
}
