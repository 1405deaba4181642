package lambda

import (
	"slices"
	"time"

	"gantry/mapping"
)

// destinationPattern is AWS's. An empty text removes the destination.
var destinationPattern = whole(`$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)`)

// mappingOptions are the members that creation and update share. A nil member was not
// given: creation takes the default, an update keeps what is there.
type mappingOptions struct {
	Enabled                        *bool              `json:"Enabled"`
	BatchSize                      *int               `json:"BatchSize"`
	MaximumBatchingWindowInSeconds *int               `json:"MaximumBatchingWindowInSeconds"`
	FilterCriteria                 *filterCriteria    `json:"FilterCriteria"`
	DestinationConfig              *destinationConfig `json:"DestinationConfig"`
	MaximumRetryAttempts           *int               `json:"MaximumRetryAttempts"`
	MaximumRecordAgeInSeconds      *int               `json:"MaximumRecordAgeInSeconds"`
	BisectBatchOnFunctionError     *bool              `json:"BisectBatchOnFunctionError"`
	FunctionResponseTypes          *[]string          `json:"FunctionResponseTypes"`
	ProvisionedPollerConfig        *pollerConfig      `json:"ProvisionedPollerConfig"`
	SourceAccessConfigurations     *[]accessShape     `json:"SourceAccessConfigurations"`
	LoggingConfig                  *loggingConfig     `json:"LoggingConfig"`
	MetricsConfig                  *metricsConfig     `json:"MetricsConfig"`
}

// optionFaults checks everything that can be checked without the mapping it is for.
func (s *Server) optionFaults(o *mappingOptions, f *faults) {
	f.number("batchSize", o.BatchSize, 1, mapping.MaxBatchSize)
	f.number("maximumBatchingWindowInSeconds", o.MaximumBatchingWindowInSeconds, 0, int(mapping.MaxWindow/time.Second))
	f.number("maximumRetryAttempts", o.MaximumRetryAttempts, mapping.Endless, mapping.MaxRetryAttempts)
	ageFaults(o.MaximumRecordAgeInSeconds, f)
	if o.FunctionResponseTypes != nil {
		f.count("functionResponseTypes", *o.FunctionResponseTypes, len(*o.FunctionResponseTypes), 0, 1)
		for _, kind := range *o.FunctionResponseTypes {
			f.text("functionResponseTypes.1.member", &kind, oneOf(mapping.ReportBatchItemFailures))
		}
	}
	watchFaults(o, f)
	pollerFaults(o.ProvisionedPollerConfig, f)
	s.filterFaults(o.FilterCriteria, f)
	destinationFaults(o.DestinationConfig, f)
	if o.SourceAccessConfigurations != nil {
		s.accessFaults(*o.SourceAccessConfigurations, f)
	}
}

// watchFaults checks what is said of event logs and metrics.
func watchFaults(o *mappingOptions, f *faults) {
	if l := o.LoggingConfig; l != nil && l.SystemLogLevel != nil {
		f.text("loggingConfig.systemLogLevel", l.SystemLogLevel, oneOf(mapping.LogDebug, mapping.LogInfo, mapping.LogWarn))
	}
	if m := o.MetricsConfig; m != nil {
		f.count("metricsConfig.metrics", m.Metrics, len(m.Metrics), 0, 3)
		for _, group := range m.Metrics {
			f.text("metricsConfig.metrics.1.member", &group, oneOf("EventCount", "ErrorCount", "KafkaMetrics"))
		}
	}
}

func ageFaults(age *int, f *faults) {
	const least, most = int(mapping.MinRecordAge / time.Second), int(mapping.MaxRecordAge / time.Second)
	f.number("maximumRecordAgeInSeconds", age, mapping.Endless, most)
	if age != nil && *age >= 0 && *age < least {
		f.refuse("MaximumRecordAgeInSeconds: %d is not within %d..%d and not %d (no limit)", *age, least, most, mapping.Endless)
	}
}

func pollerFaults(p *pollerConfig, f *faults) {
	if p == nil {
		return
	}
	f.number("provisionedPollerConfig.minimumPollers", p.MinimumPollers, 1, mapping.MaxMinimumPollers)
	f.number("provisionedPollerConfig.maximumPollers", p.MaximumPollers, 1, 10_000)
	if p.MaximumPollers != nil && *p.MaximumPollers > mapping.MaxMaximumPollers {
		f.refuse("ProvisionedPollerConfig.MaximumPollers: %d is more than the %d of a Kafka event source", *p.MaximumPollers, mapping.MaxMaximumPollers)
	}
	if pollers := p.pollers(); pollers != nil && pollers.Maximum < pollers.Minimum {
		f.refuse("ProvisionedPollerConfig: MaximumPollers %d is less than MinimumPollers %d", pollers.Maximum, pollers.Minimum)
	}
}

// pollers gives the configuration with its defaults; {} means on-demand mode.
func (p *pollerConfig) pollers() *mapping.Pollers {
	if p == nil || p.MinimumPollers == nil && p.MaximumPollers == nil {
		return nil
	}
	pollers := &mapping.Pollers{Minimum: 1, Maximum: mapping.DefaultMaximumPollers}
	if p.MinimumPollers != nil {
		pollers.Minimum = *p.MinimumPollers
	}
	if p.MaximumPollers != nil {
		pollers.Maximum = *p.MaximumPollers
	}
	return pollers
}

func (s *Server) filterFaults(c *filterCriteria, f *faults) {
	if c == nil {
		return
	}
	if len(c.Filters) > mapping.MaxFilters {
		f.refuse("FilterCriteria: %d filters are more than the %d a mapping may have", len(c.Filters), mapping.MaxFilters)
	}
	for i, filter := range c.Filters {
		f.text(member("filterCriteria.filters", i, "pattern"), filter.Pattern, length(0, mapping.MaxPatternLen))
		text := c.Filters[i].text()
		if err := s.cfg.Pattern(text); err != nil && len(text) <= mapping.MaxPatternLen {
			f.refuse("Invalid filter pattern definition. (filter %d: %v)", i+1, err)
		}
	}
}

// text gives the pattern; a filter without one is the empty pattern, which nothing passes.
func (p filterShape) text() string {
	if p.Pattern == nil {
		return ""
	}
	return *p.Pattern
}

func destinationFaults(d *destinationConfig, f *faults) {
	if d == nil {
		return
	}
	if d.OnSuccess != nil && d.OnSuccess.Destination != nil && *d.OnSuccess.Destination != "" {
		f.refuse("Unsupported DestinationConfig parameter for given event source mapping type.")
	}
	if d.OnFailure == nil || d.OnFailure.Destination == nil {
		return
	}
	text := *d.OnFailure.Destination
	f.text("destinationConfig.onFailure.destination", &text, length(0, 350), pattern(destinationPattern))
	if _, err := mapping.ParseDestination(text); err != nil && destinationPattern.MatchString(text) {
		f.refuse("DestinationConfig.OnFailure.Destination: %v", err)
	}
}

// putInto writes what was given into a mapping; the rest of it stays as it is.
func (o *mappingOptions) putInto(m *mapping.Mapping) {
	set(&m.Enabled, o.Enabled)
	if m.Enabled { // its owner takes it back
		m.HandedOver = nil
	}
	set(&m.BatchSize, o.BatchSize)
	set(&m.RetryAttempts, o.MaximumRetryAttempts)
	set(&m.Bisect, o.BisectBatchOnFunctionError)
	if n := o.MaximumBatchingWindowInSeconds; n != nil {
		window := time.Duration(*n) * time.Second
		m.Window = &window
	}
	if n := o.MaximumRecordAgeInSeconds; n != nil {
		m.RecordAge = recordAge(*n)
	}
	if o.FunctionResponseTypes != nil {
		m.PartialAnswers = slices.Contains(*o.FunctionResponseTypes, mapping.ReportBatchItemFailures)
	}
	if o.ProvisionedPollerConfig != nil {
		m.Pollers = o.ProvisionedPollerConfig.pollers()
	}
	if l := o.LoggingConfig; l != nil {
		m.SystemLogLevel = ""
		set(&m.SystemLogLevel, l.SystemLogLevel)
	}
	if o.MetricsConfig != nil {
		m.Metrics = o.MetricsConfig.Metrics
	}
	if d := o.DestinationConfig; d != nil {
		m.OnFailure = d.onFailure()
	}
	if o.SourceAccessConfigurations != nil {
		m.Source.Access = accessOf(*o.SourceAccessConfigurations)
	}
	if o.FilterCriteria != nil && len(m.Functions) > 0 {
		m.Functions[0].Filters = o.FilterCriteria.patterns()
	}
}

func (d *destinationConfig) onFailure() string {
	if d.OnFailure == nil || d.OnFailure.Destination == nil {
		return ""
	}
	return *d.OnFailure.Destination
}

func (c *filterCriteria) patterns() []string {
	var patterns []string
	for _, filter := range c.Filters {
		patterns = append(patterns, filter.text())
	}
	return patterns
}

func recordAge(seconds int) time.Duration {
	if seconds < 0 {
		return mapping.Endless
	}
	return time.Duration(seconds) * time.Second
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}
