package services_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/migrate/cutover"
	"gantry/plan"
)

// failure is a way in which a cutover is known to go wrong; a real broker provokes it here,
// and its guard must hold. What needs an old client of its own kind is elsewhere: zombies,
// clusters without an authorizer, KIP-848 groups, what was not committed, a crash of gantry.
type failure struct {
	name   string
	daily  bool // also in the everyday size
	old    kind
	happen func(w *world)
}

func failures() []failure {
	return []failure{
		{"static member dead", true, static(), staticMemberDead},
		{"offsets in an open transaction", true, dynamic(), offsetsInAnOpenTransaction},
		{"partition added", true, dynamic(), partitionAdded},
		{"poison record", true, dynamic(), poisonRecord},
		{"supervisor", false, dynamic(), supervisor},
		{"supervisor, quick", false, dynamic(), quickSupervisor},
		{"supervisor, weak fence", false, dynamic(), supervisorBehindAWeakFence},
		{"started while the guards watch", false, dynamic(), startedWhileTheGuardsWatch},
		{"one principal", false, dynamic(), onePrincipal},
		{"expired", false, dynamic(), expired},
		{"deleted", false, dynamic(), deleted},
		{"retention", false, dynamic(), retention},
		{"rebalance storm", false, dynamic(), rebalanceStorm},
		{"clocks that lie", false, dynamic(), clocksThatLie},
		{"offsets outside Kafka", false, dynamic(), offsetsOutsideKafka},
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, versions(), func(t *testing.T, version string) {
		c := kafkatest.Start(t, kafkatest.Options{Version: version, ACLs: true, Properties: map[string]string{"offsets.retention.minutes": "1"}})
		for _, f := range failures() {
			t.Run(f.name, func(t *testing.T) {
				if !f.daily {
					kafkatest.Whole(t)
				}
				t.Parallel()
				w := newWorld(t, c, f.old, size{partitions: 4, rate: 100})
				w.timing.Sample, w.timing.Rejoin = 2*time.Second, 3*time.Second // its heartbeats are quick
				w.plan.Guards.LagFactor = 1000
				f.happen(w)
			})
		}
	})
}

// refused must fail with a text and must not have touched the old service.
func (w *world) refused(text string) {
	w.t.Helper()
	_, err := w.protocol().Cutover(w.t.Context())
	require.ErrorContains(w.t, err, text)
	require.False(w.t, w.ledger.has(plan.StepStop, plan.Intends))
	require.Zero(w.t, w.functions.done())
	_, err = w.protocol().Rollback(w.t.Context(), "")
	require.ErrorIs(w.t, err, cutover.ErrNothing)
}

// givenBack must be an error after which the old service owns the work again.
func (w *world) givenBack(err error, text string) cutover.Returned {
	w.t.Helper()
	var back *cutover.RolledBackError
	require.ErrorAs(w.t, err, &back)
	require.ErrorContains(w.t, err, text)
	require.NoError(w.t, back.Err)
	require.NotNil(w.t, back.Returned)
	denied, err := w.admin.DeniedGroup(w.t.Context(), w.plan.Service.Group)
	require.NoError(w.t, err)
	require.Empty(w.t, denied)
	return *back.Returned
}

// mayTwice takes ranges that are reported as possibly processed twice.
func (w *world) mayTwice(ranges []cutover.Range) {
	for _, of := range ranges {
		for at := of.From; at < of.To; at++ {
			w.twice[fmt.Sprintf("%d/%d", of.Partition, at)] = true
		}
	}
}

// A supervisor starts the old service again and again, from its stop to the end of the
// watch.
func supervisor(w *world) {
	w.supervised(func() {})
	w.judge(w.plan.NewGroup())
}

// One that is quick has it at work again before the fence is set. This broker lets it join at
// once, as brokers do whose group.initial.rebalance.delay.ms is 0: removed in the middle of a
// batch it does that again, by itself and before the seam, as after any rebalance. The proof
// says within which records.
func quickSupervisor(w *world) {
	w.supervised(func() {
		w.await("the old service to be back", func() bool {
			g, err := w.admin.GroupState(context.Background(), w.plan.Service.Group)
			return err == nil && g.State == "Stable" && len(g.Members) == 1
		})
	})
	require.True(w.t, w.told.has("1 members of group "+w.plan.Service.Group+" did not leave within 4s: the fence removes them"))
	w.judge(w.plan.NewGroup())
}

func (w *world) supervised(back func()) cutover.Proof {
	w.plan.Stop.Wait = 4 * time.Second
	var end func()
	w.stopped = func() { w.old.start(); end = w.again(100*time.Millisecond, w.old.start); back() }
	proof := w.cutover()
	_, err := w.protocol().Watch(w.t.Context())
	require.NoError(w.t, err)
	for _, s := range proof.Seams {
		require.Equal(w.t, s.OldEnd, w.committed(w.plan.Service.Group)[s.Partition], "it tries and is refused")
	}
	end()
	return proof
}

func supervisorBehindAWeakFence(w *world) {
	w.plan.Fence, w.plan.Stop.Wait = plan.FenceWeak, 4*time.Second
	w.stopped = func() { w.again(300*time.Millisecond, w.old.start) }
	_, err := w.protocol().Cutover(w.t.Context())
	back := w.givenBack(err, "something starts the old service again")
	require.Zero(w.t, w.functions.done())
	// Removed in the middle of a batch it does that again, each time.
	w.mayTwice(back.Again)
	w.count(w.plan.Service.Group, func(id string) bool { return w.twice[id] })
}

// Without an ACL a service that was started again commits, and the guards see it.
func startedWhileTheGuardsWatch(w *world) {
	w.plan.Fence, w.plan.Guards.Watch = plan.FenceWeak, time.Minute
	w.cutover()
	w.old.start()
	_, err := w.protocol().Watch(w.t.Context())
	back := w.givenBack(err, "records are processed twice")
	require.True(w.t, w.told.has("stop what starts it"))
	// What both did between its start and the guard's look is twice, as the guard says.
	w.mayTwice(back.Again)
	w.mayTwice(back.Meanwhile.Ranges)
	w.count(w.plan.Service.Group, func(id string) bool { return w.twice[id] })
}

func onePrincipal(w *world) {
	w.functions.principal = "User:" + kafkatest.UserName
	w.functions.opts = w.c.SASLOptions(kafkatest.Login{})
	w.c.Allow(w.t, kafkatest.UserName, kafkatest.ACL{Groups: []string{w.plan.NewGroup()}, Operations: []kadm.ACLOperation{kadm.OpAll}})
	w.plan.Handover = plan.HandoverSame
	w.refused("the functions log in as User:" + kafkatest.UserName + ", as the old service does")
	w.plan.Handover = plan.HandoverNew
	w.cutover()
	w.judge(w.plan.NewGroup())
}

// The member of a process that is gone stays until its session of 45 s is over: first one
// that the stop hook ended, then one that died long before the cutover.
func staticMemberDead(w *world) {
	w.stopped = func() { w.staysIn(w.plan.Service.Group) }
	proof := w.cutover()
	require.Less(w.t, proof.Pause, 15*time.Second, "its session is not waited for")
	w.rollback()
	w.load.rest()
	w.await("the old service to finish", func() bool { return w.lag(w.plan.Service.Group) == 0 })
	require.NoError(w.t, w.old.stop())
	w.staysIn(w.plan.Service.Group)
	began := time.Now()
	w.cutover()
	require.Less(w.t, time.Since(began), 30*time.Second)
	g, err := w.admin.GroupState(w.t.Context(), w.plan.Service.Group)
	require.NoError(w.t, err)
	require.Empty(w.t, g.Members)
	w.judge(w.plan.NewGroup())
}

// A record that always fails holds its partition up while the others go on.
func poisonRecord(w *world) {
	w.plan.Guards.Unresolved, w.plan.Guards.Watch = 4*time.Second, time.Minute
	bad := w.committed(w.plan.Service.Group)[0] + 150
	w.functions.poison = func(r *kgo.Record) bool { return r.Partition == 0 && r.Offset >= bad }
	w.cutover()
	_, err := w.protocol().Watch(w.t.Context())
	back := w.givenBack(err, "is it a record that always fails?")
	require.Positive(w.t, back.Meanwhile.Records)
	require.LessOrEqual(w.t, back.Seams[0].NewStart, bad)
	w.judge(w.plan.Service.Group)
}

func rebalanceStorm(w *world) {
	w.timing.Guard, w.plan.Guards.Watch = 100*time.Millisecond, 2*time.Minute
	w.functions.opts = []kgo.Opt{kgo.HeartbeatInterval(100 * time.Millisecond)}
	w.cutover()
	group := w.plan.NewGroup()
	ctx, enough := context.WithCancel(w.t.Context())
	defer enough()
	removed := 0
	end := w.again(300*time.Millisecond, func() {
		if g, err := w.admin.GroupState(context.Background(), group); err == nil {
			n, _ := w.admin.RemoveMembers(context.Background(), group, g.Members)
			if removed += n; removed >= 40 { // the guards, who look more often, have seen half of it
				enough()
			}
		}
	})
	seen, err := w.protocol().Watch(ctx)
	end()
	require.ErrorIs(w.t, err, context.Canceled)
	require.Contains(w.t, seen.Alarms, "the functions' group changed its members 20 times: each change is a rebalance")
	// A member that was removed in the middle of a batch does it again: that is the storm's price.
	w.count(group, func(string) bool { return true })
}

// A service that keeps its positions elsewhere never commits.
func offsetsOutsideKafka(w *world) {
	group := "silent-" + w.old.topic
	client := w.c.Client(w.t, kgo.ConsumerGroup(group), kgo.ConsumeTopics(w.old.topic), kgo.DisableAutoCommit())
	w.again(10*time.Millisecond, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		client.PollFetches(ctx)
	})
	w.await("it to read", func() bool {
		g, err := w.admin.GroupState(context.Background(), group)
		return err == nil && g.State == "Stable" && len(g.Members) == 1
	})
	w.plan.Service.Group = group
	w.refused("is refused: offsets outside Kafka (it has 1 members and never committed an offset)")
	at, err := w.admin.Committed(w.t.Context(), group)
	require.NoError(w.t, err)
	require.Equal(w.t, kafka.Offsets{}, at)
}
