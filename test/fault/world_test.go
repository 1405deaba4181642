package fault_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// worldOptions are what tests differ in. The zero value is one function on six
// partitions with Kafka's default session.
type worldOptions struct {
	functions  int
	partitions int
	topic      string            // empty = one of its own
	configs    map[string]string // of the topic
	session    string            // of the members
	pause      string            // that a function takes for a batch
	start      string            // startingPosition
	fail       string            // records to fail (gantrytest.FailVariable); * stands for the topic
	partial    bool              // report failing records instead of failing their batch
	mapping    string            // more members of each mapping: ", oversize: drop"
}

// world is a topic under load and functions that note what they get.
type world struct {
	worldOptions
	t        *testing.T
	cluster  *kafkatest.Cluster
	journals []string
	config   string

	healed   string // the file whose appearance ends all failing
	stop     context.CancelFunc
	produced chan []int64
	gaveUp   atomic.Value // the last error of the producer
}

func newWorld(t *testing.T, c *kafkatest.Cluster, o worldOptions) *world {
	o.functions, o.partitions = max(o.functions, 1), max(o.partitions, 1)
	for value, fallback := range map[*string]string{&o.session: "45s", &o.pause: "3ms", &o.start: "TRIM_HORIZON", &o.topic: kafkatest.Topic(t)} {
		if *value == "" {
			*value = fallback
		}
	}
	w := &world{worldOptions: o, t: t, cluster: c, produced: make(chan []int64, 1), healed: filepath.Join(t.TempDir(), "healed")}
	c.CreateTopic(t, w.topic, w.partitions, o.configs)
	for range w.functions {
		w.journals = append(w.journals, t.TempDir())
	}
	w.config = w.yaml()
	return w
}

// yaml is the file: function f0 with mapping m0, and so on.
func (w *world) yaml() string {
	code := gantrytest.GoFunction(w.t, gantrytest.JournalGo)
	fail := strings.ReplaceAll(w.fail, "*", w.topic)
	var b strings.Builder
	partial := ""
	if w.partial {
		partial = "yes"
	}
	fmt.Fprintf(&b, "clusters: {main: {brokers: [\"%s\"]}}\nfunctions:\n", strings.Join(w.cluster.Brokers(), `", "`))
	for i, journal := range w.journals {
		fmt.Fprintf(&b, "  f%d: {runtime: provided.al2023, handler: h, code: %s, timeout: 30s, environment: {%s: %s, %s: %s, %s: %s, %s: %q, %s: %q}}\n",
			i, code, gantrytest.JournalVariable, journal, gantrytest.PauseVariable, w.pause,
			gantrytest.HealVariable, w.healed, gantrytest.FailVariable, fail, gantrytest.PartialVariable, partial)
	}
	b.WriteString("mappings:\n")
	for i := range w.journals {
		fmt.Fprintf(&b, "  %s: {function: f%d, cluster: main, topic: %s, startingPosition: %s, batchSize: 20, maximumBatchingWindow: 0s, consumerGroupId: %s, sessionTimeout: %s%s}\n",
			mappingName(i), i, w.topic, w.start, w.group(i), w.session, w.mapping)
	}
	return b.String()
}

func mappingName(i int) string { return fmt.Sprintf("m%d", i) }

// group of a function. A topic may have one letter, so the journal's folder makes it unique.
func (w *world) group(i int) string {
	return fmt.Sprintf("%s-%s-g%d", w.topic, filepath.Base(filepath.Dir(w.journals[0])), i)
}

// heal ends all failing.
func (w *world) heal() { require.NoError(w.t, os.WriteFile(w.healed, nil, 0o600)) }

// load produces until it is stopped; finish gives how many records each partition has:
// those that the cluster acknowledged, which is what nobody may lose. A producer may have
// to give a batch up when its broker is killed.
func (w *world) load(perSecond int) {
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	cl := w.cluster.Client(w.t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(5*time.Millisecond),
		kgo.RequestTimeoutOverhead(5*time.Second))
	go func() {
		ends := make([]atomic.Int64, w.partitions)
		acknowledged := func(r *kgo.Record, err error) {
			if err != nil {
				w.gaveUp.Store(err)
				return
			}
			ends[r.Partition].Store(max(ends[r.Partition].Load(), r.Offset+1)) // one goroutine calls this
		}
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; {
			select {
			case <-ctx.Done():
				_ = cl.Flush(context.Background())
				counts := make([]int64, w.partitions)
				for p := range counts {
					counts[p] = ends[p].Load()
				}
				w.produced <- counts
				return
			case <-tick.C:
			}
			for range perSecond / 100 {
				p := int32(i % w.partitions)
				cl.Produce(context.Background(), &kgo.Record{Topic: w.topic, Partition: p, Value: fmt.Appendf(nil, `{"n":%d}`, i)}, acknowledged)
				i++
			}
		}
	}()
}

// fill writes n records to each partition.
func (w *world) fill(n int) []int64 {
	kafkatest.Fill(w.t, w.cluster, kafkatest.Load{Topic: w.topic, Partitions: w.partitions, Records: n * w.partitions})
	return w.each(n)
}

// each is n records in every partition.
func (w *world) each(n int) []int64 {
	counts := make([]int64, w.partitions)
	for p := range counts {
		counts[p] = int64(n)
	}
	return counts
}

// finish stops the load and waits until every mapping has settled it.
func (w *world) finish(g *gantrytest.Gantry) []int64 {
	w.stop()
	counts := <-w.produced
	if err := w.gaveUp.Load(); err != nil {
		w.t.Logf("the producer gave records up: %v", err)
	}
	w.settled(g)
	return counts
}

// settled waits until every mapping has settled what is in the topic now.
func (w *world) settled(g *gantrytest.Gantry) {
	for i := range w.journals {
		w.eventually(30*time.Second, "the file is applied", func() bool {
			_, code := g.CLI("describe", "mapping", mappingName(i))
			return code == 0
		})
		g.MustCLI("wait", mappingName(i), "--settled", "--timeout", "2m")
	}
}

// verify holds what each function had against what was produced: nothing lost, order
// kept. It gives what was repeated.
func (w *world) verify(counts []int64) (repeated [][]repeat) {
	for i, dir := range w.journals {
		all := gantrytest.ReadJournal(w.t, dir)
		j := all.Succeeded()
		v := j.Check(w.topic, counts)
		if w.partial { // it chose to have the failed ones again behind the others
			v.Disorder = all.Check(w.topic, counts).Disorder
		}
		require.Empty(w.t, gantrytest.First(v.Lost), "function %d: lost", i)
		require.Empty(w.t, gantrytest.First(v.Disorder), "function %d: out of order", i)
		w.t.Logf("function %d: %d records, %d repeated", i, v.Seen, v.Duplicates)
		repeated = append(repeated, repeats(j))
	}
	return repeated
}

// once is verify for a run in which nothing may be repeated.
func (w *world) once(counts []int64) {
	for i, r := range w.verify(counts) {
		require.Empty(w.t, r, "function %d: repeated", i)
	}
}

// awaitWork waits until every function has had something since, and gives how long that
// took by the functions' own clocks: from when until the last of them had its first.
func (w *world) awaitWork(since time.Time) time.Duration {
	var took time.Duration
	for _, dir := range w.journals {
		w.eventually(30*time.Second, "work goes on", func() bool {
			for _, d := range gantrytest.ReadJournal(w.t, dir).Deliveries {
				if d.At > since.UnixNano() {
					took = max(took, time.Unix(0, d.At).Sub(since))
					return true
				}
			}
			return false
		})
	}
	return took
}

// eventually asks until it is so. It runs on the test's own goroutine, so that it may
// fail the test.
func (w *world) eventually(patience time.Duration, what string, so func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !so(); {
		require.True(w.t, time.Now().Before(deadline), "not within %s: %s", patience, what)
		pass(20 * time.Millisecond)
	}
}

// pass lets time pass on a broker, which has no clock a test could move.
func pass(d time.Duration) {
	time.Sleep(d) //gantry:sleep real processes and real brokers: their clock is the machine's
}
