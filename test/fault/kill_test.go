package fault_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// kill -9 of gantry at random moments under load: nothing lost, order kept, repeated
// exactly what was in flight or uncommitted at a kill, back to work within a second of
// being up.
func TestKillGantry(t *testing.T) {
	killGantry(t, kafkatest.Shared(t), kafkatest.Size(3, 10))
}

// The brokers companies run.
func TestKillGantryOnOtherVersions(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, kafkatest.Supported()[1:], func(t *testing.T, version string) {
		killGantry(t, kafkatest.Start(t, kafkatest.Options{Version: version}), kafkatest.Size(1, 10))
	})
}

func killGantry(t *testing.T, c *kafkatest.Cluster, kills int) {
	w := newWorld(t, c, worldOptions{functions: 3, partitions: 6})
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.load(1000)
	w.awaitWork(time.Now())
	var back []time.Duration
	var disturbances []disturbance
	for range kills {
		pass(500*time.Millisecond + rand.N(1500*time.Millisecond))
		g.Kill()
		disturbances = append(disturbances, w.killed(time.Now()))
		g.Up()
		back = append(back, w.awaitWork(time.Now()))
	}
	counts := w.finish(g)
	w.explain(w.verify(counts), disturbances)
	t.Logf("back to work after being up again within %s", back)
	// A member that is not static would wait for the end of its old session, 45 s. On a
	// machine that does other work too one of many returns may take longer.
	slices.Sort(back)
	require.Less(t, back[len(back)/2], time.Second, "back to work")
	require.Less(t, slices.Max(back), 20*time.Second, "back to work")
	require.NoError(t, g.Stop())
}
