package fault_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
	"gantry/record"
)

// kill -9 of gantry with sixteen lanes a partition in order of keys: nothing is lost, a
// key's records come in order, what is committed was done, and what a kill repeats was not
// committed and is no more than the uncommitted span of its partition.
func TestKillGantryWithLanes(t *testing.T) {
	const partitions, records, spanRecords = 2, 24_000, 100_000
	kills := kafkatest.Size(3, 10)
	c := kafkatest.Shared(t)
	topic := kafkatest.Topic(t)
	c.CreateTopic(t, topic, partitions, nil)
	fillKeyed(t, c, topic, records)
	k := &keyKeeper{next: map[string]int64{}, had: map[record.Position]int{}, done: map[record.Position]bool{}}
	srv := httptest.NewServer(k)
	defer srv.Close()
	g := gantrytest.Start(t, gantrytest.Options{Config: fmt.Sprintf(`
clusters: {main: {brokers: ["%s"]}}
functions: {keeper: {http: %q, timeout: 30s}}
mappings:
  m0: {function: keeper, cluster: main, topic: %s, startingPosition: TRIM_HORIZON, batchSize: 10, maximumBatchingWindow: 0s,
       consumerGroupId: %s-g, lanes: {perPartition: 16, order: key}}
`, strings.Join(c.Brokers(), `", "`), srv.URL, topic, topic)})
	for n := range kills {
		for deadline := time.Now().Add(2 * time.Minute); k.seen() < records*(n+1)/(kills+1); pass(5 * time.Millisecond) {
			require.True(t, time.Now().Before(deadline), "%d of %d records after two minutes", k.seen(), records)
		}
		thaw := k.freeze() // what is in flight now is never answered
		pass(100 * time.Millisecond)
		g.Kill()
		k.holds(topic, c.Committed(t, topic+"-g", topic))
		thaw()
		pass(100 * time.Millisecond) // what the function still works on ends
		k.killed(c.Committed(t, topic+"-g", topic))
		g.Up()
	}
	g.MustCLI("wait", "m0", "--settled", "--timeout", "2m")
	require.Equal(t, records, k.seen(), "different records")
	require.Empty(t, gantrytest.First(k.faults))
	for n, repeated := range k.repeated[1:] {
		t.Logf("kill %d: %d records repeated", n+1, repeated)
		require.Positive(t, repeated, "the kill met nothing in flight: the load is too light")
		require.LessOrEqual(t, repeated, partitions*spanRecords)
	}
	require.NoError(t, g.Stop())
}

func fillKeyed(t *testing.T, c *kafkatest.Cluster, topic string, records int) {
	cl := c.Client(t)
	for i := range records {
		cl.Produce(context.Background(), &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "customer-%d", i%997), Value: fmt.Appendf(nil, `{"n":%d}`, i)}, nil)
	}
	require.NoError(t, cl.Flush(context.Background()))
}

// keyKeeper is the function. It outlives what calls it, so it knows what each life of
// gantry repeated and whether a key's records came in order.
type keyKeeper struct {
	mu        sync.Mutex
	next      map[string]int64 // key → the lowest offset it may have in this life
	had       map[record.Position]int
	done      map[record.Position]bool // worked on to the end
	frozen    chan struct{}            // nil = work ends when its time is over
	life      int
	committed map[int32]int64 // when this life began
	repeated  []int           // by life
	faults    []string
}

// ServeHTTP takes 20 ms for a batch, and longer for one with a certain key, so that its lane
// falls behind.
func (k *keyKeeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var e events.KafkaEvent
	if err != nil || json.Unmarshal(body, &e) != nil {
		return // cut by a kill before it was whole
	}
	wait := 20 * time.Millisecond
	for _, records := range e.Records {
		for _, r := range records {
			if strings.HasPrefix(r.Key, "Y3VzdG9tZXItNw==") { // customer-7
				wait = 60 * time.Millisecond
			}
		}
	}
	k.note(e)
	pass(wait)
	if !k.end(e) {
		return
	}
	_, _ = io.WriteString(w, "null")
}

func (k *keyKeeper) note(e events.KafkaEvent) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.repeated == nil {
		k.repeated = []int{0}
	}
	for _, records := range e.Records {
		for _, r := range records {
			at := record.Position{Topic: r.Topic, Partition: int32(r.Partition), Offset: r.Offset}
			if r.Offset < k.next[r.Key] {
				k.faults = append(k.faults, fmt.Sprintf("%s comes behind %d of its key", at, k.next[r.Key]-1))
			}
			k.next[r.Key] = r.Offset + 1
			if k.had[at]++; k.had[at] == 1 {
				continue
			}
			k.repeated[k.life]++
			if r.Offset < k.committed[at.Partition] {
				k.faults = append(k.faults, fmt.Sprintf("%s is repeated, and %d was committed", at, k.committed[at.Partition]))
			}
		}
	}
}

func (k *keyKeeper) seen() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.had)
}

// freeze lets no work end until it is thawed; then it ends without an answer.
func (k *keyKeeper) freeze() (thaw func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	frozen := make(chan struct{})
	k.frozen = frozen
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.frozen = nil
		close(frozen)
	}
}

// end notes what was worked on to its end, and whether it is to be answered.
func (k *keyKeeper) end(e events.KafkaEvent) bool {
	k.mu.Lock()
	if frozen := k.frozen; frozen != nil {
		k.mu.Unlock()
		<-frozen
		return false
	}
	defer k.mu.Unlock()
	for _, records := range e.Records {
		for _, r := range records {
			k.done[record.Position{Topic: r.Topic, Partition: int32(r.Partition), Offset: r.Offset}] = true
		}
	}
	return true
}

// holds notes a fault for each record that is committed and was not worked on to its end.
func (k *keyKeeper) holds(topic string, committed map[int32]int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for partition, at := range committed {
		for offset := range at {
			if p := (record.Position{Topic: topic, Partition: partition, Offset: offset}); !k.done[p] {
				k.faults = append(k.faults, fmt.Sprintf("%s is not done, and %d is committed", p, at))
			}
		}
	}
}

// killed begins another life.
func (k *keyKeeper) killed(committed map[int32]int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.life, k.committed, k.next = k.life+1, committed, map[string]int64{}
	k.repeated = append(k.repeated, 0)
}
