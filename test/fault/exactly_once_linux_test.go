package fault_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// answering is a function that answers each record it gets as a record of topic OUT.
const answering = `package main

import (
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(e events.KafkaEvent) (any, error) {
		out := []map[string]any{}
		for _, records := range e.Records {
			for _, r := range records {
				out = append(out, map[string]any{"key": r.Key, "value": r.Value})
			}
		}
		return map[string]any{"records": map[string]any{os.Getenv("OUT"): out}}, nil
	})
}
`

// Records are read, answered by a function and written in transactions while gantry, its
// functions and brokers are killed at random and a second gantry joins and leaves: whoever
// reads committed records finds each exactly once, in order per key.
func TestExactlyOnce(t *testing.T) {
	kafkatest.Each(t, kafkatest.Versions(), exactlyOnce)
}

func exactlyOnce(t *testing.T, version string) {
	const keys, partitions = 97, 6
	count, kills := kafkatest.Size(20_000, 500_000), kafkatest.Size(4, 20)
	c := kafkatest.Start(t, kafkatest.Options{Version: version, Brokers: 3})
	in, out := kafkatest.Topic(t), kafkatest.Topic(t)+".out"
	c.CreateTopic(t, in, partitions, nil)
	c.CreateTopic(t, out, partitions, nil)
	config := fmt.Sprintf(`clusters: {main: {brokers: ["%s"]}}
functions: {f: {runtime: provided.al2023, handler: h, code: %s, timeout: 10s, environment: {OUT: %s}}}
mappings: {m: {function: f, cluster: main, topic: %s, startingPosition: TRIM_HORIZON, batchSize: 100, maximumBatchingWindow: 0s,
  sessionTimeout: 10s, output: {topic: %s, transactional: true, timeout: 5s}}}
`, strings.Join(c.Brokers(), `", "`), gantrytest.GoFunction(t, answering), out, in, out)
	first := gantrytest.Start(t, gantrytest.Options{Config: config})
	second := gantrytest.New(t, gantrytest.Options{Config: config})
	w := &world{t: t, cluster: c}
	go feed(c.Client(t, kgo.RequestTimeoutOverhead(5*time.Second)), in, count, keys, count/(60*kills))
	hits := 0
	done := func() (sum int64) {
		for _, at := range c.Committed(t, "gantry.m", in) {
			sum += max(at, 0)
		}
		return sum
	}
	up, before := false, int64(0)
	for i := range kills {
		w.eventually(time.Minute, "work goes on before the next one is killed", func() bool { return done() > before || done() == int64(count) })
		pass(rand.N(700 * time.Millisecond))
		before = done()
		if before < int64(count) {
			hits++
		}
		switch i % 4 {
		case 0:
			first.Kill()
			first.Up()
		case 1:
			if pids := children(t, first.Pid()); len(pids) > 0 {
				_ = syscall.Kill(pids[rand.N(len(pids))], syscall.SIGKILL)
			}
		case 2:
			victim := 1 + rand.N(3)
			c.KillBroker(victim)
			pass(time.Second)
			c.StartBroker(t, victim)
		case 3:
			if up = !up; up {
				second.Up()
			} else {
				require.NoError(t, second.Stop())
			}
		}
	}
	w.eventually(4*time.Minute, "every record is committed", func() bool { return done() == int64(count) })
	require.Greater(t, hits, kills/2, "most were killed while there was work")
	require.NoError(t, first.Stop())
	if up {
		require.NoError(t, second.Stop())
	}
	once(t, c, out, count, keys)
}

// feed writes numbers, each under the key of its remainder, chunk by chunk: three seconds of
// work for each one that is killed.
func feed(cl *kgo.Client, topic string, count, keys, chunk int) {
	for n := range count {
		if n%chunk == 0 {
			pass(50 * time.Millisecond)
		}
		cl.Produce(cl.Context(), &kgo.Record{Topic: topic, Key: []byte("k" + strconv.Itoa(n%keys)), Value: []byte(strconv.Itoa(n))}, nil)
	}
	_ = cl.Flush(cl.Context())
}

// once reads what is committed: the numbers of each key without a gap, in order.
func once(t *testing.T, c *kafkatest.Cluster, topic string, count, keys int) {
	t.Helper()
	cl := c.Client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	ends, err := c.Admin(t).ListEndOffsets(t.Context(), topic)
	require.NoError(t, err)
	next, seen := map[string]int{}, 0
	take := func(r *kgo.Record) {
		key := string(r.Key)
		of, err := strconv.Atoi(strings.TrimPrefix(key, "k"))
		require.NoError(t, err)
		n, err := strconv.Atoi(string(r.Value))
		require.NoError(t, err)
		require.Equal(t, of+next[key]*keys, n, "key %s at %d/%d", key, r.Partition, r.Offset)
		next[key]++
		seen++
	}
	for deadline := time.Now().Add(time.Minute); seen < count && time.Now().Before(deadline); {
		cl.PollRecords(t.Context(), 10_000).EachRecord(take)
	}
	require.Equal(t, count, seen)
	total := int64(0)
	for _, p := range ends[topic] {
		total += p.Offset
	}
	t.Logf("%d records once and in order; the topic has %d offsets, markers and aborted records among them", seen, total)
}
