package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gantry/api/admin"
)

const metricsHead = `<!-- made by: go run ./internal/docgen; do not edit -->
# Metrics

` + "`GET /metrics`" + ` answers Prometheus. It needs no key, carries no payload and no secret, and costs nothing while nobody scrapes. AWS's metrics of an event source mapping (Developer Guide, *Types of metrics for Lambda functions*) have the names below; there is no ` + "`MetricsConfig`" + ` to switch on and nothing to pay for.

A process speaks of what it runs itself: of several that share a mapping each has the partitions it holds, so sums go over ` + "`instance`" + `. Counters begin anew when the process, the mapping or the function's processes are started again; ` + "`rate()` and `increase()`" + ` know that. Labels: ` + "`mapping`" + ` is the UUID, ` + "`name`" + ` its name in the file (empty for one made by the API), ` + "`partition`" + ` is ` + "`topic-number`" + `.

The lag is asked of the cluster at the scrape, at most every ten seconds, over the connections that are there; a scrape waits two seconds for it. Alert rules and a dashboard are in [packaging/monitoring](../packaging/monitoring), what to do about an alert in [bad-night.md](bad-night.md).

`

// metrics is docs/metrics.md, from the tables that /metrics is made of.
func metrics() string {
	var b strings.Builder
	b.WriteString(metricsHead)
	b.WriteString("| metric | type | labels | AWS's name | what it is |\n| --- | --- | --- | --- | --- |\n")
	for _, m := range admin.Catalog() {
		help := m.Help
		if m.When != "" {
			help += " (" + m.When + ")"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", m.Name, m.Type, strings.Join(m.Labels, ", "), cmp.Or(m.AWS, "–"), help)
	}
	b.WriteString("\nBeside them the usual `go_*` and `process_*` of Prometheus's Go client.\n\n## AWS's other metrics\n\n| AWS's name | here |\n| --- | --- |\n")
	elsewhere := admin.Elsewhere()
	for _, name := range slices.Sorted(maps.Keys(elsewhere)) {
		fmt.Fprintf(&b, "| %s | %s |\n", name, elsewhere[name])
	}
	return b.String()
}
