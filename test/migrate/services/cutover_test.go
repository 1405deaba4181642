package services_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/migrate/cutover"
	"gantry/plan"
)

// world is a cluster with an authorizer, an old service under load, and the functions that
// are to replace it.
type world struct {
	t         *testing.T
	c         *kafkatest.Cluster
	admin     *kafka.Admin
	plan      plan.Plan
	old       *old
	functions *functions
	ledger    *ledger
	load      *load
	timing    cutover.Timing
	twice     map[string]bool // inputs that may be processed twice: they were reported
	stopped   func()          // happens when the old service has stopped, in the pause; nil = nothing
	told      said
}

type size struct {
	partitions, rate int
	open             bool // the cluster has no authorizer
}

func newWorld(t *testing.T, c *kafkatest.Cluster, k kind, s size) *world {
	topic := kafkatest.Topic(t)
	outputs, group := topic+"-out", "g-"+topic
	c.CreateTopic(t, topic, s.partitions, nil)
	c.CreateTopic(t, outputs, 4, nil)
	all := []kadm.ACLOperation{kadm.OpAll}
	if !s.open {
		c.Allow(t, kafkatest.UserName, kafkatest.ACL{Topics: []string{topic, outputs}, Groups: []string{group}, Operations: all})
	}
	admin, err := kafka.Open(kafka.Cluster{Brokers: c.Brokers()})
	require.NoError(t, err)
	t.Cleanup(admin.Close)
	w := &world{
		t: t, c: c, admin: admin, ledger: &ledger{}, twice: map[string]bool{},
		old:       &old{t: t, c: c, kind: k, group: group, topic: topic, outputs: outputs, dir: t.TempDir()},
		functions: &functions{t: t, c: c, topic: topic, outputs: outputs},
		timing:    cutover.Timing{Sample: 5 * time.Second, SampleEvery: 250 * time.Millisecond},
		plan: plan.Plan{
			Name:    "billing",
			Service: plan.Service{Cluster: "main", Group: group, Topics: []string{topic}, Principal: "User:" + kafkatest.UserName, NoPosition: plan.ResetEarliest},
			Outputs: []plan.Output{{Topic: outputs}},
			Guards:  plan.Guards{Unresolved: time.Minute, Errors: 0.01, ErrorsOver: 200, LagFactor: 20, Watch: 3 * time.Second},
			Fence:   plan.FenceStrong, Handover: plan.HandoverNew, Rollback: plan.Resume,
			Stop: plan.Stop{Hook: []string{"stop"}, Start: []string{"start"}, Wait: 3 * time.Minute},
		},
	}
	t.Cleanup(func() { require.NoError(t, w.functions.Disable(context.Background(), "")) })
	w.load = startLoad(t, c, topic, s.partitions, s.rate)
	w.old.start()
	w.await("the old service", func() bool { return len(w.committed(group)) == s.partitions && w.lag(group) < int64(2*s.rate) })
	return w
}

func (w *world) protocol() *cutover.Protocol {
	return cutover.New(cutover.Config{
		Plan: w.plan, Admin: w.admin, Journal: w.ledger, Mappings: w.functions, Timing: w.timing, Principal: "User:ANONYMOUS",
		Tell: func(s string) { w.told.add(s); w.t.Log("told: " + s) },
		Hook: func(_ context.Context, command []string, _ map[string]string) error {
			switch command[0] {
			case "stop":
				err := w.old.stop()
				if w.stopped != nil {
					w.stopped()
				}
				return err
			case "start":
				w.old.start()
			}
			return nil
		},
	})
}

func (w *world) await(what string, ok func() bool) {
	w.t.Helper()
	require.Eventually(w.t, ok, 5*time.Minute, 100*time.Millisecond, what)
}

func (w *world) committed(group string) map[int32]int64 {
	return w.c.Committed(w.t, group, w.old.topic)
}

func (w *world) lag(group string) (n int64) {
	_, ends, err := w.admin.Bounds(w.t.Context(), w.old.topic, false)
	if err != nil { // a broker on a loaded machine is away for a moment: whoever waits asks again
		w.t.Log("the lag can't be seen: " + err.Error())
		return math.MaxInt64
	}
	at := w.committed(group)
	for p, end := range ends {
		n += end - at[p]
	}
	return n
}

func (w *world) cutover() cutover.Proof {
	w.t.Helper()
	proof, err := w.protocol().Cutover(w.t.Context())
	require.NoError(w.t, err)
	w.reported(proof)
	return proof
}

// reported takes what a proof says may be processed twice.
func (w *world) reported(proof cutover.Proof) {
	w.t.Helper()
	tail := int64(0)
	for _, s := range proof.Seams {
		require.True(w.t, s.Holds(), "%+v", s)
		for at := s.OldEnd - s.Again; at < s.OldEnd+s.Tail; at++ {
			w.twice[fmt.Sprintf("%d/%d", s.Partition, at)] = true
		}
		tail += s.Tail
	}
	w.t.Logf("cut over: pause %s, at most %d records twice", proof.Pause.Round(time.Millisecond), tail)
}

func (w *world) rollback() cutover.Returned {
	w.t.Helper()
	back, err := w.protocol().Rollback(w.t.Context(), "the suite wants it back")
	require.NoError(w.t, err)
	w.t.Logf("rolled back: pause %s, the functions did %d records meanwhile", back.Pause.Round(time.Millisecond), back.Meanwhile.Records)
	return back
}

// judge ends the load, lets the owner finish, and asks the property.
func (w *world) judge(owner string) {
	w.t.Helper()
	who := w.count(owner, func(id string) bool { return w.twice[id] })
	require.Positive(w.t, who["old"])
	require.Positive(w.t, who["new"])
}

// count is judge with another word on what may come twice. It gives how many outputs each
// wrote.
func (w *world) count(owner string, mayTwice func(id string) bool) (who map[string]int) {
	w.t.Helper()
	ends := w.load.rest()
	w.await("the owner to finish", func() bool { return w.lag(owner) == 0 })
	by := readOutputs(w.t, w.admin, w.old.outputs)
	var total, twice, lost int
	who = map[string]int{}
	for p, end := range ends {
		for at := range end {
			id := fmt.Sprintf("%d/%d", p, at)
			total++
			switch n := len(by[id]); {
			case n == 0:
				lost++
			case n > 1:
				twice++
				require.True(w.t, mayTwice(id), "record %s was processed by %v, and no tail has it", id, by[id])
			}
			for _, b := range by[id] {
				who[b.who]++
			}
		}
	}
	w.t.Logf("%d records: %d lost, %d processed twice, %d outputs of the old service and %d of the functions", total, lost, twice, who["old"], who["new"])
	require.Zero(w.t, lost)
	return who
}

// Each kind of service goes over, back, and over again, under load.
func TestServices(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, versions(), func(t *testing.T, version string) {
		c := kafkatest.Start(t, kafkatest.Options{Version: version, ACLs: true, Listeners: []kafkatest.Listener{listener()}})
		for _, k := range kinds()[:kafkatest.Size(2, len(kinds()))] {
			if k.newest && !strings.HasPrefix(version, "4.") {
				continue
			}
			t.Run(k.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, c, k, size{partitions: 4, rate: 300})
				w.cutover()
				_, err := w.protocol().Watch(t.Context())
				require.NoError(t, err)
				back := w.rollback()
				require.Positive(t, back.Meanwhile.Records)
				for _, s := range back.Seams {
					require.True(t, s.Holds(), "%+v", s)
				}
				w.cutover()
				w.judge(w.plan.NewGroup())
			})
		}
	})
}

// A service that nobody stops is fenced in the middle of its work: what it processes and
// can't commit any more is in the tail, and it gets nothing else however long it tries.
func TestZombies(t *testing.T) {
	kafkatest.Whole(t)
	c := kafkatest.Start(t, kafkatest.Options{ACLs: true, Listeners: []kafkatest.Listener{listener()}, Properties: map[string]string{
		"group.initial.rebalance.delay.ms": "3000", "group.consumer.heartbeat.interval.ms": "5000", // as brokers have them
	}})
	for _, k := range kinds()[:kafkatest.Size(1, len(kinds()))] {
		t.Run(k.name, func(t *testing.T) {
			w := newWorld(t, c, k, size{partitions: 4, rate: 300})
			w.plan.Stop = plan.Stop{Wait: 10 * time.Second} // people are asked, and do nothing
			proof := w.cutover()
			t.Logf("removed while it worked; the pause has 10 s in which it was waited for: %s", proof.Pause)
			took := w.functions.done()
			w.await("the functions to work for 15 s", func() bool { return w.functions.done() > took+15*300 })
			w.judge(w.plan.NewGroup())
			require.True(t, w.old.running.Running(), "it goes on trying")
		})
	}
}

// Where the cluster has no authorizer a strong fence is refused and a weak one does.
func TestNoAuthorizer(t *testing.T) {
	kafkatest.Whole(t)
	c := kafkatest.Start(t, kafkatest.Options{Listeners: []kafkatest.Listener{listener()}})
	w := newWorld(t, c, kinds()[2], size{partitions: 4, rate: 300, open: true})
	_, err := w.protocol().Cutover(t.Context())
	require.ErrorContains(t, err, "fence: strong needs ACLs, and the cluster has no authorizer")
	w.plan.Fence = plan.FenceWeak
	w.cutover()
	w.rollback()
	w.judge(w.plan.Service.Group)
}

// Whoever moves the service dies at every write of its ledger, once before the line is kept
// and once behind it, and another goes on from there: over and back.
func TestDiesOnTheWay(t *testing.T) {
	kafkatest.Whole(t)
	c := kafkatest.Start(t, kafkatest.Options{ACLs: true, Listeners: []kafkatest.Listener{listener()}})
	w := newWorld(t, c, kinds()[0], size{partitions: 4, rate: 300})
	died, halted := map[string]bool{}, false
	w.ledger.dies = func(at string) bool {
		halted = halted || strings.Contains(at, "halt")
		at = fmt.Sprint(at, " ", halted)
		first := !died[at]
		died[at] = true
		return first
	}
	var proof cutover.Proof
	w.live(func() (err error) { proof, err = w.protocol().Cutover(t.Context()); return err })
	w.reported(proof)
	w.live(func() error {
		_, err := w.protocol().Rollback(t.Context(), "enough")
		if errors.Is(err, cutover.ErrNothing) { // it died behind its last line
			return nil
		}
		return err
	})
	t.Logf("it died %d times", len(died))
	w.judge(w.plan.Service.Group)
}

// live calls until it is not killed any more.
func (w *world) live(call func() error) {
	for dead := true; dead; {
		func() {
			defer func() {
				dead = false
				if r := recover(); r != nil {
					at, ok := r.(death)
					if !ok {
						panic(r)
					}
					w.t.Log("died " + at.at)
					dead = true
				}
			}()
			require.NoError(w.t, call())
		}()
	}
}

// Ten pauses are measured against what was predicted of them.
func TestPauses(t *testing.T) {
	kafkatest.Whole(t)
	c := kafkatest.Start(t, kafkatest.Options{ACLs: true, Listeners: []kafkatest.Listener{listener()}})
	w := newWorld(t, c, kinds()[0], size{partitions: 12, rate: 5000})
	for range 3 { // what the first predictions are made of
		w.await("the old service to be level", func() bool { return w.lag(w.plan.Service.Group) < 10_000 })
		first, err := w.protocol().Rehearse(t.Context())
		require.NoError(t, err)
		w.reported(first.Cutover)
	}
	var pauses []time.Duration
	for i := range 10 {
		w.await("the old service to be level", func() bool { return w.lag(w.plan.Service.Group) < 10_000 })
		r, err := w.protocol().Rehearse(t.Context())
		require.NoError(t, err)
		w.reported(r.Cutover)
		off := (r.Cutover.Pause - r.Predicted).Abs()
		t.Logf("%d: predicted %s, was %s; back after %s", i+1, r.Predicted.Round(time.Millisecond), r.Cutover.Pause.Round(time.Millisecond), r.Rollback.Pause.Round(time.Millisecond))
		assert.LessOrEqual(t, off, max(300*time.Millisecond, r.Predicted*3/10))
		pauses = append(pauses, r.Cutover.Pause)
	}
	slices.Sort(pauses)
	t.Logf("median %s of %v", (pauses[4]+pauses[5])/2, pauses)
	assert.Less(t, (pauses[4]+pauses[5])/2, 2*time.Second)
	w.judge(w.plan.Service.Group)
}

// versions leaves 3.6 out: the suite is about 3.9 and what came after.
func versions() []string {
	var out []string
	for _, v := range kafkatest.Versions() {
		if !strings.HasPrefix(v, "3.6") {
			out = append(out, v)
		}
	}
	return out
}
