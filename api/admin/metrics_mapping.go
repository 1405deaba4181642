package admin

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gantry/engine"
	"gantry/mapping"
	"gantry/pipeline"
)

const (
	counted  = prometheus.CounterValue
	measured = prometheus.GaugeValue
)

func total(read func(*pipeline.Counts) int64) func(*pipeline.Counts) float64 {
	return func(c *pipeline.Counts) float64 { return float64(read(c)) }
}

// mappingCounters are AWS's counts of an event source mapping (Developer Guide,
// monitoring-metrics-types). They begin anew when the mapping starts here.
var mappingCounters = []metric[*pipeline.Counts]{
	{"PolledEventCount", "gantry_polled_events_total", "Records read.", counted, total(func(c *pipeline.Counts) int64 { return c.Polled.Load() })},
	{"FilteredOutEventCount", "gantry_filtered_out_events_total", "Records dropped by filters.", counted, total(func(c *pipeline.Counts) int64 { return c.FilteredOut.Load() })},
	{"InvokedEventCount", "gantry_invoked_events_total", "Records sent to the function; retries count again.", counted, total(func(c *pipeline.Counts) int64 { return c.Invoked.Load() })},
	{"FailedInvokeEventCount", "gantry_failed_invoke_events_total", "Records of failed invocations.", counted, total(func(c *pipeline.Counts) int64 { return c.FailedInvoke.Load() })},
	{"InvokeErrorCount", "gantry_invoke_errors_total", "Failed invocations, counted by batch.", counted, total(func(c *pipeline.Counts) int64 { return c.InvokeErrors.Load() })},
	{"DroppedEventCount", "gantry_dropped_events_total", "Records given up without a destination.", counted, total(func(c *pipeline.Counts) int64 { return c.Dropped.Load() })},
	{"OnFailureDestinationDeliveredEventCount", "gantry_on_failure_destination_delivered_events_total", "Records the destination accepted.", counted, total(func(c *pipeline.Counts) int64 { return c.Delivered.Load() })},
	{"OnFailureDestinationDeliveryErrorCount", "gantry_on_failure_destination_delivery_errors_total", "Deliveries that failed; they are repeated.", counted, total(func(c *pipeline.Counts) int64 { return c.DeliveryErrors.Load() })},
	{"", "gantry_on_failure_destination_deliveries_total", "Attempts to deliver what was given up.", counted, total(func(c *pipeline.Counts) int64 { return c.Deliveries.Load() })},
	{"", "gantry_on_failure_destination_delivery_seconds_total", "Time those attempts took.", counted, func(c *pipeline.Counts) float64 { return float64(c.DeliveryTime.Load()) / 1e9 }},
	{"CommittedEventCount", "gantry_committed_events_total", "Sum of committed-offset deltas.", counted, total(func(c *pipeline.Counts) int64 { return c.Committed.Load() })},
	{"CommitErrorCount", "gantry_commit_errors_total", "Commits that failed; they are repeated.", counted, total(func(c *pipeline.Counts) int64 { return c.CommitErrors.Load() })},
	{"PollingErrorCount", "gantry_polling_errors_total", "Polls that failed.", counted, total(func(c *pipeline.Counts) int64 { return c.PollErrors.Load() })},
	{"EventPollerThroughputInBytes", "gantry_polled_bytes_total", "Bytes of the records read.", counted, total(func(c *pipeline.Counts) int64 { return c.PolledBytes.Load() })},
	{"", "gantry_output_records_total", "Records of the function's answers, written and acknowledged.", counted, total(func(c *pipeline.Counts) int64 { return c.Written.Load() })},
	{"", "gantry_output_bytes_total", "Bytes of those records.", counted, total(func(c *pipeline.Counts) int64 { return c.WrittenBytes.Load() })},
	{"", "gantry_output_errors_total", "Attempts to write them that failed; they are repeated.", counted, total(func(c *pipeline.Counts) int64 { return c.WriteErrors.Load() })},
	{"SchemaRegistryErrorCount", "gantry_schema_registry_errors_total", "Answers, and attempts to write them, that the schema registry or a schema failed; gantry reads no schemas on the way in.", counted, total(func(c *pipeline.Counts) int64 { return c.SchemaErrors.Load() })},
	{"", "gantry_transactions_total", "Transactions committed.", counted, total(func(c *pipeline.Counts) int64 { return c.Transactions.Load() })},
	{"", "gantry_transactions_aborted_total", "Transactions that failed; their answers are written again.", counted, total(func(c *pipeline.Counts) int64 { return c.Aborted.Load() })},
	{"", "gantry_transaction_seconds_total", "Time the committed transactions took.", counted, func(c *pipeline.Counts) float64 { return float64(c.TransactionNS.Load()) / 1e9 }},
	{"", "gantry_invocations_total", "Batches sent to the function.", counted, total(func(c *pipeline.Counts) int64 { return c.Invocations.Load() })},
}

// functionCounters are those of them that are counted of each function of a mapping.
func functionCounters() []metric[*pipeline.Counts] {
	whole := []string{
		"gantry_polled_events_total", "gantry_filtered_out_events_total", "gantry_committed_events_total", "gantry_commit_errors_total",
		"gantry_polling_errors_total", "gantry_polled_bytes_total", "gantry_transactions_total", "gantry_transactions_aborted_total", "gantry_transaction_seconds_total",
	}
	return slices.DeleteFunc(slices.Clone(mappingCounters), func(m metric[*pipeline.Counts]) bool { return slices.Contains(whole, m.name) })
}

func lanes(one func(pipeline.LaneSnapshot) float64) func(engine.Running) float64 {
	return func(r engine.Running) (sum float64) {
		for _, l := range r.Snapshot.Lanes {
			sum += one(l)
		}
		return sum
	}
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// mappingGauges are what a mapping looks like now, in this process.
var mappingGauges = []metric[engine.Running]{
	{"", "gantry_unresolved_offsets", "Offsets polled here and not resolved.", measured, lanes(func(l pipeline.LaneSnapshot) float64 { return float64(l.Tail - l.Resume) })},
	{"", "gantry_waiting_records", "Records that wait for their first invocation.", measured, lanes(func(l pipeline.LaneSnapshot) float64 { return float64(l.Waiting) })},
	{"", "gantry_blocked_lanes", "Lanes that stand on a failing record.", measured, lanes(func(l pipeline.LaneSnapshot) float64 { return max(one(stands(l)), float64(len(l.Stands))) })},
	{"", "gantry_uncommitted_span_records", "Records a crash would repeat at most, where partitions have several lanes.", measured, lanes(func(l pipeline.LaneSnapshot) float64 { return float64(l.Span.Records) })},
	{"", "gantry_full_partitions", "Partitions that take no more records until their first one is resolved: their uncommitted span is full.", measured, lanes(func(l pipeline.LaneSnapshot) float64 { return one(l.Span.Full) })},
	{"", "gantry_lost_lanes", "Lanes that wait for accept-loss.", measured, func(r engine.Running) float64 { return float64(len(r.Snapshot.Losses)) }},
	{"", "gantry_lanes", "Partitions held by this process.", measured, lanes(func(pipeline.LaneSnapshot) float64 { return 1 })},
	{"", "gantry_invocations_in_flight", "Invocations running now.", measured, func(r engine.Running) float64 { return float64(r.Snapshot.Flying) }},
	{"", "gantry_held_bytes", "Bytes of records held in memory.", measured, func(r engine.Running) float64 { return float64(r.Snapshot.Held) }},
	{"", "gantry_group_joined", "1 while this process is a member of the mapping's group.", measured, func(r engine.Running) float64 { return one(r.Snapshot.Joined) }},
}

// pollers is how many of AWS's pollers (five invocations at once each) are at work.
func pollers(r engine.Running) float64 {
	p := r.Mapping.Pollers
	n := (r.Snapshot.Flying + mapping.InvocationsPerPoller - 1) / mapping.InvocationsPerPoller
	return float64(min(max(n, p.Minimum), p.Maximum))
}

// pollerMetrics exist for mappings with ProvisionedPollerConfig.
var pollerMetrics = []metric[engine.Running]{
	{"ProvisionedPollers", "gantry_provisioned_pollers", "Pollers at work: invocations in flight by five, at least the minimum.", measured, pollers},
	{"EventPollerUnit", "gantry_event_poller_units", "What AWS would bill: one unit for each ten pollers at work.", measured,
		func(r engine.Running) float64 {
			return float64((int(pollers(r)) + pollersPerUnit - 1) / pollersPerUnit)
		}},
}

// pollersPerUnit is AWS's default of pollers in an event poller unit (kafka-scaling-modes).
const pollersPerUnit = 10

// lagMetrics are absent while the cluster does not answer.
var lagMetrics = []metric[engine.Lag]{
	{"MaxOffsetLag", "gantry_max_offset_lag", "Largest distance of a partition held here between its end and its committed offset.", measured, func(l engine.Lag) float64 { return float64(l.Max) }},
	{"SumOffsetLag", "gantry_sum_offset_lag", "Sum of those distances over the partitions held here.", measured, func(l engine.Lag) float64 { return float64(l.Sum) }},
}

// laneMetrics exist for lanes that stand.
var laneMetrics = []metric[pipeline.LaneSnapshot]{
	{"", "gantry_lane_standing_seconds", "Time since a lane that stands failed first.", measured, func(l pipeline.LaneSnapshot) float64 { return time.Since(l.Since).Seconds() }},
	{"", "gantry_lane_attempts", "Failed attempts of the records a lane stands on.", measured, func(l pipeline.LaneSnapshot) float64 { return float64(l.Attempts) }},
}

var headroomMetrics = []metric[engine.Headroom]{
	{"", "gantry_retention_headroom_seconds", "Time until retention reaches the first unresolved record of a lane that stands; measured every minute.", measured, func(h engine.Headroom) float64 { return h.Left.Seconds() }},
}

var stateMetrics = []metric[engine.Observed]{
	{"", "gantry_mapping_state", "1, with the mapping's state as a label.", measured, func(engine.Observed) float64 { return 1 }},
}

var problemMetrics = []metric[engine.Observed]{
	{"", "gantry_mapping_problem", "1 while a mapping has a problem: connection, authentication, authorization, certificate, function (its calls fail), function-missing, source-loss, oversize, destination, output or other.", measured, func(engine.Observed) float64 { return 1 }},
}

var buildMetrics = []metric[struct{}]{
	{"", "gantry_build_info", "1, with the version as a label.", measured, func(struct{}) float64 { return 1 }},
}

// problemOf gives the kind of a mapping's problem, or "".
func problemOf(s mapping.Status) string {
	switch s.ProcessingResult {
	case "", mapping.OK, mapping.NoRecords:
		return ""
	case mapping.ProblemFunction:
		if s.Reason == mapping.ReasonFunctionInvalid {
			return "function-missing"
		}
		return "function"
	case mapping.ProblemAuthorize:
		return "authorization"
	case mapping.ProblemSASL, mapping.ProblemServerAuth, mapping.ProblemAuthServer:
		return "authentication"
	case mapping.ProblemCertificate:
		return "certificate"
	case mapping.ProblemConnection:
		return "connection"
	case mapping.ProblemSourceLoss:
		return "source-loss"
	case mapping.ProblemOversize:
		return "oversize"
	case mapping.ProblemDestination:
		return "destination"
	case mapping.ProblemOutput:
		return "output"
	}
	return "other"
}
