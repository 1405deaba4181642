package fault_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
	"gantry/mapping"
)

// shown is what a process shows of the first mapping.
type shown struct {
	Status mapping.Status
	Counts map[string]int64
}

func (w *world) shown(g *gantrytest.Gantry) shown {
	var s shown
	if text, code := g.CLI("describe", "mapping", mappingName(0), "-o", "json"); code == 0 {
		require.NoError(w.t, json.Unmarshal([]byte(text), &s))
	}
	return s
}

// delivered gives the offsets of a partition that the function had, in order of time.
func (w *world) delivered(partition int32) []int64 {
	var all []int64
	for _, d := range gantrytest.ReadJournal(w.t, w.journals[0]).Succeeded().Deliveries {
		if partitionOf(d.Partition).Index == partition {
			all = append(all, d.Offsets...)
		}
	}
	return all
}

// span is first … last.
func span(first, last int64) []int64 {
	var all []int64
	for o := first; o <= last; o++ {
		all = append(all, o)
	}
	return all
}

// accept looks at the preview, which changes nothing, and then accepts all that is lost.
func (w *world) accept(g *gantrytest.Gantry, preview ...string) {
	before := w.cluster.Committed(w.t, w.group(0), w.topic)
	text := g.MustCLI("offsets", "accept-loss", mappingName(0))
	for _, want := range preview {
		require.Contains(w.t, strings.Join(strings.Fields(text), " "), want)
	}
	require.Equal(w.t, before, w.cluster.Committed(w.t, w.group(0), w.topic), "a preview changes nothing")
	require.NotEmpty(w.t, w.shown(g).Status.Lost, "a preview changes nothing")
	g.MustCLI("offsets", "accept-loss", mappingName(0), "--yes", "--reason", "known gap")
	audit, err := os.ReadFile(filepath.Join(g.DataDir, "audit.log"))
	require.NoError(w.t, err)
	line := lineWith(string(audit), "accept-loss")
	require.Contains(w.t, line, "known gap")
	require.Contains(w.t, line, w.topic)
}

// awaitLoss waits until a mapping stands for lost records and gives them by partition.
func (w *world) awaitLoss(g *gantrytest.Gantry, n int) []mapping.Loss {
	var s shown
	w.eventually(90*time.Second, "the loss is shown", func() bool {
		s = w.shown(g)
		return len(s.Status.Lost) == n
	})
	require.Equal(w.t, mapping.ProblemSourceLoss, s.Status.ProcessingResult)
	slices.SortFunc(s.Status.Lost, func(a, b mapping.Loss) int { return int(a.Partition - b.Partition) })
	return s.Status.Lost
}

// Retention takes records away before they were read: their partition stops and says
// what is missing, the others go on, and nothing moves until the owner accepts.
func TestRetentionPassesABlockedOffset(t *testing.T) {
	t.Parallel()
	onEach(t, retentionPassesABlockedOffset)
}

func retentionPassesABlockedOffset(t *testing.T, c *kafkatest.Cluster) {
	w := newWorld(t, c, worldOptions{partitions: 2, fail: "*-0@5"})
	guard := w.guard()
	w.fill(40)
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.eventually(30*time.Second, "partition 0 stands, partition 1 goes on", func() bool {
		return c.Committed(t, w.group(0), w.topic)[1] == 40 && w.shown(g).Counts["InvokeErrorCount"] > 1
	})
	g.Kill()
	c.Retain(t, w.topic, 0, 30)
	g.Up()
	lost := w.awaitLoss(g, 1)[0]
	require.Equal(t, []int64{0, 29, 30, 30}, []int64{lost.First, lost.Last, lost.Count, lost.Resume})
	kafkatest.ProduceValues(t, c, w.topic, 1, "a", "b")
	w.eventually(30*time.Second, "partition 1 goes on", func() bool { return c.Committed(t, w.group(0), w.topic)[1] == 42 })
	require.Zero(t, c.Committed(t, w.group(0), w.topic)[0], "nothing is skipped unsaid")
	guard.lift()
	w.accept(g, w.topic+"-0 0 29 30 records 30")
	w.settled(g)
	require.Equal(t, span(30, 39), w.delivered(0))
	require.Equal(t, span(0, 41), w.delivered(1))
	require.Empty(t, w.shown(g).Status.Lost)
	require.NoError(t, g.Stop())
}

// A topic is deleted and made again under its name while records of the old one wait.
func TestTopicRecreated(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, c *kafkatest.Cluster) {
		t.Run("while it runs", func(t *testing.T) { topicRecreated(t, c, true) })
		t.Run("while it is stopped", func(t *testing.T) { topicRecreated(t, c, false) })
	})
}

func topicRecreated(t *testing.T, c *kafkatest.Cluster, running bool) {
	w := newWorld(t, c, worldOptions{partitions: 2})
	w.fill(20)
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.eventually(30*time.Second, "the old records are done", func() bool { return len(w.delivered(0)) == 20 && len(w.delivered(1)) == 20 })
	w.settled(g)
	if !running {
		require.NoError(t, g.Stop())
	}
	c.Recreate(t, w.topic, 2)
	w.fill(30)
	if !running {
		g.Up()
	}
	for _, lost := range w.awaitLoss(g, 2) {
		require.Contains(t, lost.Reason, "created again")
		require.Zero(t, lost.Resume)
		require.Equal(t, lost.Count, lost.Last-lost.First+1)
	}
	require.Len(t, w.delivered(0), 20, "nothing of the new topic yet")
	w.accept(g, "created again")
	w.settled(g)
	for p := range int32(2) {
		require.Equal(t, append(span(0, 19), span(0, 29)...), w.delivered(p))
	}
	require.NoError(t, g.Stop())
}

// The offsets of an idle group expire: it begins again where the mapping began, at the
// position that was resolved when it was made, so records come again and none is skipped.
func TestGroupOffsetsExpire(t *testing.T) {
	t.Parallel()
	onEach(t, groupOffsetsExpire)
}

func groupOffsetsExpire(t *testing.T, c *kafkatest.Cluster) {
	w := newWorld(t, c, worldOptions{start: "LATEST"})
	w.fill(10) // before the mapping: not its records
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.eventually(30*time.Second, "it has its place", func() bool { return w.holds(g) == 1 })
	w.fill(10)
	w.settled(g)
	require.NoError(t, g.Stop())
	w.fill(5)
	w.eventually(30*time.Second, "the group is empty", func() bool { return len(w.members()) == 0 })
	c.Expire(t, w.group(0))
	g.Up()
	w.eventually(30*time.Second, "everything since the beginning came", func() bool { return len(w.delivered(0)) == 25 })
	require.Equal(t, append(span(10, 19), span(10, 24)...), w.delivered(0))
	w.settled(g)
	require.NoError(t, g.Stop())
}

// Partitions added under LATEST begin at their oldest record: what was written before
// anybody knew of them is not skipped.
func TestPartitionsAddedUnderLatest(t *testing.T) {
	t.Parallel()
	onEach(t, partitionsAddedUnderLatest)
}

func partitionsAddedUnderLatest(t *testing.T, c *kafkatest.Cluster) {
	w := newWorld(t, c, worldOptions{start: "LATEST", partitions: 2})
	w.fill(10)
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.eventually(30*time.Second, "it has its place", func() bool { return w.holds(g) == 2 })
	c.AddPartitions(t, w.topic, 4)
	w.partitions = 4
	w.fill(10)
	w.eventually(100*time.Second, "the added partitions are read whole", func() bool {
		return len(w.delivered(2)) == 10 && len(w.delivered(3)) == 10
	})
	w.settled(g)
	for p, first := range []int64{10, 10, 0, 0} {
		require.Equal(t, span(first, first+9), w.delivered(int32(p)), "partition %d", p)
	}
	require.NoError(t, g.Stop())
}

// The data directory is lost, and with it what was resolved when the mapping was made. The
// group knows how far it was; a partition that was added meanwhile is read whole.
func TestNewDataDirectoryUnderLatest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kafkatest.Shared(t), worldOptions{start: "LATEST", partitions: 1})
	w.fill(10)
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.eventually(30*time.Second, "it has its place", func() bool { return w.holds(g) == 1 })
	w.fill(10)
	w.settled(g)
	require.NoError(t, g.Stop())
	w.cluster.AddPartitions(t, w.topic, 2)
	w.partitions = 2
	w.fill(10)
	another := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.settled(another)
	require.Equal(t, span(10, 29), w.delivered(0))
	require.Equal(t, span(0, 9), w.delivered(1))
	require.NoError(t, another.Stop())
}

// Killed before the first batch was settled, under LATEST: what came in between is not
// skipped, because the starting position was committed before the first fetch.
func TestRestartBeforeTheFirstBatch(t *testing.T) {
	t.Parallel()
	onEach(t, restartBeforeTheFirstBatch)
}

func restartBeforeTheFirstBatch(t *testing.T, c *kafkatest.Cluster) {
	w := newWorld(t, c, worldOptions{start: "LATEST", partitions: 2, fail: "*-0@10,*-1@10"})
	guard := w.guard()
	w.fill(10)
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.eventually(30*time.Second, "it has its place", func() bool { return w.holds(g) == 2 })
	require.Equal(t, map[int32]int64{0: 10, 1: 10}, c.Committed(t, w.group(0), w.topic))
	g.Kill()
	w.fill(5) // nobody is there
	g.Up()
	w.awaitWork(time.Time{})
	g.Kill()
	w.fill(5)
	g.Up()
	guard.heal()
	w.eventually(time.Minute, "everything since the beginning came", func() bool { return len(w.delivered(0)) >= 10 && len(w.delivered(1)) >= 10 })
	w.settled(g)
	for p := range int32(2) {
		require.Equal(t, span(10, 19), w.delivered(p))
	}
	require.NoError(t, g.Stop())
}

// A loss is found while records before it are still in hand, undone. They exist nowhere
// else any more: accepting the loss must not give them up as well.
func TestLossBehindABlockedRecord(t *testing.T) {
	t.Parallel()
	onEach(t, lossBehindABlockedRecord)
}

func lossBehindABlockedRecord(t *testing.T, c *kafkatest.Cluster) {
	w := newWorld(t, c, worldOptions{fail: "*-0@5"})
	guard := w.guard()
	w.fill(40)
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.awaitWork(time.Time{})
	w.eventually(30*time.Second, "it has all in hand", func() bool {
		p := w.positions(g)
		return len(p) == 1 && p[0].Tail == 40
	})
	g.Signal(freeze)
	w.fill(1) // answers the fetch that waits at the broker
	w.fill(20)
	c.Retain(t, w.topic, 0, 55)
	g.Signal(thaw)
	lost := w.awaitLoss(g, 1)[0]
	require.Equal(t, int64(54), lost.Last)
	require.GreaterOrEqual(t, lost.First, int64(40))

	out, code := g.CLI("offsets", "accept-loss", mappingName(0), "--yes", "--reason", "hasty")
	require.Equal(t, 1, code, out)
	require.Contains(t, out, "still has records from before the loss in hand")
	require.Len(t, w.shown(g).Status.Lost, 1, "a refusal changes nothing")

	guard.heal()
	w.eventually(time.Minute, "what was in hand is done", func() bool {
		return c.Committed(t, w.group(0), w.topic)[0] == lost.First
	})
	w.accept(g, "54")
	w.settled(g)
	require.Equal(t, append(span(0, lost.First-1), span(55, 60)...), w.delivered(0))
	require.NoError(t, g.Stop())
}

// A topic made again is another topic whole: accepting one of its partitions accepts all,
// and says so. None begins at an offset of the old one.
func TestAcceptOnePartitionOfATopicRecreated(t *testing.T) {
	t.Parallel()
	onEach(t, acceptOnePartitionOfATopicRecreated)
}

func acceptOnePartitionOfATopicRecreated(t *testing.T, c *kafkatest.Cluster) {
	w := newWorld(t, c, worldOptions{partitions: 2, start: "LATEST"})
	w.fill(10)
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.eventually(30*time.Second, "it has its place", func() bool { return w.holds(g) == 2 })
	w.fill(5)
	w.settled(g)
	require.NoError(t, g.Stop())
	c.Recreate(t, w.topic, 2)
	w.fill(30)
	g.Up()
	w.awaitLoss(g, 2)
	out := g.MustCLI("offsets", "accept-loss", mappingName(0), "--yes", "--reason", "one", "--partition", w.topic+"-0")
	require.Contains(t, out, w.topic+"-0")
	require.Contains(t, out, w.topic+"-1")
	w.eventually(time.Minute, "both partitions of the new topic come whole", func() bool {
		return len(w.delivered(0)) == 35 && len(w.delivered(1)) == 35
	})
	for p := range int32(2) {
		require.Equal(t, append(span(10, 14), span(0, 29)...), w.delivered(p))
	}
	require.NoError(t, g.Stop())
}

// lineWith gives the first line that has a text.
func lineWith(log, text string) string {
	for line := range strings.Lines(log) {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}
