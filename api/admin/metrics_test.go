package admin_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"gantry/api/admin"
	"gantry/engine"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/record"
)

// scrape reads what Prometheus reads, with Prometheus' own parser.
func scrape(t *testing.T, e admin.Engine) map[string]*dto.MetricFamily {
	t.Helper()
	w := httptest.NewRecorder()
	admin.Metrics(e).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	require.Equal(t, 200, w.Code, w.Body.String())
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(w.Body.String()))
	require.NoError(t, err)
	return families
}

// counters are AWS's metrics of a Kafka event source mapping (Developer Guide,
// monitoring-metrics-types), each under its name in Prometheus.
var counters = []string{
	"gantry_polled_events_total", "gantry_filtered_out_events_total", "gantry_invoked_events_total",
	"gantry_failed_invoke_events_total", "gantry_invoke_errors_total", "gantry_dropped_events_total",
	"gantry_on_failure_destination_delivered_events_total", "gantry_on_failure_destination_delivery_errors_total",
	"gantry_committed_events_total", "gantry_commit_errors_total", "gantry_polling_errors_total", "gantry_polled_bytes_total",
	"gantry_invocations_total",
}

func numbered(from int64) *pipeline.Counts {
	c := &pipeline.Counts{}
	c.Polled.Store(from)
	c.FilteredOut.Store(from + 1)
	c.Invoked.Store(from + 2)
	c.FailedInvoke.Store(from + 3)
	c.InvokeErrors.Store(from + 4)
	c.Dropped.Store(from + 5)
	c.Delivered.Store(from + 6)
	c.DeliveryErrors.Store(from + 7)
	c.Committed.Store(from + 8)
	c.CommitErrors.Store(from + 9)
	c.PollErrors.Store(from + 10)
	c.PolledBytes.Store(from + 11)
	c.Invocations.Store(from + 12)
	return c
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	e := &fakeEngine{
		headroom: []engine.Headroom{{Partition: record.Partition{Topic: "orders", Index: 3}, Left: -90 * time.Second}},
		running: []engine.Running{
			{UUID: one, Mapping: plain(one, "orders-to-f"), Counts: numbered(100), Snapshot: pipeline.Snapshot{
				Flying: 2, Held: 4096, Losses: []mapping.Loss{{}},
				Lanes: []pipeline.LaneSnapshot{{Resume: 5, Tail: 9, Waiting: 3}, {Resume: 1, Tail: 2, Blocked: "PROBLEM", Waiting: 1}},
			}},
			{UUID: two, Mapping: plain(two, ""), Counts: numbered(200)},
		},
	}
	families := scrape(t, e)
	for i, name := range counters {
		family := families[name]
		require.NotNil(t, family, name)
		require.Equal(t, dto.MetricType_COUNTER, family.GetType(), name)
		require.NotEmpty(t, family.GetHelp())
		require.Len(t, family.GetMetric(), 2, name)
		require.Equal(t, map[string]string{"mapping": one, "name": "orders-to-f", "function": "f", "topic": "orders"}, labels(family, 0), name)
		require.Equal(t, map[string]string{"mapping": two, "name": "", "function": "f", "topic": "orders"}, labels(family, 1), name)
		require.EqualValues(t, 100+i, family.GetMetric()[0].GetCounter().GetValue(), name)
		require.EqualValues(t, 200+i, family.GetMetric()[1].GetCounter().GetValue(), name)
	}
	for name, want := range map[string]float64{
		"gantry_unresolved_offsets": 5, "gantry_waiting_records": 4, "gantry_blocked_lanes": 1, "gantry_lost_lanes": 1,
		"gantry_lanes": 2, "gantry_invocations_in_flight": 2, "gantry_held_bytes": 4096, "gantry_retention_headroom_seconds": -90,
	} {
		family := families[name]
		require.NotNil(t, family, name)
		require.Equal(t, dto.MetricType_GAUGE, family.GetType(), name)
		require.InDelta(t, want, family.GetMetric()[0].GetGauge().GetValue(), 0, name)
	}
	require.Equal(t, "orders-3", labels(families["gantry_retention_headroom_seconds"], 0)["partition"])
	require.Contains(t, families, "go_goroutines")
	for name := range families {
		known := strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") || strings.HasPrefix(name, "gantry_")
		require.True(t, known, name)
	}
}

// TestEveryMetricOfAMappingHasTheSameLabels: else two of them can't be joined in a query.
func TestEveryMetricOfAMappingHasTheSameLabels(t *testing.T) {
	t.Parallel()
	e := &fakeEngine{running: []engine.Running{{UUID: one, Mapping: plain(one, "m"), Counts: numbered(1)}}}
	seen := 0
	for name, family := range scrape(t, e) {
		if !strings.HasPrefix(name, "gantry_") {
			continue
		}
		seen++
		require.Equal(t, map[string]string{"mapping": one, "name": "m", "function": "f", "topic": "orders"}, labels(family, 0), name)
	}
	require.Equal(t, len(counters)+7, seen)
	for name := range scrape(t, &fakeEngine{}) {
		require.False(t, strings.HasPrefix(name, "gantry_"), "%s without a mapping", name)
	}
}

func labels(family *dto.MetricFamily, i int) map[string]string {
	out := map[string]string{}
	for _, pair := range family.GetMetric()[i].GetLabel() {
		out[pair.GetName()] = pair.GetValue()
	}
	return out
}
