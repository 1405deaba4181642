package cutover_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/migrate/cutover"
	"gantry/plan"
	"gantry/record"
)

const (
	topic      = "orders"
	other      = "payments" // of a service that reads two topics
	oldGroup   = "billing"
	partitions = 4
)

// world is a cluster with an authorizer, a producer that never rests, an old service and a
// mapping. Everything is in a bubble, so hours take milliseconds.
type world struct {
	t      *testing.T
	fake   *kafkatest.Fake
	admin  *kafka.Admin
	plan   plan.Plan
	old    *service
	new    *mapping
	ledger *ledger
	timing cutover.Timing
	edit   func(*cutover.Config)
	topics []string // that the service reads

	stopWriting context.CancelFunc
	written     chan struct{}

	mu   sync.Mutex
	sent map[string]bool // every record that was acknowledged
	done []event         // every record that was processed, in order
	told []string
}

// event is one record, processed by somebody.
type event struct {
	by        string
	topic     string
	partition int32
	offset    int64
}

func (e event) id() string { return id(e.topic, e.partition, e.offset) }

func id(topic string, partition int32, offset int64) string {
	return fmt.Sprint(topic, "/", partition, "/", offset)
}

func inWorld(t *testing.T, fn func(w *world), opts ...kfake.Opt) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { fn(newWorld(t, opts...)) })
}

func newWorld(t *testing.T, opts ...kfake.Opt) *world {
	everything := func(r kmsg.ACLResourceType) kfake.ACL {
		return kfake.ACL{Resource: r, Name: "*", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationAll, Allow: true}
	}
	f := kafkatest.Virtual(t, append([]kfake.Opt{
		kfake.SeedTopics(partitions, topic, other), kfake.SeedTopics(1, "invoices"), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.Superuser("PLAIN", "gantry", "pw"),
		kfake.User("PLAIN", "legacy", "pw", everything(kmsg.ACLResourceTypeTopic), everything(kmsg.ACLResourceTypeGroup)),
		kfake.GroupMinSessionTimeout(time.Second),
	}, opts...)...)
	w := &world{t: t, fake: f, sent: map[string]bool{}, ledger: &ledger{}}
	w.timing = cutover.Timing{Sample: 3 * time.Second, Poll: 100 * time.Millisecond, Rejoin: 3 * time.Second}
	k := kafka.Cluster{Brokers: f.Brokers(), Dial: f.Dial, Mechanism: kafka.Plain, Login: func(context.Context) (kafka.Login, error) {
		return kafka.Login{User: "gantry", Password: "pw"}, nil
	}}
	var err error
	w.admin, err = kafka.Open(k)
	require.NoError(t, err)
	t.Cleanup(w.admin.Close)
	w.plan, w.topics = goodPlan(), []string{topic}
	w.old = &service{world: w, name: "old", group: oldGroup, user: "legacy"}
	w.new = &mapping{world: w, principal: "User:gantry"}
	t.Cleanup(w.old.stop)
	t.Cleanup(w.new.stopAll)
	w.write()
	return w
}

func goodPlan() plan.Plan {
	return plan.Plan{
		Name:    "billing",
		Service: plan.Service{Cluster: "main", Group: oldGroup, Topics: []string{topic}, Principal: "User:legacy", NoPosition: plan.ResetEarliest},
		Outputs: []plan.Output{{Topic: "invoices"}},
		Guards:  plan.Guards{Unresolved: time.Minute, Errors: 0.01, ErrorsOver: 200, LagFactor: 2, Watch: 30 * time.Second},
		Fence:   plan.FenceStrong, Handover: plan.HandoverNew, Rollback: plan.Resume,
		Stop: plan.Stop{Hook: []string{"stop-billing"}, Start: []string{"start-billing"}, Wait: 20 * time.Second},
	}
}

// protocol is a new one each time, as after a crash or on another host.
func (w *world) protocol() *cutover.Protocol {
	cfg := cutover.Config{
		Plan: w.plan, Admin: w.admin, Journal: w.ledger, Mappings: w.new, Hook: w.hook, Timing: w.timing, Principal: "User:gantry",
		Servers: "kafka-1:9092", Tell: func(s string) { w.mu.Lock(); defer w.mu.Unlock(); w.told = append(w.told, s) },
	}
	if w.edit != nil {
		w.edit(&cfg)
	}
	return cutover.New(cfg)
}

func (w *world) hook(_ context.Context, command []string, env map[string]string) error {
	switch command[0] {
	case "stop-billing":
		w.old.stop()
	case "start-billing":
		w.old.start()
	case "ignore":
	default:
		return fmt.Errorf("%v: no such command", command)
	}
	if env["GANTRY_GROUP"] != oldGroup {
		return errors.New("the environment names another group")
	}
	return nil
}

func (w *world) saidAny(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.told, func(s string) bool { return strings.Contains(s, text) })
}

func login(user string) kgo.Opt { return kgo.SASL(plain.Auth{User: user, Pass: "pw"}.AsMechanism()) }

// pause is between two writes of the producer.
const pause = 60 * time.Millisecond

// write produces 50 records a second until rest.
func (w *world) write() {
	ctx, cancel := context.WithCancel(context.Background())
	w.stopWriting, w.written = cancel, make(chan struct{})
	cl := w.fake.Client(w.t, login("gantry"), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(time.Second))
	go func() {
		defer close(w.written)
		for i := 0; ctx.Err() == nil; {
			var batch []*kgo.Record
			for range 3 {
				batch = append(batch, &kgo.Record{Topic: w.topics[i/partitions%len(w.topics)], Partition: int32(i % partitions), Key: []byte("k" + strconv.Itoa(i)), Value: []byte(strconv.Itoa(i))})
				i++
			}
			if err := cl.ProduceSync(context.Background(), batch...).FirstErr(); err != nil {
				w.t.Errorf("produce: %v", err)
				return
			}
			w.mu.Lock()
			for _, r := range batch {
				w.sent[id(r.Topic, r.Partition, r.Offset)] = true
			}
			w.mu.Unlock()
			time.Sleep(pause)
		}
	}()
	w.t.Cleanup(w.rest)
}

// rest ends the writing.
func (w *world) rest() {
	w.stopWriting()
	<-w.written
}

// settled ends the writing and waits until a group has committed all.
func (w *world) settled(group string) {
	w.t.Helper()
	w.rest()
	w.await("group "+group+" to commit all", func() bool {
		for _, topic := range w.topics {
			_, end, err := w.admin.Bounds(w.t.Context(), topic, false)
			require.NoError(w.t, err)
			at := w.committedOf(group, topic)
			for p, e := range end {
				if at[p] != e {
					return false
				}
			}
		}
		return true
	})
}

func (w *world) await(what string, ok func() bool) {
	w.t.Helper()
	for until := time.Now().Add(5 * time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(until) {
			require.FailNow(w.t, "waited too long for "+what)
		}
	}
}

func (w *world) committed(group string) map[int32]int64 { return w.committedOf(group, topic) }

func (w *world) committedOf(group, topic string) map[int32]int64 {
	all, err := w.admin.Committed(w.t.Context(), group)
	require.NoError(w.t, err)
	out := map[int32]int64{}
	for p, o := range all[topic] {
		out[p] = o.At
	}
	return out
}

func (w *world) members(group string) int {
	g, err := w.admin.GroupState(w.t.Context(), group)
	require.NoError(w.t, err)
	return len(g.Members)
}

func (w *world) denied() []string {
	who, err := w.admin.DeniedGroup(w.t.Context(), oldGroup)
	require.NoError(w.t, err)
	return who
}

// running starts the old service and waits until it is in its stride.
func (w *world) running() *world {
	w.old.start()
	w.await("the old service", func() bool {
		for _, topic := range w.topics {
			if len(w.committedOf(oldGroup, topic)) < partitions {
				return false
			}
		}
		return true
	})
	return w
}

// nothingLost gives how often each record was processed.
func (w *world) nothingLost() (times map[string]int) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	times = map[string]int{}
	for _, e := range w.done {
		times[e.id()]++
	}
	for id := range w.sent {
		require.NotZero(w.t, times[id], "record %s was lost", id)
	}
	return times
}

// judge asks the property: nothing is lost, and what was processed twice is in a tail that
// was reported, or behind a replay.
func (w *world) judge(twice map[record.Partition][2]int64) {
	w.t.Helper()
	times := w.nothingLost()
	for _, e := range w.done {
		if n := times[e.id()]; n > 1 {
			within := twice[record.Partition{Topic: e.topic, Index: e.partition}]
			require.True(w.t, e.offset >= within[0] && e.offset < within[1], "record %s was processed %d times, and only %v may be twice", e.id(), n, within)
		}
	}
}

// tail gives what a proof reported as possibly processed twice.
func tail(p cutover.Proof) map[record.Partition][2]int64 {
	out := map[record.Partition][2]int64{}
	for _, s := range p.Seams {
		out[record.Partition{Topic: s.Topic, Index: s.Partition}] = [2]int64{s.OldEnd - s.Again, s.OldEnd + s.Tail}
	}
	return out
}

// again gives what a rollback reported as possibly done twice by the old service alone.
func again(r cutover.Returned) map[record.Partition][2]int64 {
	out := map[record.Partition][2]int64{}
	for _, of := range r.Again {
		out[record.Partition{Topic: of.Topic, Index: of.Partition}] = [2]int64{of.From, of.To}
	}
	return out
}

// ledger is a journal that may die at a write.
type ledger struct {
	lines   []plan.Line
	dieAt   int             // the n-th write from now, 1 = the next; 0 = never
	each    map[string]bool // dies once at each write it has not died at; nil = it does not
	kept    bool            // when it dies the line is in it
	deaths  int
	refuses error
}

// death is what a process dies of.
type death struct{ at string }

func (l *ledger) Write(_ context.Context, step plan.Step, phase plan.Phase, facts any) error {
	if l.refuses != nil {
		return l.refuses
	}
	text, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	dies := l.dieAt == 1
	if l.dieAt > 0 {
		l.dieAt--
	}
	halted := slices.ContainsFunc(l.lines, func(l plan.Line) bool { return l.Step == plan.StepHalt })
	at := fmt.Sprint(step, " ", phase, " ", halted || step == plan.StepHalt)
	if l.each != nil && !l.each[at] {
		l.each[at], dies = true, true
	}
	if !dies || l.kept {
		l.lines = append(l.lines, plan.Line{Step: step, Phase: phase, Facts: text, At: time.Now(), Sequence: int64(len(l.lines) + 1)})
	}
	if dies {
		l.deaths++
		panic(death{at})
	}
	return nil
}

func (l *ledger) has(step plan.Step, phase plan.Phase) bool {
	return slices.ContainsFunc(l.lines, func(l plan.Line) bool { return l.Step == step && l.Phase == phase })
}

func (l *ledger) Lines(context.Context) ([]plan.Line, error) { return slices.Clone(l.lines), nil }

// surviving runs f and says whether it died at a write of the journal.
func surviving(f func() error) (err error, died bool) { //nolint:revive // the error of what ran
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(death); !ok {
				panic(r)
			}
			died = true
		}
	}()
	return f(), false
}
