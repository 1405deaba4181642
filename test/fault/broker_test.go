package fault_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// A broker restarts under load: nothing lost, order kept, and work goes on within ten
// seconds of the broker answering again.
func TestBrokerRestart(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, kafkatest.Versions(), func(t *testing.T, version string) {
		c := kafkatest.Start(t, kafkatest.Options{Version: version})
		w := newWorld(t, c, worldOptions{functions: 2, partitions: 6})
		watch := kafkatest.WatchOffsets(t, c.Admin(t), kafkatest.Watch{Group: w.group(0)})
		g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
		w.load(1000)
		w.awaitWork(time.Now())
		for range kafkatest.Size(1, 3) {
			c.KillBroker(1)
			w.brokerBack(1)
			c.StopBroker(t, 1)
			w.brokerBack(1)
		}
		counts := w.finish(g)
		repeated := w.verify(counts)
		neverPast(t, gantrytest.ReadJournal(t, w.journals[0]), c.Commits(t, w.group(0)))
		uncommitted(t, repeated[0], watch.History())
		require.NoError(t, g.Stop())
	})
}

// brokerBack leaves a broker away for a while, starts it and waits for work.
func (w *world) brokerBack(i int) {
	pass(time.Second)
	w.cluster.StartBroker(w.t, i)
	took := w.awaitWork(time.Now())
	w.t.Logf("work went on %s after the broker answered", took)
	require.Less(w.t, took, 10*time.Second, "work goes on after the broker answers")
	pass(time.Second) // what waited meanwhile is done and committed
}

// Of three brokers the leader of a partition and the group's coordinator die: the others
// take over and work goes on without them.
func TestLoseLeaderAndCoordinator(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, kafkatest.Versions(), func(t *testing.T, version string) {
		c := kafkatest.Start(t, kafkatest.Options{Version: version, Brokers: 3})
		w := newWorld(t, c, worldOptions{partitions: 6})
		g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
		w.load(500)
		w.awaitWork(time.Now())
		for _, find := range []func() int{w.leader, w.coordinator} {
			victim := find()
			c.KillBroker(victim)
			killed := time.Now()
			w.eventually(time.Minute, "every partition moves on without the broker", func() bool { return w.allMoved(killed) })
			t.Logf("broker %d killed: every partition had work again after %s", victim, time.Since(killed))
			c.StartBroker(t, victim)
		}
		w.verify(w.finish(g))
		require.NoError(t, g.Stop())
	})
}

// allMoved says that every partition has had work since: more than what was in hand.
func (w *world) allMoved(since time.Time) bool {
	moved := map[string]int{}
	for _, d := range gantrytest.ReadJournal(w.t, w.journals[0]).Deliveries {
		if d.At > since.Add(time.Second).UnixNano() {
			moved[d.Partition]++
		}
	}
	return len(moved) == w.partitions
}

func (w *world) leader() int {
	topics, err := w.cluster.Admin(w.t).ListTopics(context.Background(), w.topic)
	require.NoError(w.t, err)
	return int(topics[w.topic].Partitions[0].Leader)
}

func (w *world) coordinator() int {
	found := w.cluster.Admin(w.t).FindGroupCoordinators(context.Background(), w.group(0))
	require.NoError(w.t, found.Error())
	return int(found[w.group(0)].NodeID)
}

// uncommitted demands that nothing was repeated after its commit had been seen.
func uncommitted(t *testing.T, repeated []repeat, history []kafkatest.Commit) {
	t.Helper()
	for _, r := range repeated {
		for _, c := range history {
			same := c.Topic == r.Topic && c.Index == r.Partition
			require.False(t, same && c.Offset > r.Offset && c.At.Before(r.again), "repeated although it was committed: %s", r)
		}
	}
}
