package fault_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// SIGTERM in the middle of a long invocation: it ends, is committed, the member leaves,
// and a successor has the partitions at once, not after a session timeout.
func TestStopDrains(t *testing.T) {
	t.Parallel()
	onEach(t, stopDrains)
}

func stopDrains(t *testing.T, c *kafkatest.Cluster) {
	w := newWorld(t, c, worldOptions{pause: "4s"})
	counts := w.fill(20)
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.awaitWork(time.Time{})
	asked := time.Now()
	require.NoError(t, g.Stop())
	require.Greater(t, time.Since(asked), 2*time.Second, "it waited for the invocation")
	require.Equal(t, map[int32]int64{0: 20}, c.Committed(t, w.group(0), w.topic), "the batch in flight is committed")
	require.Empty(t, w.members(), "it has left")

	w.fill(20)
	counts[0] += 20
	successor := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	up := time.Now()
	took := w.awaitWork(up)
	require.Less(t, took, 15*time.Second, "no wait for the old session of 45 s")
	w.settled(successor)
	w.once(counts)
	require.NoError(t, successor.Stop())
}

// A process stands still for longer than its session and wakes up as a zombie: its
// partitions were taken over meanwhile. It must not commit for them, and nothing is lost.
func TestZombie(t *testing.T) {
	onEach(t, zombie)
}

func zombie(t *testing.T, c *kafkatest.Cluster) {
	w := newWorld(t, c, worldOptions{partitions: 6, session: "6s"})
	a := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	b := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.eventually(30*time.Second, "both hold partitions", func() bool { return w.holds(a) == 3 && w.holds(b) == 3 })
	w.load(300)
	w.awaitWork(time.Now())
	b.Signal(freeze)
	w.eventually(time.Minute, "its partitions move", func() bool { return w.holds(a) == 6 })
	pass(2 * time.Second) // the other commits for them
	b.Signal(thaw)
	w.eventually(time.Minute, "the zombie is a member again", func() bool { return w.holds(a) == 3 && w.holds(b) == 3 })
	pass(time.Second)
	w.verify(w.finish(a))
	neverPast(t, gantrytest.ReadJournal(t, w.journals[0]), c.Commits(t, w.group(0))) // nor back
	require.NoError(t, b.Stop())
	require.NoError(t, a.Stop())
}
