package export

import (
	"maps"
	"slices"

	"github.com/goccy/go-yaml"

	"gantry/mapping"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// source writes an event source mapping.
func (d *document) source(s *sourcePart) resource {
	r := resource{id: pascal(s.id), kind: "AWS::Lambda::EventSourceMapping", notes: s.notes}
	for _, id := range s.waits {
		if d.there(id) {
			r.waits = append(r.waits, pascal(id))
		}
	}
	set := func(name string, value any) { r.properties = append(r.properties, pair(name, value)) }
	set("FunctionName", d.value(s.function))
	set("Enabled", d.value(value{kind: parameterOf, text: "enabled"}))
	group := yaml.MapSlice{pair("ConsumerGroupId", s.group)}
	if s.arn != "" {
		set("EventSourceArn", s.arn)
		set("AmazonManagedKafkaEventSourceConfig", group)
	} else {
		set("SelfManagedEventSource", yaml.MapSlice{pair("Endpoints", yaml.MapSlice{pair("KafkaBootstrapServers", s.bootstrap)})})
		set("SelfManagedKafkaEventSourceConfig", group)
	}
	set("Topics", s.m.Source.Topics[:1])
	if len(s.access) > 0 {
		set("SourceAccessConfigurations", d.access(s))
	}
	set("StartingPosition", string(s.m.Start))
	if s.m.Start == mapping.AtTimestamp {
		set("StartingPositionTimestamp", s.at())
	}
	d.batching(s, set)
	d.errors(s, set)
	if len(s.m.Metrics) > 0 {
		set("MetricsConfig", yaml.MapSlice{pair("Metrics", s.m.Metrics)})
	}
	if s.m.SystemLogLevel != "" {
		set("LoggingConfig", yaml.MapSlice{pair("SystemLogLevel", s.m.SystemLogLevel)})
	}
	if tags := s.tags(); len(tags) > 0 {
		var list []yaml.MapSlice
		for _, key := range sortedKeys(tags) {
			list = append(list, yaml.MapSlice{pair("Key", key), pair("Value", tags[key])})
		}
		set("Tags", list)
	}
	return r
}

// there says whether a role became a resource.
func (d *document) there(id string) bool {
	return slices.ContainsFunc(d.b.roles, func(r *rolePart) bool { return r.id == id && (r.own || len(r.grants) > 0) })
}

func (d *document) access(s *sourcePart) []yaml.MapSlice {
	var out []yaml.MapSlice
	for _, a := range s.access {
		entry := yaml.MapSlice{pair("Type", a.kind)}
		if a.uri != nil {
			entry = append(entry, pair("URI", d.value(*a.uri)))
		}
		out = append(out, entry)
	}
	return out
}

func (d *document) batching(s *sourcePart, set func(string, any)) {
	set("BatchSize", s.m.BatchSize)
	if s.m.Window != nil {
		set("MaximumBatchingWindowInSeconds", seconds(*s.m.Window))
	}
	if len(s.filters) > 0 {
		var list []yaml.MapSlice
		for _, pattern := range s.filters {
			list = append(list, yaml.MapSlice{pair("Pattern", pattern)})
		}
		set("FilterCriteria", yaml.MapSlice{pair("Filters", list)})
	}
}

func (d *document) errors(s *sourcePart, set func(string, any)) {
	m := s.m
	if m.RetryAttempts != mapping.Endless {
		set("MaximumRetryAttempts", m.RetryAttempts)
	}
	if m.RecordAge > 0 {
		set("MaximumRecordAgeInSeconds", seconds(m.RecordAge))
	}
	if m.Bisect {
		set("BisectBatchOnFunctionError", true)
	}
	if m.PartialAnswers {
		set("FunctionResponseTypes", []string{mapping.ReportBatchItemFailures})
	}
	if m.OnFailure != "" {
		set("DestinationConfig", yaml.MapSlice{pair("OnFailure", yaml.MapSlice{pair("Destination", m.OnFailure)})})
	}
	if p := s.pollers; p != nil {
		set("ProvisionedPollerConfig", yaml.MapSlice{pair("MinimumPollers", p.Minimum), pair("MaximumPollers", p.Maximum)})
	}
}

// tags are the mapping's own; those that are options of gantry say nothing to AWS.
func (s *sourcePart) tags() map[string]string {
	out := maps.Clone(s.m.Tags)
	maps.DeleteFunc(out, func(key, _ string) bool { return mapping.IsOption(key) })
	return out
}
