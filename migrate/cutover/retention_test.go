package cutover_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/kafka"
	"gantry/migrate/cutover"
	"gantry/plan"
	"gantry/record"
)

// aged writes a record of each age to partition 0 of the topic, and leaves the group at one.
func (w *world) aged(retention string, at int64, ages ...time.Duration) {
	w.t.Helper()
	w.rest()
	_, end, err := w.admin.Bounds(w.t.Context(), topic, false)
	require.NoError(w.t, err)
	to, all := kadm.Offsets{}, kafka.Offsets{topic: {}}
	for p, e := range end {
		to.AddOffset(topic, p, e, -1)
		all[topic][p] = offset(e)
	}
	_, err = w.kadm().DeleteRecords(w.t.Context(), to)
	require.NoError(w.t, err)
	cl := w.fake.Client(w.t, login("gantry"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for _, age := range ages {
		require.NoError(w.t, cl.ProduceSync(w.t.Context(), &kgo.Record{Topic: topic, Timestamp: time.Now().Add(-age)}).FirstErr())
	}
	all[topic][0] = offset(end[0] + at)
	require.NoError(w.t, w.admin.Commit(w.t.Context(), oldGroup, all))
	_, err = w.kadm().AlterTopicConfigs(w.t.Context(), []kadm.AlterConfig{{Name: "retention.ms", Value: &retention}}, topic)
	require.NoError(w.t, err)
}

func offset(at int64) record.Offset { return record.Offset{At: at, Epoch: -1} }

func (w *world) look() cutover.Preflight {
	w.t.Helper()
	pre, _, err := w.protocol().Look(w.t.Context())
	require.NoError(w.t, err)
	return pre
}

// Event times may be of any age: the youngest at or before the position counts, since Kafka
// removes whole segments by the largest time in one. The window of the plan is 50 s.
func TestRetentionGoesByTheYoungestBeforeThePosition(t *testing.T) {
	t.Parallel()
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	for name, c := range map[string]struct {
		at    int64
		ages  []time.Duration
		room  time.Duration // 0 = not known
		fault bool
	}{
		"old event times behind a young one":    {2, []time.Duration{year, 0, year, year}, time.Hour, false},
		"the record itself is young":            {1, []time.Duration{year, 30 * time.Minute, year}, 30 * time.Minute, false},
		"young ones behind it may be elsewhere": {1, []time.Duration{2 * day, 2 * day, 2 * day, 0}, 0, false},
		"young ones behind it are elsewhere":    {1, []time.Duration{year, year, year, 0}, time.Second, true},
		"all are about to go":                   {1, []time.Duration{day, time.Hour - 20*time.Second, time.Hour - 20*time.Second}, 20 * time.Second, true},
		"all could be gone":                     {1, []time.Duration{year, day, year}, time.Second, true},
		"nothing is unread":                     {3, []time.Duration{year, day, year}, time.Hour, false},
		"times to come":                         {1, []time.Duration{-day, year, year}, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.aged("3600000", c.at, c.ages...)
				pre := w.look()
				if c.room == 0 {
					require.Zero(w.t, pre.Headroom)
					require.Len(w.t, pre.Notes, 2, "that nothing runs, and this")
					require.Contains(w.t, pre.Notes[0]+pre.Notes[1], "let the group catch up to be sure")
				} else {
					require.InDelta(w.t, c.room.Seconds(), pre.Headroom.Seconds(), 6)
					require.LessOrEqual(w.t, pre.Headroom, max(c.room, time.Second), "never too long")
				}
				if !c.fault {
					require.Empty(w.t, pre.Faults)
					return
				}
				require.Len(w.t, pre.Faults, 1)
				require.Contains(w.t, pre.Faults[0], "orders-0: retention reaches the group's position in")
				w.edit = func(c *cutover.Config) { c.AcceptRetention = true }
				pre = w.look()
				require.Empty(w.t, pre.Faults)
				require.Len(w.t, pre.Accepted, 1)
				_, said, err := w.protocol().Look(context.Background())
				require.NoError(w.t, err)
				require.Empty(w.t, said.NoGo)
				w.mustCut()
				require.Contains(w.t, string(w.ledger.factsOf(plan.StepPreflight)), "retention reaches the group's position")
			})
		})
	}
}

func (l *ledger) factsOf(step plan.Step) []byte {
	for _, line := range l.lines {
		if line.Step == step && line.Phase == plan.Did {
			return line.Facts
		}
	}
	return nil
}

// Retention by size is estimated by how large records are and how fast they come.
func TestRetentionBySize(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		keep := func(bytes, ms string) {
			_, err := w.kadm().AlterTopicConfigs(w.t.Context(), []kadm.AlterConfig{{Name: "retention.bytes", Value: &bytes}, {Name: "retention.ms", Value: &ms}}, topic)
			require.NoError(w.t, err)
		}
		keep("1000000000", "-1")
		pre := w.look()
		require.Empty(w.t, pre.Faults)
		require.Greater(w.t, pre.Headroom, time.Hour)
		keep("2000", "-1")
		pre = w.look()
		require.Len(w.t, pre.Faults, 1)
		require.Contains(w.t, pre.Faults[0], "retention reaches the group's position in")
		keep("-1", "-1")
		require.Zero(w.t, w.look().Headroom)
	})
}
