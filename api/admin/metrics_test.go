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
	"gantry/engine/async"
	"gantry/function"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/record"
)

// scrape reads what Prometheus reads, with Prometheus' own parser.
func scrape(t *testing.T, e admin.Observer) map[string]*dto.MetricFamily {
	t.Helper()
	w := httptest.NewRecorder()
	admin.Metrics(e, "1.2.3", identities, uses).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
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

// busy is an engine with something of everything.
func busy() *fakeEngine {
	provisioned := plain(one, "orders-to-f")
	provisioned.Pollers = &mapping.Pollers{Minimum: 1, Maximum: 20}
	counts := &engine.FunctionCounts{}
	counts.Invocations.Store(7)
	counts.Errors.Store(3)
	counts.Throttles.Store(2)
	counts.Unreached.Store(1)
	counts.Nanos.Store(int64(14 * time.Second))
	return &fakeEngine{
		async: []async.Stats{{Function: "f", Waiting: 3, Oldest: time.Now().Add(-time.Minute), Problem: "not reached",
			Counts: async.Counts{Received: 9, Dropped: 2, Unsent: 4}}},
		headroom: []engine.Headroom{{Partition: record.Partition{Topic: "orders", Index: 3}, Left: -90 * time.Second}},
		running: []engine.Running{
			{UUID: one, Mapping: provisioned, Counts: numbered(100), Snapshot: pipeline.Snapshot{
				Flying: 52, Held: 4096, Losses: []mapping.Loss{{}}, Joined: true,
				Lanes: []pipeline.LaneSnapshot{
					{Resume: 5, Tail: 9, Waiting: 3},
					{Resume: 1, Tail: 2, Blocked: "PROBLEM", Waiting: 1, Attempts: 4, Since: time.Now().Add(-time.Minute), Partition: record.Partition{Topic: "orders", Index: 3}},
				},
			}},
			{UUID: two, Mapping: plain(two, ""), Counts: numbered(200)},
		},
		lags: map[string]engine.Lag{one: {Max: 30, Sum: 50}},
		observed: []engine.Observed{
			{UUID: one, Mapping: provisioned, Status: mapping.Status{State: mapping.Enabled, ProcessingResult: mapping.ProblemConnection}},
			{UUID: two, Mapping: plain(two, ""), Status: mapping.Status{State: mapping.Disabled, ProcessingResult: mapping.NoRecords}},
		},
		functions: []engine.FunctionUse{{
			Name: "f", Kind: function.Process, Counts: counts, Busy: 4, Limit: -1,
			Pool: &function.PoolStats{Processes: 6, Busy: 5, Waiting: 2, ColdStarts: 9, Crashes: 3, MemoryKills: 1, Timeouts: 8, InitFailure: 10, Memory: 1 << 20},
		}},
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	families := scrape(t, busy())
	for i, name := range counters {
		family := families[name]
		require.NotNil(t, family, name)
		require.Equal(t, dto.MetricType_COUNTER, family.GetType(), name)
		require.Len(t, family.GetMetric(), 2, name)
		require.Equal(t, map[string]string{"mapping": one, "name": "orders-to-f", "function": "f", "topic": "orders"}, labels(family, 0), name)
		require.Equal(t, map[string]string{"mapping": two, "name": "", "function": "f", "topic": "orders"}, labels(family, 1), name)
		require.EqualValues(t, 100+i, family.GetMetric()[0].GetCounter().GetValue(), name)
		require.EqualValues(t, 200+i, family.GetMetric()[1].GetCounter().GetValue(), name)
	}
	for name, want := range map[string]float64{
		"gantry_unresolved_offsets": 5, "gantry_waiting_records": 4, "gantry_blocked_lanes": 1, "gantry_lost_lanes": 1,
		"gantry_lanes": 2, "gantry_invocations_in_flight": 52, "gantry_held_bytes": 4096, "gantry_retention_headroom_seconds": -90,
		"gantry_group_joined": 1, "gantry_max_offset_lag": 30, "gantry_sum_offset_lag": 50,
		"gantry_provisioned_pollers": 11, "gantry_event_poller_units": 2, "gantry_lane_attempts": 4,
		"gantry_mapping_state": 1, "gantry_mapping_problem": 1, "gantry_build_info": 1,
		"gantry_function_invocations_total": 7, "gantry_function_errors_total": 3, "gantry_function_throttles_total": 2,
		"gantry_function_unreached_total": 1, "gantry_function_concurrent_executions": 4, "gantry_function_reserved_concurrency": -1,
		"gantry_function_processes": 6, "gantry_function_busy_processes": 5, "gantry_function_waiting_calls": 2,
		"gantry_function_memory_bytes": 1 << 20, "gantry_function_cold_starts_total": 9, "gantry_function_crashes_total": 3,
		"gantry_function_memory_kills_total": 1, "gantry_function_timeouts_total": 8, "gantry_function_init_failures_total": 10,
		"gantry_function_async_events_received_total": 9, "gantry_function_async_events_dropped_total": 2, "gantry_function_async_events_waiting": 3,
		"gantry_function_async_destination_delivery_failures_total": 4,
	} {
		require.NotNil(t, families[name], name)
		m := families[name].GetMetric()[0]
		require.InDelta(t, want, m.GetGauge().GetValue()+m.GetCounter().GetValue(), 0, name)
	}
	require.InDelta(t, 60, families["gantry_function_async_event_age_seconds"].GetMetric()[0].GetGauge().GetValue(), 10)
	require.InDelta(t, 60, families["gantry_lane_standing_seconds"].GetMetric()[0].GetGauge().GetValue(), 10)
	require.Equal(t, "orders-3", labels(families["gantry_retention_headroom_seconds"], 0)["partition"])
	require.Equal(t, "connection", labels(families["gantry_mapping_problem"], 0)["problem"])
	require.Equal(t, "Disabled", labels(families["gantry_mapping_state"], 1)["state"])
	require.Equal(t, "1.2.3", labels(families["gantry_build_info"], 0)["version"])
	took := families["gantry_function_duration_seconds"].GetMetric()[0].GetHistogram()
	require.EqualValues(t, 7, took.GetSampleCount())
	require.InDelta(t, 14, took.GetSampleSum(), 0)
	require.Contains(t, families, "go_goroutines")
}

// TestTheCatalogIsWhatIsScraped: docs/metrics.md is made from it.
func TestTheCatalogIsWhatIsScraped(t *testing.T) {
	t.Parallel()
	families := scrape(t, busy())
	for name := range families {
		known := strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") || strings.HasPrefix(name, "gantry_")
		require.True(t, known, name)
	}
	for _, m := range admin.Catalog() {
		family := families[m.Name]
		require.NotNil(t, family, m.Name)
		require.Equal(t, strings.ToUpper(m.Type), family.GetType().String(), m.Name)
		require.Equal(t, m.Help, family.GetHelp())
		for _, label := range m.Labels {
			require.Contains(t, labels(family, 0), label, m.Name)
		}
		require.Len(t, labels(family, 0), len(m.Labels), m.Name)
		delete(families, m.Name)
	}
	for name := range families {
		require.False(t, strings.HasPrefix(name, "gantry_"), "%s is not in the catalog", name)
	}
}

// TestEveryMetricOfAWSIsAccountedFor: those of a Kafka event source mapping and of a
// function (Developer Guide, monitoring-metrics-types).
func TestEveryMetricOfAWSIsAccountedFor(t *testing.T) {
	t.Parallel()
	told := admin.Elsewhere()
	for _, m := range admin.Catalog() {
		if m.AWS != "" {
			require.NotContains(t, told, m.AWS)
			told[m.AWS] = m.Name
		}
	}
	all := []string{
		"PolledEventCount", "FilteredOutEventCount", "InvokedEventCount", "FailedInvokeEventCount", "DroppedEventCount",
		"OnFailureDestinationDeliveredEventCount", "CommittedEventCount", "DeletedEventCount", "PollingErrorCount", "InvokeErrorCount",
		"OnFailureDestinationDeliveryErrorCount", "SchemaRegistryErrorCount", "CommitErrorCount", "MaxOffsetLag", "SumOffsetLag",
		"ProvisionedPollers", "EventPollerUnit", "EventPollerThroughputInBytes",
		"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions", "DestinationDeliveryFailures", "OffsetLag", "IteratorAge",
		"AsyncEventsReceived", "AsyncEventAge", "AsyncEventsDropped",
	}
	for _, name := range all {
		require.NotEmpty(t, told[name], name)
	}
	require.Len(t, told, len(all))
}

func TestNothingRunsNothingIsSaid(t *testing.T) {
	t.Parallel()
	for name := range scrape(t, &fakeEngine{}) {
		always := name == "gantry_build_info" || strings.HasPrefix(name, "gantry_aws_") || strings.HasPrefix(name, "gantry_function_produce")
		require.True(t, always || !strings.HasPrefix(name, "gantry_"), "%s without a mapping", name)
	}
}

func labels(family *dto.MetricFamily, i int) map[string]string {
	out := map[string]string{}
	for _, pair := range family.GetMetric()[i].GetLabel() {
		out[pair.GetName()] = pair.GetValue()
	}
	return out
}
