package admin

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Metric is a family of /metrics as docs/metrics.md describes it.
type Metric struct {
	Name   string
	AWS    string // AWS's name for it, "" where AWS has none
	Type   string // counter, gauge, histogram
	Labels []string
	Help   string
	When   string // "" = always, else when it exists
}

// Catalog lists every family of /metrics that is gantry's own, as the tables have them.
func Catalog() []Metric {
	const standing, provisioned, processes = "for a lane that stands", "with ProvisionedPollerConfig", "for a function that runs as processes here"
	return slices.Concat(
		listed(mappingCounters, mappingLabels, ""), listed(mappingGauges, mappingLabels, ""),
		listed(lagMetrics, mappingLabels, "while the cluster answers"), listed(pollerMetrics, mappingLabels, provisioned),
		listed(laneMetrics, partitionLabels, standing), listed(headroomMetrics, partitionLabels, standing),
		listed(stateMetrics, stateLabels, ""), listed(problemMetrics, problemLabels, "while there is a problem"),
		listed(functionMetrics, functionLabels, ""),
		[]Metric{{durationMetric.name, durationMetric.aws, "histogram", functionLabels, durationMetric.help, ""}},
		listed(asyncMetrics, asyncLabels, "once an event was accepted"), listed(poolMetrics, functionLabels, processes), listed(buildMetrics, buildLabels, ""),
		listed(awsMetrics, identityLabels, "once AWS was called"),
		listed(produceMetrics, produceLabels, "once the function wrote"),
	)
}

func listed[T any](table []metric[T], labels []string, when string) []Metric {
	out := make([]Metric, 0, len(table))
	for _, m := range table {
		kind := "gauge"
		if m.kind == prometheus.CounterValue {
			kind = "counter"
		}
		out = append(out, Metric{m.name, m.aws, kind, labels, m.help, when})
	}
	return out
}

// Elsewhere lists AWS's metrics of mappings and functions that no family has under its
// own, each with where it is instead or why it is not there.
func Elsewhere() map[string]string {
	return map[string]string{
		"DeletedEventCount": "AWS has it for SQS only",
		"OffsetLag":         "sum by (topic) (gantry_sum_offset_lag)",
		"IteratorAge":       "AWS has none for Kafka; gantry_lane_standing_seconds says how long a lane stands",
	}
}
