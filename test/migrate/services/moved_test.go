package services_test

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/migrate/cutover"
	"gantry/plan"
)

//go:embed testdata/bill/main.go
var bill string

// Each kind of service is run beside, goes over, back, and over again by the commands of the
// binary, behind
// a strong fence and under load, while gantry is killed between its steps and within them: no
// record is lost, and what is processed twice was reported or in a killed gantry's hands. In
// a full run every line of the ledger of a cutover and of a rollback is a death.
func TestServicesMoveByCommands(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, versions(), func(t *testing.T, version string) {
		c := kafkatest.Start(t, kafkatest.Options{Version: version, ACLs: true, Listeners: []kafkatest.Listener{listener()}})
		for _, k := range kinds()[:kafkatest.Size(1, len(kinds()))] {
			t.Run(k.name, func(t *testing.T) {
				t.Parallel()
				if k.newest && !strings.HasPrefix(version, "4.") {
					t.Skipf("Kafka %s has no groups of %s yet", version, k.name)
				}
				m := newMove(t, c, k)
				d := drawn(t)
				if kafkatest.Size(0, 1) == 1 {
					m.everywhere(d)
				} else {
					m.somewhere(d)
				}
				m.judge()
			})
		}
	})
}

// somewhere goes over, back and over again with one death on each way, where something has
// changed already.
func (m *move) somewhere(d draw) {
	m.act("shadow", plan.Shadowed, d.deaths(d.one(shadowPlaces())))
	changed := cutoverPlaces()[4:]
	m.act("cutover", plan.Moved, d.deaths(d.one(changed)))
	m.act("rollback", plan.RolledBack, d.deaths(d.one(rollbackPlaces())))
	m.act("cutover", plan.Moved, d.deaths(d.one(changed)))
}

// everywhere goes over and back until each line of a cutover and of a rollback was a death,
// and then over for good. A death within a step may be behind the next line already, whose
// own comes on another way then.
func (m *move) everywhere(d draw) {
	m.act("shadow", plan.Shadowed, d.deaths(shadowPlaces()...))
	there, back := d.deaths(cutoverPlaces()...), d.deaths(rollbackPlaces()...)
	for ways := 0; len(there)+len(back) > 0; ways++ {
		require.Less(m.t, ways, 10, "left are %s and %s", there, back)
		m.act("cutover", plan.Moved, there)
		m.act("rollback", plan.RolledBack, back)
	}
	m.act("cutover", plan.Moved, nil)
}

// move is an old service under load, and a gantry that is to move it.
type move struct {
	t      *testing.T
	c      *kafkatest.Cluster
	admin  *kafka.Admin
	g      *gantrytest.Gantry
	old    *old
	load   *load
	second *load  // of the second topic
	name   string // of the plan
	lines  <-chan plan.Line
	ledger []plan.Line
	killed []life
	dead   int64 // epoch of the last gantry that was killed: its lines are history
}

// life is a gantry that was killed, and what the functions' group had committed then.
type life struct {
	pid       int
	committed map[int32]int64
}

const movePlan = `name: %[1]s
service: { cluster: main, group: %[2]s, topics: [%[6]s], principal: "User:%[4]s", noPosition: earliest }
functions: [{ name: bill }]
batch: { size: 50, window: 50ms }
outputs: [{ topic: %[3]s-out, pair: value, field: from, order: false }]
ignore: [{ path: by, why: who wrote it }, { path: "header:life", why: of the test }]
effects: []
gates: { compared: 600, different: 1%% }
guards: { unresolved: 60s, errors: 1%%, errorsOver: 200, lagFactor: 50, watch: 3s }
fence: strong
stop: %[5]s
`

func newMove(t *testing.T, c *kafkatest.Cluster, k kind) *move {
	return newMoveOf(t, c, k, "")
}

// newMoveOf has a second topic beside the first, where its ending is given.
func newMoveOf(t *testing.T, c *kafkatest.Cluster, k kind, ending string) *move {
	topic, rate := kafkatest.Topic(t), 300
	outputs, group := topic+"-out", "g-"+topic
	c.CreateTopic(t, topic, 4, nil)
	c.CreateTopic(t, outputs, 4, nil)
	topics, second := []string{topic}, ""
	if ending != "" {
		second = topic + ending
		topics = append(topics, second)
		c.CreateTopic(t, second, 4, nil)
	}
	c.Allow(t, kafkatest.UserName, kafkatest.ACL{Topics: append([]string{outputs}, topics...), Groups: []string{group}, Operations: []kadm.ACLOperation{kadm.OpAll}})
	admin, err := kafka.Open(kafka.Cluster{Brokers: c.Brokers()})
	require.NoError(t, err)
	t.Cleanup(admin.Close)
	m := &move{
		t: t, c: c, admin: admin, name: strings.ToLower(k.name),
		old: &old{t: t, c: c, kind: k, group: group, topic: topic, second: second, outputs: outputs, dir: t.TempDir()},
	}
	m.load = startLoad(t, c, topic, 4, rate)
	if second != "" {
		m.second = startLoad(t, c, second, 4, rate)
	}
	hooks := hooked(t, m.old)
	dir := t.TempDir()
	m.g = gantrytest.Start(t, gantrytest.Options{Dir: dir, Config: fmt.Sprintf(
		"clusters: {main: {brokers: [%q]}}\nfunctions:\n  bill: {runtime: provided.al2023, code: %q, environment: {OUTPUTS: %q}}\n",
		c.Brokers()[0], gantrytest.GoFunction(t, bill), outputs)})
	file := filepath.Join(dir, "plan.yaml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, movePlan, m.name, group, topic, kafkatest.UserName, hooks.yaml(), strings.Join(topics, ", ")), 0o600))
	m.await("the old service", func() bool { return len(c.Committed(t, group, topic)) == 4 && m.lag(group) < int64(2*rate) })
	m.lines = followLedger(t, c, m.name)
	m.g.MustCLI("migrate", "put", file)
	require.Contains(t, m.g.MustCLI("migrate", "predict", m.name, "--without-shadow"), "GO. A cutover would:")
	return m
}

func (m *move) await(what string, ok func() bool) {
	m.t.Helper()
	require.Eventually(m.t, ok, 3*time.Minute, 100*time.Millisecond, what)
}

func (m *move) lag(group string) int64 {
	n := lagOf(m.c.Committed(m.t, group, m.old.topic), m.ends(m.old.topic))
	if m.old.second != "" {
		n += lagOf(m.c.Committed(m.t, group, m.old.second), m.ends(m.old.second))
	}
	return n
}

func (m *move) ends(topic string) map[int32]int64 {
	_, ends, err := m.admin.Bounds(m.t.Context(), topic, false)
	require.NoError(m.t, err)
	return ends
}

// stands is what gantry says of the migration: its state, and the act that is under way.
func (m *move) stands() (state plan.State, running string) {
	m.t.Helper()
	var all struct {
		Migrations []struct {
			State   plan.State
			Running string
		}
	}
	require.NoError(m.t, m.g.API().Do(m.t.Context(), "GET", "/gantry/v1/migrations", nil, nil, &all))
	require.Len(m.t, all.Migrations, 1)
	return all.Migrations[0].State, all.Migrations[0].Running
}

// cutoverArgs is the command that moves a plan's service.
func cutoverArgs(name, reason string) []string {
	return []string{"migrate", "cutover", name, "--reason", reason}
}

// ask begins an act and does not wait for it.
func (m *move) ask(act string) {
	args := []string{"migrate", act, m.name, "--reason", "CHG-1"}
	switch act {
	case "cutover":
		args = cutoverArgs(m.name, "CHG-1")
	case "shadow":
		args = append(args, "--for", "15s")
	}
	go m.g.CLI(args...)
}

// act moves the migration to a state, through the deaths. A gantry that is started again goes
// on by itself with what had changed something; what had not is asked for again.
func (m *move) act(act string, to plan.State, at deaths) {
	m.t.Helper()
	m.t.Logf("%s, and dies at %s", act, at)
	from, _ := m.stands()
	m.ask(act)
	deadline, tick := time.After(8*time.Minute), time.NewTicker(250*time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case line := <-m.lines:
			m.ledger = append(m.ledger, line)
			m.t.Logf("%s  %3d %s %s, %s", line.At.Format("05.000"), line.Sequence, line.Step, line.Phase, line.State)
			here := place{line.Step, line.Phase}
			after, dies := at[here]
			if !dies || line.Epoch <= m.dead {
				continue
			}
			delete(at, here)
			m.die(line, after)
			if state, running := m.stands(); state == from && running == "" {
				m.t.Logf("%s is asked for again", act)
				m.ask(act)
			}
		case <-tick.C:
			if state, running := m.stands(); state == to && running == "" && len(m.lines) == 0 {
				return
			}
		case <-deadline:
			state, running := m.stands()
			require.Failf(m.t, "it takes too long", "%s: it is %s, under way: %q", act, state, running)
		}
	}
}

// die kills gantry after one of its lines, and starts it again.
func (m *move) die(behind plan.Line, after time.Duration) {
	m.t.Helper()
	<-time.After(after)
	pid := m.g.Pid()
	m.g.Kill()
	m.dead = behind.Epoch
	m.killed = append(m.killed, life{pid, m.c.Committed(m.t, m.old.group+".gantry", m.old.topic)})
	m.t.Logf("killed %s behind line %d", after.Round(time.Millisecond), behind.Sequence)
	m.g.Up()
}

// judge ends the load, lets the functions finish, and asks the property of Kafka alone.
func (m *move) judge() {
	m.t.Helper()
	ends := m.load.rest()
	m.await("the functions to finish", func() bool { return m.lag(m.old.group+".gantry") == 0 })
	by := readOutputs(m.t, m.admin, m.old.outputs)
	may := m.reported(m.old.topic)
	m.inHand(by, may)
	who := map[string]int{}
	total, twice, lost := 0, 0, 0
	for p, end := range ends {
		for at := range end {
			id := fmt.Sprintf("%d/%d", p, at)
			total++
			if len(by[id]) == 0 {
				lost++
			}
			if len(by[id]) > 1 {
				twice++
			}
			require.LessOrEqual(m.t, len(by[id]), 1+may[id], "record %s was processed by %v", id, by[id])
			for _, b := range by[id] {
				who[b.who]++
			}
		}
	}
	m.t.Logf("%d deaths; %d records: %d lost, %d processed more than once of %d that may be; %d outputs of the old service and %d of the functions",
		len(m.killed), total, lost, twice, len(may), who["old"], who["new"])
	require.Zero(m.t, lost)
	require.Positive(m.t, who["old"])
	require.Positive(m.t, who["new"])
	file := filepath.Join(m.t.TempDir(), "exported.ledger")
	m.g.MustCLI("migrate", "ledger", m.name, "--export", file)
	require.Contains(m.t, m.g.MustCLI("migrate", "ledger", "--verify", file), "each whole and in its place")
	checkedByAScript(m.t, m.c, m.name, file)
}

// reported counts how often a record is in a tail that the ledger reports.
func (m *move) reported(topic string) map[string]int {
	m.t.Helper()
	may := map[string]int{}
	var settled cutover.Settled
	for _, line := range m.ledger {
		if line.Phase != plan.Did {
			continue
		}
		switch line.Step {
		case plan.StepSettle:
			settled = cutover.Settled{}
			require.NoError(m.t, json.Unmarshal(line.Facts, &settled))
		case plan.StepTail:
			var tail cutover.Tail
			require.NoError(m.t, json.Unmarshal(line.Facts, &tail))
			for p, n := range tail.Counts[topic] {
				from, ok := settled.F1.At(topic, p)
				require.True(m.t, ok)
				for at := from; at < from+n; at++ {
					may[fmt.Sprintf("%d/%d", p, at)]++
				}
			}
		}
	}
	return may
}

// inHand adds what a gantry had answers of and had not committed when it was killed.
func (m *move) inHand(by map[string][]processed, may map[string]int) {
	for _, l := range m.killed {
		for id, all := range by {
			var p int32
			var at int64
			_, err := fmt.Sscanf(id, "%d/%d", &p, &at)
			require.NoError(m.t, err)
			for _, b := range all {
				if b.life == fmt.Sprint(l.pid) && at >= l.committed[p] {
					may[id]++
				}
			}
		}
	}
}
