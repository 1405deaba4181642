package fault_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// world is a topic under load and three functions that note what they get.
type world struct {
	t          *testing.T
	cluster    *kafkatest.Cluster
	topic      string
	partitions int
	journals   []string
	config     string

	stop     context.CancelFunc
	produced chan []int64
}

const functions = 3

// newWorld makes the topic and the file. session is the session timeout of the members.
func newWorld(t *testing.T, c *kafkatest.Cluster, session string) *world {
	w := &world{t: t, cluster: c, topic: kafkatest.Topic(t), partitions: 6, produced: make(chan []int64, 1)}
	c.CreateTopic(t, w.topic, w.partitions, nil)
	code := gantrytest.GoFunction(t, gantrytest.JournalGo)
	var b strings.Builder
	fmt.Fprintf(&b, "clusters: {main: {brokers: [%q]}}\nfunctions:\n", c.Brokers()[0])
	for i := range functions {
		w.journals = append(w.journals, t.TempDir())
		fmt.Fprintf(&b, "  f%d: {runtime: provided.al2023, handler: h, code: %s, timeout: 30s, environment: {%s: %s, PAUSE: 3ms}}\n",
			i, code, gantrytest.JournalVariable, w.journals[i])
	}
	b.WriteString("mappings:\n")
	for i := range functions {
		fmt.Fprintf(&b, "  m%d: {function: f%d, cluster: main, topic: %s, startingPosition: TRIM_HORIZON, batchSize: 20, maximumBatchingWindow: 0s, consumerGroupId: %s-g%d, sessionTimeout: %s}\n",
			i, i, w.topic, w.topic, i, session)
	}
	w.config = b.String()
	return w
}

// load produces until it is stopped and gives how many records each partition has.
func (w *world) load(perSecond int) {
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	cl := w.cluster.Client(w.t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(5*time.Millisecond))
	go func() {
		counts := make([]int64, w.partitions)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; {
			select {
			case <-ctx.Done():
				_ = cl.Flush(context.Background())
				w.produced <- counts
				return
			case <-tick.C:
			}
			for range perSecond / 100 {
				p := int32(i % w.partitions)
				cl.Produce(context.Background(), &kgo.Record{Topic: w.topic, Partition: p, Value: fmt.Appendf(nil, `{"n":%d}`, i)}, nil)
				counts[p]++
				i++
			}
		}
	}()
}

// finish stops the load and waits until every mapping has settled it.
func (w *world) finish(g *gantrytest.Gantry) []int64 {
	w.stop()
	counts := <-w.produced
	for i := range functions {
		g.MustCLI("wait", fmt.Sprintf("m%d", i), "--settled", "--timeout", "2m")
	}
	return counts
}

// verify looks at what each function had.
func (w *world) verify(counts []int64, mostDuplicates int) {
	for i, dir := range w.journals {
		v := gantrytest.ReadJournal(w.t, dir).Check(w.topic, counts)
		require.Empty(w.t, gantrytest.First(v.Lost), "function %d: lost", i)
		require.Empty(w.t, gantrytest.First(v.Disorder), "function %d: out of order", i)
		require.LessOrEqual(w.t, v.Duplicates, mostDuplicates, "function %d: repeated", i)
		w.t.Logf("function %d: %d records, %d repeated", i, v.Seen, v.Duplicates)
	}
}

// kill -9 of gantry at random moments under load: nothing lost, order kept, repeated at
// most what was in flight or uncommitted, back to work within a second of being up.
func TestKillGantry(t *testing.T) {
	c := kafkatest.Shared(t)
	w := newWorld(t, c, "45s")
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.load(2000)
	kills := kafkatest.Size(3, 10)
	var slowest time.Duration
	for range kills {
		time.Sleep(500*time.Millisecond + rand.N(1500*time.Millisecond))
		g.Kill()
		g.Up()
		up := time.Now()
		w.awaitWork(up)
		slowest = max(slowest, time.Since(up))
	}
	counts := w.finish(g)
	// A batch of 20 for each of 6 lanes in flight, and as much settled but not
	// committed, at each kill.
	w.verify(counts, kills*2*20*w.partitions)
	t.Logf("slowest return to work after a kill: %s", slowest)
	require.Less(t, slowest, time.Second+500*time.Millisecond, "back to work")
	require.NoError(t, g.Stop())
}

// awaitWork waits until every function has had something since.
func (w *world) awaitWork(since time.Time) {
	deadline := time.Now().Add(20 * time.Second)
	for _, dir := range w.journals {
		for {
			d := gantrytest.ReadJournal(w.t, dir).Deliveries
			if len(d) > 0 && d[len(d)-1].At > since.UnixNano() {
				break
			}
			require.True(w.t, time.Now().Before(deadline), "no work since the restart")
			time.Sleep(20 * time.Millisecond)
		}
	}
}
