package fault_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// Two processes with one file, each with a data directory and a port of its own: they
// share the partitions, and each record is delivered once.
func TestTwoProcesses(t *testing.T) {
	w := newWorld(t, kafkatest.Shared(t), worldOptions{functions: 2, partitions: 6})
	a := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	b := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.eventually(30*time.Second, "both hold partitions", func() bool { return w.holds(a) == 3 && w.holds(b) == 3 })
	w.load(1000)
	pass(time.Duration(kafkatest.Size(3, 20)) * time.Second)
	w.once(w.finish(a))
	require.NoError(t, b.Stop())
	require.NoError(t, a.Stop())
}

// holds counts the partitions of the first mapping that a process has.
func (w *world) holds(g *gantrytest.Gantry) int {
	n := 0
	for _, p := range w.positions(g) {
		if p.Here {
			n++
		}
	}
	return n
}

type position struct {
	Partition               int32
	Here                    bool
	Committed, Resume, Tail int64
}

// positions is where a process says that the first mapping stands.
func (w *world) positions(g *gantrytest.Gantry) []position {
	var out struct{ Partitions []position }
	text, code := g.CLI("offsets", "show", mappingName(0), "-o", "json")
	if code != 0 { // its file is not applied yet
		return nil
	}
	require.NoError(w.t, json.Unmarshal([]byte(text), &out))
	return out.Partitions
}

// A second one joins again and again under load, and it or the first leaves, each time in
// order: nothing lost, order kept, nothing repeated.
func TestJoinAndLeave(t *testing.T) {
	w := newWorld(t, kafkatest.Shared(t), worldOptions{partitions: 6})
	stays, leaves := gantrytest.Start(t, gantrytest.Options{Config: w.config}), gantrytest.New(t, gantrytest.Options{Config: w.config})
	w.load(1000)
	for round := range kafkatest.Size(3, 12) {
		leaves.Up()
		w.eventually(30*time.Second, "the joined process has its share", func() bool { return w.holds(leaves) == 3 })
		if round%2 == 1 {
			stays, leaves = leaves, stays
		}
		pass(300 * time.Millisecond)
		require.NoError(t, leaves.Stop())
		w.eventually(30*time.Second, "the other has all again", func() bool { return w.holds(stays) == 6 })
	}
	w.once(w.finish(stays))
	require.NoError(t, stays.Stop())
}

// One of two is killed for good: its partitions move when its session is over, and only
// what it had in flight or uncommitted is repeated.
func TestKilledForGood(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c *kafkatest.Cluster) {
		w := newWorld(t, c, worldOptions{partitions: 6, session: "6s"})
		a := gantrytest.Start(t, gantrytest.Options{Config: w.config})
		b := gantrytest.Start(t, gantrytest.Options{Config: w.config})
		w.eventually(30*time.Second, "both hold partitions", func() bool { return w.holds(a) == 3 && w.holds(b) == 3 })
		w.load(1000)
		w.awaitWork(time.Now())
		held := map[int32]bool{}
		for _, p := range w.positions(b) {
			held[p.Partition] = p.Here
		}
		b.Kill()
		killed := w.killed(time.Now())
		w.eventually(time.Minute, "its partitions move", func() bool { return w.holds(a) == 6 })
		took := time.Since(killed.at)
		t.Logf("the partitions moved after %s", took)
		require.Greater(t, took, 3*time.Second, "not before the session could be over")
		require.Less(t, took, 20*time.Second, "soon after the session is over")
		repeated := w.verify(w.finish(a))
		w.explain(repeated, []disturbance{killed})
		for _, r := range repeated[0] {
			require.True(t, held[r.Partition], "repeated, and the killed one did not have its partition: %s", r)
		}
		require.NoError(t, a.Stop())
	})
}

// members of the first mapping's group, as the broker knows them.
func (w *world) members() []kadm.DescribedGroupMember {
	groups, err := w.cluster.Admin(w.t).DescribeGroups(context.Background(), w.group(0))
	require.NoError(w.t, err)
	return groups[w.group(0)].Members
}
