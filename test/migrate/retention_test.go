package migrate_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/migrate/cutover"
	"gantry/plan"
)

// nothing is a mapping that is only asked whether it could.
type nothing struct{ cutover.Mappings }

func (nothing) Check(context.Context, string) []string { return nil }
func (nothing) Principal() string                      { return "" }

// unwritten is a journal of nothing.
type unwritten struct{}

func (unwritten) Write(context.Context, plan.Step, plan.Phase, any) error { return nil }
func (unwritten) Lines(context.Context) ([]plan.Line, error)              { return nil, nil }

// What is said of retention is what Kafka does, with event times of any age: a segment with
// one young record is kept whole, and one without goes, also when it is the one written to.
func TestRetentionIsForetold(t *testing.T) {
	c := kafkatest.Shared(t)
	const year, near = 365 * 24 * time.Hour, 10 * time.Second
	for name, of := range map[string]struct {
		ages  []time.Duration
		fault bool
		note  bool
		goes  bool
	}{
		"a young one before":      {ages: []time.Duration{year, 0, year, year}},
		"a young one behind":      {ages: []time.Duration{2 * time.Hour, 2 * time.Hour, 2 * time.Hour, 0}, note: true},
		"one in another segment":  {ages: []time.Duration{year, year, year, 0}, goes: true},
		"all are about to go":     {ages: []time.Duration{year, time.Hour - near, time.Hour - near, year}, fault: true, goes: true},
		"all times are long over": {ages: []time.Duration{year, year, year, year}, goes: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic, group := kafkatest.Topic(t), kafkatest.Topic(t)+"-g"
			c.CreateTopic(t, topic, 1, map[string]string{"retention.ms": "-1"})
			client := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
			for _, age := range of.ages {
				require.NoError(t, client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("x"), Timestamp: time.Now().Add(-age)}).FirstErr())
			}
			c.Commit(t, group, topic, map[int32]int64{0: 2})
			admin, err := kafka.Open(kafka.Cluster{Brokers: c.Brokers()})
			require.NoError(t, err)
			defer admin.Close()
			look := func(accept bool) cutover.Preflight {
				pre, _, err := cutover.New(cutover.Config{
					Admin: admin, Journal: unwritten{}, Mappings: nothing{}, AcceptRetention: accept, Timing: cutover.Timing{Sample: time.Second},
					Plan: plan.Plan{
						Name: "p", Service: plan.Service{Group: group, Topics: []string{topic}, NoPosition: plan.ResetNone},
						Guards: plan.Guards{Unresolved: time.Minute, Errors: 1, ErrorsOver: 1, LagFactor: 1, Watch: 30 * time.Second},
						Fence:  plan.FenceWeak, Handover: plan.HandoverNew, Rollback: plan.Resume, Stop: plan.Stop{Wait: 30 * time.Second},
					},
				}).Look(t.Context())
				require.NoError(t, err)
				return pre
			}
			keep(t, c, topic)
			pre := look(false)
			t.Logf("headroom %s, notes %q, faults %q", pre.Headroom, pre.Notes, pre.Faults)
			if of.note {
				require.Contains(t, strings.Join(pre.Notes, "\n"), "let the group catch up to be sure")
			}
			if of.fault {
				require.Len(t, pre.Faults, 1)
				require.Contains(t, pre.Faults[0], "retention reaches the group's position in")
				require.LessOrEqual(t, pre.Headroom, near)
				pre = look(true)
				require.Empty(t, pre.Faults)
				require.Len(t, pre.Accepted, 1)
			}
			if !of.goes {
				require.Empty(t, pre.Faults)
				tick := time.NewTicker(500 * time.Millisecond)
				defer tick.Stop()
				for range 8 { // Kafka looks every second
					<-tick.C
					require.LessOrEqual(t, oldest(t, admin, topic), int64(2))
				}
				return
			}
			require.Eventually(t, func() bool { return oldest(t, admin, topic) > 2 }, near+30*time.Second, 200*time.Millisecond)
		})
	}
}

// keep lets a topic keep an hour from now on.
func keep(t *testing.T, c *kafkatest.Cluster, topic string) {
	hour := "3600000"
	done, err := c.Admin(t).AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Name: "retention.ms", Value: &hour}}, topic)
	require.NoError(t, err)
	_, err = done.On(topic, nil)
	require.NoError(t, err)
}

func oldest(t *testing.T, admin *kafka.Admin, topic string) int64 {
	starts, _, err := admin.Bounds(t.Context(), topic, false)
	require.NoError(t, err)
	return starts[0]
}
