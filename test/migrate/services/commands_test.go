package services_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// supervised is an old service that runs while a file is there: what starts and stops it are
// the hooks of a plan.
type supervised struct {
	c            *kafkatest.Cluster
	group, topic string
	file         string

	mu   sync.Mutex
	done map[string]int // partition@offset → times it was processed
}

func supervise(t *testing.T, c *kafkatest.Cluster, group, topic string) *supervised {
	s := &supervised{c: c, group: group, topic: topic, file: filepath.Join(t.TempDir(), "run"), done: map[string]int{}}
	require.NoError(t, os.WriteFile(s.file, nil, 0o600))
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			if s.wanted() {
				s.run(t, ctx)
			}
			<-tick.C
		}
	}()
	t.Cleanup(func() { cancel(); <-over })
	return s
}

func (s *supervised) wanted() bool {
	_, err := os.Stat(s.file)
	return err == nil
}

// run is one life of it: it commits behind each poll, and once more when it stops.
func (s *supervised) run(t *testing.T, ctx context.Context) {
	cl, err := kgo.NewClient(append(s.c.Options(), kgo.ConsumerGroup(s.group), kgo.ConsumeTopics(s.topic), kgo.ClientID("billing"),
		kgo.DisableAutoCommit(), kgo.FetchMaxWait(100*time.Millisecond), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Error(err)
		return
	}
	defer cl.Close()
	for ctx.Err() == nil && s.wanted() {
		polling, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		fetches := cl.PollRecords(polling, 200)
		cancel()
		s.mu.Lock()
		fetches.EachRecord(func(r *kgo.Record) { s.done[fmt.Sprintf("%d@%d", r.Partition, r.Offset)]++ })
		s.mu.Unlock()
		if err := cl.CommitRecords(context.WithoutCancel(ctx), fetches.Records()...); err != nil && ctx.Err() == nil {
			t.Logf("the old service: %v", err)
		}
	}
}

const plans = `name: billing
service: { cluster: main, group: %[1]s, topics: [%[2]s], noPosition: earliest }
functions: [{ name: bill }]
batch: { size: 50, window: 50ms }
effects: []
gates: { compared: 1 }
guards: { unresolved: 60s, errors: 50%%, errorsOver: 200, lagFactor: 50, watch: 3s }
fence: weak
stop: { hook: [rm, -f, %[3]q], start: [touch, %[3]q], wait: 30s }
`

// A service goes over, back and over again by the command line; gantry is killed in the
// middle of the second cutover and goes on by itself. The ledger is checked by a script that
// knows nothing of gantry and reads Kafka only.
func TestACommandLineMovesAService(t *testing.T) {
	t.Parallel()
	c, topic := kafkatest.Shared(t), kafkatest.Topic(t)
	group := "g-" + topic
	c.CreateTopic(t, topic, 3, nil)
	old := supervise(t, c, group, topic)
	load := startLoad(t, c, topic, 3, 300)
	dir, journal := t.TempDir(), t.TempDir()
	config := fmt.Sprintf("clusters: {main: {brokers: [%q]}}\nfunctions:\n  bill: {runtime: provided.al2023, code: %q, environment: {%s: %q}}\n",
		c.Brokers()[0], gantrytest.GoFunction(t, gantrytest.JournalGo), gantrytest.JournalVariable, journal)
	g := gantrytest.Start(t, gantrytest.Options{Config: config, Dir: dir})
	path := filepath.Join(dir, "billing.yaml")
	require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, plans, group, topic, old.file), 0o600))

	require.Contains(t, g.MustCLI("migrate", "check", path), "plan billing is whole")
	g.MustCLI("migrate", "put", path)
	require.Contains(t, g.MustCLI("migrate", "predict", "billing", "--without-shadow"), "GO. A cutover would:")
	state := func() string {
		var m struct{ State string }
		require.NoError(t, json.Unmarshal([]byte(g.MustCLI("migrate", "show", "billing", "-o", "json")), &m))
		return m.State
	}
	require.Equal(t, "Planned", state())

	t.Log(g.MustCLI(append(cutoverArgs("billing", "CHG-1"), "--without-shadow")...))
	require.Equal(t, "Moved", state())
	t.Log(g.MustCLI("migrate", "rollback", "billing", "--reason", "CHG-1 back"))
	require.Equal(t, "RolledBack", state())

	go g.CLI(append(cutoverArgs("billing", "CHG-2"), "--without-shadow")...)
	require.Eventually(t, func() bool { return !old.wanted() }, time.Minute, 10*time.Millisecond, "the old service is asked to stop")
	g.Kill()
	g.Up()
	require.Eventually(t, func() bool { return state() == "Moved" }, 2*time.Minute, 200*time.Millisecond, "it goes on by itself")

	ends := load.rest()
	require.Eventually(t, func() bool { return lagOf(c.Committed(t, group+".gantry", topic), ends) == 0 }, time.Minute, 100*time.Millisecond)
	ledgerFile := filepath.Join(dir, "exported.ledger")
	g.MustCLI("migrate", "ledger", "billing", "--export", ledgerFile)
	require.Contains(t, g.MustCLI("migrate", "ledger", "--verify", ledgerFile), "each whole and in its place")
	old.nothingLost(t, gantrytest.ReadJournal(t, journal), topic, ends)
	checkedByAScript(t, c, "billing", ledgerFile)
}

func lagOf(at, ends map[int32]int64) (n int64) {
	for p, end := range ends {
		n += end - at[p]
	}
	return n
}

// nothingLost says that each record was processed by somebody. The weak fence and a kill may
// repeat some, but not many.
func (s *supervised) nothingLost(t *testing.T, functions gantrytest.Journal, topic string, ends map[int32]int64) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	times := map[string]int{}
	for id, n := range s.done {
		times[id] = n
	}
	for _, d := range functions.Succeeded().Deliveries {
		for _, at := range d.Offsets {
			times[fmt.Sprintf("%s@%d", strings.TrimPrefix(d.Partition, topic+"-"), at)]++
		}
	}
	total, twice := 0, 0
	for p, end := range ends {
		for at := range end {
			n := times[fmt.Sprintf("%d@%d", p, at)]
			require.NotZero(t, n, "record %d@%d was processed by nobody", p, at)
			total++
			if n > 1 {
				twice++
			}
		}
	}
	require.Less(t, twice, 600, "of %d records", total)
	t.Logf("%d records, %d of them twice", total, twice)
}

// script reads a ledger's topic with confluent-kafka, follows the chain and compares it with
// an export.
const script = `
import hashlib, json, sys
from confluent_kafka import Consumer, TopicPartition
brokers, plan, export = sys.argv[1:]
c = Consumer({"bootstrap.servers": brokers, "group.id": "none", "enable.auto.commit": False, "isolation.level": "read_committed", "enable.partition.eof": True})
c.assign([TopicPartition("gantry.ledger", 0, 0)])
prev, seq, lines = "", 0, []
while True:
    m = c.poll(10)
    assert m is not None, "the broker gives nothing"
    if m.error():
        break
    if m.key().decode() != plan:
        continue
    digest = hashlib.sha256(m.value()).hexdigest()
    assert dict(m.headers())["sha256"].decode() == digest, "line %d" % seq
    line = json.loads(m.value())
    assert line["prev"] == prev and line["seq"] == seq + 1, line
    prev, seq = digest, seq + 1
    lines.append(digest + " " + m.value().decode())
    if line["step"] == "prove" and line["phase"] == "did":
        for s in line["facts"].get("seams") or []:
            assert s["oldEnd"] == s["newStart"], s
assert lines == open(export).read().splitlines()
print(seq, "lines are a chain")
`

func checkedByAScript(t *testing.T, c *kafkatest.Cluster, name, export string) {
	t.Helper()
	python := gantrytest.Kit(t, "venv-schemas", "python")
	said, err := exec.Command(python, "-c", script, c.Brokers()[0], name, export).CombinedOutput()
	require.NoError(t, err, string(said))
	require.Contains(t, string(said), "lines are a chain")
}
