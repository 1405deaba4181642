package admin

import (
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gantry/engine"
	"gantry/pipeline"
)

// counter is one of AWS's metrics of an event source mapping (Developer Guide, monitoring-metrics-types) and its name
// in Prometheus.
type counter struct {
	aws  string
	name string
	help string
	read func(*pipeline.Counts) int64
}

var mappingCounters = []counter{
	{"PolledEventCount", "gantry_polled_events_total", "Records read.", func(c *pipeline.Counts) int64 { return c.Polled.Load() }},
	{"FilteredOutEventCount", "gantry_filtered_out_events_total", "Records dropped by filters.", func(c *pipeline.Counts) int64 { return c.FilteredOut.Load() }},
	{"InvokedEventCount", "gantry_invoked_events_total", "Records sent to the function; retries count again.", func(c *pipeline.Counts) int64 { return c.Invoked.Load() }},
	{"FailedInvokeEventCount", "gantry_failed_invoke_events_total", "Records of failed invocations.", func(c *pipeline.Counts) int64 { return c.FailedInvoke.Load() }},
	{"InvokeErrorCount", "gantry_invoke_errors_total", "Failed invocations, counted by batch.", func(c *pipeline.Counts) int64 { return c.InvokeErrors.Load() }},
	{"DroppedEventCount", "gantry_dropped_events_total", "Records given up without a destination.", func(c *pipeline.Counts) int64 { return c.Dropped.Load() }},
	{"OnFailureDestinationDeliveredEventCount", "gantry_on_failure_destination_delivered_events_total", "Records the destination accepted.", func(c *pipeline.Counts) int64 { return c.Delivered.Load() }},
	{"OnFailureDestinationDeliveryErrorCount", "gantry_on_failure_destination_delivery_errors_total", "Deliveries that failed; they are repeated.", func(c *pipeline.Counts) int64 { return c.DeliveryErrors.Load() }},
	{"CommittedEventCount", "gantry_committed_events_total", "Sum of committed-offset deltas.", func(c *pipeline.Counts) int64 { return c.Committed.Load() }},
	{"CommitErrorCount", "gantry_commit_errors_total", "Commits that failed; they are repeated.", func(c *pipeline.Counts) int64 { return c.CommitErrors.Load() }},
	{"PollingErrorCount", "gantry_polling_errors_total", "Polls that failed.", func(c *pipeline.Counts) int64 { return c.PollErrors.Load() }},
	{"EventPollerThroughputInBytes", "gantry_polled_bytes_total", "Bytes of the records read.", func(c *pipeline.Counts) int64 { return c.PolledBytes.Load() }},
	{"Invocations", "gantry_invocations_total", "Invocations begun.", func(c *pipeline.Counts) int64 { return c.Invocations.Load() }},
}

// collector reads the engine when it is scraped.
type collector struct{ engine Engine }

var mappingLabels = []string{"mapping", "name", "function", "topic"}

func describe(name, help string, more ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append(slices.Clone(mappingLabels), more...), nil)
}

// Describe implements prometheus.Collector: what there is shows at the scrape.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	headroom := describe("gantry_retention_headroom_seconds",
		"Time until retention reaches the first unresolved record of a lane that stands; measured every minute.", "partition")
	for _, r := range c.engine.Running() {
		labels := []string{r.UUID, r.Mapping.Name, r.Mapping.Functions[0].Function, r.Mapping.Source.Topics[0]}
		for _, m := range mappingCounters {
			out <- prometheus.MustNewConstMetric(describe(m.name, m.help), prometheus.CounterValue, float64(m.read(r.Counts)), labels...)
		}
		for _, g := range gauges(r) {
			out <- prometheus.MustNewConstMetric(describe(g.name, g.help), prometheus.GaugeValue, g.value, labels...)
		}
		for _, h := range c.engine.Headroom(r.UUID) {
			out <- prometheus.MustNewConstMetric(headroom, prometheus.GaugeValue, h.Left.Seconds(), append(slices.Clone(labels), h.Partition.String())...)
		}
	}
}

type gauge struct {
	name, help string
	value      float64
}

// gauges are what a mapping looks like now. Lag here is what was polled and is not
// committed; the lag against the end of the log is in the offsets of the mapping.
func gauges(r engine.Running) []gauge {
	var unresolved, blocked, waiting float64
	for _, l := range r.Snapshot.Lanes {
		unresolved += float64(l.Tail - l.Resume)
		waiting += float64(l.Waiting)
		if l.Blocked != "" || !l.Since.IsZero() {
			blocked++
		}
	}
	return []gauge{
		{"gantry_unresolved_offsets", "Offsets polled here and not resolved.", unresolved},
		{"gantry_waiting_records", "Records that wait for their first invocation.", waiting},
		{"gantry_blocked_lanes", "Lanes that stand on a failing record.", blocked},
		{"gantry_lost_lanes", "Lanes that wait for accept-loss.", float64(len(r.Snapshot.Losses))},
		{"gantry_lanes", "Partitions held by this process.", float64(len(r.Snapshot.Lanes))},
		{"gantry_invocations_in_flight", "Invocations running now.", float64(r.Snapshot.Flying)},
		{"gantry_held_bytes", "Bytes of records held in memory.", float64(r.Snapshot.Held)},
	}
}

// Metrics answers a scrape of Prometheus.
func Metrics(e Engine) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{e}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}
