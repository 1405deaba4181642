package admin

import (
	"context"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gantry/cloud"
	"gantry/engine"
	"gantry/engine/async"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/produce"
)

// Observer is what a scrape looks at. Safe for use by many goroutines.
type Observer interface {
	Running() []engine.Running
	Observed() []engine.Observed
	Functions() []engine.FunctionUse
	Asynchronous() []async.Stats
	Headroom(uuid string) []engine.Headroom
	Lags(ctx context.Context) map[string]engine.Lag
}

// metric is one family of /metrics and how it is read from a T. The tables of metrics are
// docs/metrics.md as well.
type metric[T any] struct {
	aws  string // AWS's name for it, where AWS has it
	name string
	help string
	kind prometheus.ValueType
	read func(T) float64
}

// The labels of the families, by what they are about.
var (
	mappingLabels   = []string{"mapping", "name", "function", "topic"}
	partitionLabels = append(slices.Clone(mappingLabels), "partition")
	stateLabels     = append(slices.Clone(mappingLabels), "state")
	problemLabels   = append(slices.Clone(mappingLabels), "problem")
	functionLabels  = []string{"function", "kind"}
	asyncLabels     = []string{"function"}
	buildLabels     = []string{"version"}
)

// emit sends the families of a table about one thing.
func emit[T any](out chan<- prometheus.Metric, table []metric[T], names []string, of T, labels ...string) {
	for _, m := range table {
		desc := prometheus.NewDesc(m.name, m.help, names, nil)
		out <- prometheus.MustNewConstMetric(desc, m.kind, m.read(of), labels...)
	}
}

// collector reads the engine when it is scraped.
type collector struct {
	ctx     context.Context
	engine  Observer
	version string
	aws     []cloud.Identity
	uses    []*produce.Use
}

// Describe implements prometheus.Collector: what there is shows at the scrape.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	emit(out, buildMetrics, buildLabels, struct{}{}, c.version)
	for _, i := range c.aws {
		emit(out, awsMetrics, identityLabels, i, i.Name)
	}
	for _, u := range c.uses {
		emit(out, produceMetrics, produceLabels, u, u.Function)
	}
	lags := c.engine.Lags(c.ctx)
	for _, r := range c.engine.Running() {
		labels := labelsOf(r.UUID, r.Mapping)
		c.counts(out, r, labels)
		emit(out, mappingGauges, mappingLabels, r, labels...)
		if r.Mapping.Pollers != nil {
			emit(out, pollerMetrics, mappingLabels, r, labels...)
		}
		if lag, ok := lags[r.UUID]; ok {
			emit(out, lagMetrics, mappingLabels, lag, labels...)
		}
		for _, l := range r.Snapshot.Lanes {
			c.standing(out, r, l, labels)
		}
		for _, h := range c.engine.Headroom(r.UUID) {
			emit(out, headroomMetrics, partitionLabels, h, labels[0], labels[1], labels[2], h.Partition.Topic, h.Partition.String())
		}
	}
	for _, o := range c.engine.Observed() {
		labels := labelsOf(o.UUID, o.Mapping)
		emit(out, stateMetrics, stateLabels, o, append(slices.Clone(labels), string(o.Status.State))...)
		if problem := problemOf(o.Status); problem != "" {
			emit(out, problemMetrics, problemLabels, o, append(labels, problem)...)
		}
	}
	for _, f := range c.engine.Functions() {
		c.function(out, f)
	}
	for _, b := range c.engine.Asynchronous() {
		emit(out, asyncMetrics, asyncLabels, b, b.Function)
	}
}

func (c collector) function(out chan<- prometheus.Metric, f engine.FunctionUse) {
	labels := []string{f.Name, string(f.Kind)}
	emit(out, functionMetrics, functionLabels, f, labels...)
	atMost, sum := f.Counts.Durations()
	desc := prometheus.NewDesc(durationMetric.name, durationMetric.help, functionLabels, nil)
	count := uint64(0)
	for _, n := range atMost {
		count = max(count, n)
	}
	out <- prometheus.MustNewConstHistogram(desc, max(count, uint64(f.Counts.Invocations.Load())), sum.Seconds(), atMost, labels...)
	if f.Pool != nil {
		emit(out, poolMetrics, functionLabels, *f.Pool, labels...)
	}
}

func labelsOf(uuid string, m mapping.Mapping) []string {
	return []string{uuid, m.Name, functionsIn(m), m.Source.TopicNames()}
}

// counts are a mapping's counters. What is counted of a function bears its name where there
// are several; what is counted of the mapping bears all of them.
func (c collector) counts(out chan<- prometheus.Metric, r engine.Running, labels []string) {
	if len(r.Snapshot.Functions) < 2 {
		emit(out, mappingCounters, mappingLabels, r.Counts, labels...)
		return
	}
	ofOne := functionCounters()
	ofAll := slices.DeleteFunc(slices.Clone(mappingCounters), func(m metric[*pipeline.Counts]) bool {
		return slices.ContainsFunc(ofOne, func(f metric[*pipeline.Counts]) bool { return f.name == m.name })
	})
	emit(out, ofAll, mappingLabels, r.Counts, labels...)
	for _, f := range r.Snapshot.Functions {
		emit(out, ofOne, mappingLabels, f.Counts, labels[0], labels[1], f.Name, labels[3])
	}
}

// standing are the metrics of a partition's lanes that stand: of each function the one that
// stands on the lowest offset.
func (c collector) standing(out chan<- prometheus.Metric, r engine.Running, l pipeline.LaneSnapshot, labels []string) {
	if !stands(l) {
		return
	}
	seen := map[string]bool{}
	for _, one := range l.ByStand() {
		name := labels[2]
		if len(r.Snapshot.Functions) > 1 && len(one.Stands) > 0 {
			name = one.Stands[0].Function
		}
		if !one.Since.IsZero() && !seen[name] {
			seen[name] = true
			emit(out, laneMetrics, partitionLabels, one, labels[0], labels[1], name, l.Partition.Topic, l.Partition.String())
		}
	}
}

// stands says that a lane does not get on: a record of it fails, or it waits for its owner.
func stands(l pipeline.LaneSnapshot) bool { return l.Blocked != "" || !l.Since.IsZero() }

// Metrics answers a scrape of Prometheus. identities gives the credentials for AWS, uses
// what functions wrote; nil = there are none.
func Metrics(e Observer, version string, identities func() []cloud.Identity, uses func() []*produce.Use) http.Handler {
	if identities == nil {
		identities = func() []cloud.Identity { return nil }
	}
	if uses == nil {
		uses = func() []*produce.Use { return nil }
	}
	process := collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})
	runtime := collectors.NewGoCollector()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		registry := prometheus.NewRegistry()
		registry.MustRegister(collector{r.Context(), e, version, identities(), uses()}, runtime, process)
		promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	})
}
