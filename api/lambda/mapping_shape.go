package lambda

import (
	"time"

	"gantry/mapping"
)

// bootstrapKey is the only key of SelfManagedEventSource.Endpoints.
const bootstrapKey = "KAFKA_BOOTSTRAP_SERVERS"

// mappingShape is EventSourceMappingConfiguration: a mapping as AWS shows it.
type mappingShape struct {
	UUID                                string             `json:"UUID"`
	EventSourceMappingArn               string             `json:"EventSourceMappingArn"`
	FunctionArn                         string             `json:"FunctionArn"`
	EventSourceArn                      string             `json:"EventSourceArn,omitempty"`
	SelfManagedEventSource              *selfManagedSource `json:"SelfManagedEventSource,omitempty"`
	Topics                              []string           `json:"Topics"`
	StartingPosition                    string             `json:"StartingPosition,omitempty"`
	StartingPositionTimestamp           *epoch             `json:"StartingPositionTimestamp,omitempty"`
	BatchSize                           int                `json:"BatchSize"`
	MaximumBatchingWindowInSeconds      *int               `json:"MaximumBatchingWindowInSeconds,omitempty"`
	FilterCriteria                      *filterCriteria    `json:"FilterCriteria,omitempty"`
	SourceAccessConfigurations          []accessShape      `json:"SourceAccessConfigurations,omitempty"`
	SelfManagedKafkaEventSourceConfig   *kafkaSourceConfig `json:"SelfManagedKafkaEventSourceConfig,omitempty"`
	AmazonManagedKafkaEventSourceConfig *kafkaSourceConfig `json:"AmazonManagedKafkaEventSourceConfig,omitempty"`
	DestinationConfig                   *destinationConfig `json:"DestinationConfig,omitempty"`
	MaximumRetryAttempts                int                `json:"MaximumRetryAttempts"`
	MaximumRecordAgeInSeconds           int                `json:"MaximumRecordAgeInSeconds"`
	BisectBatchOnFunctionError          bool               `json:"BisectBatchOnFunctionError"`
	FunctionResponseTypes               []string           `json:"FunctionResponseTypes"`
	ProvisionedPollerConfig             *pollerConfig      `json:"ProvisionedPollerConfig,omitempty"`
	LoggingConfig                       *loggingConfig     `json:"LoggingConfig,omitempty"`
	MetricsConfig                       *metricsConfig     `json:"MetricsConfig,omitempty"`
	LastModified                        epoch              `json:"LastModified"`
	State                               mapping.State      `json:"State"`
	StateTransitionReason               string             `json:"StateTransitionReason"`
	LastProcessingResult                string             `json:"LastProcessingResult"`
}

type selfManagedSource struct {
	Endpoints map[string][]string `json:"Endpoints"`
}

type filterCriteria struct {
	Filters []filterShape `json:"Filters"`
}

type filterShape struct {
	Pattern *string `json:"Pattern"`
}

type accessShape struct {
	Type *string `json:"Type,omitempty"`
	URI  *string `json:"URI,omitempty"`
}

type kafkaSourceConfig struct {
	ConsumerGroupID *string `json:"ConsumerGroupId,omitempty"`
}

type destinationConfig struct {
	OnSuccess *destination `json:"OnSuccess,omitempty"`
	OnFailure *destination `json:"OnFailure,omitempty"`
}

type destination struct {
	Destination *string `json:"Destination,omitempty"`
}

type pollerConfig struct {
	MinimumPollers *int `json:"MinimumPollers,omitempty"`
	MaximumPollers *int `json:"MaximumPollers,omitempty"`
}

type loggingConfig struct {
	SystemLogLevel *string `json:"SystemLogLevel,omitempty"`
}

type metricsConfig struct {
	Metrics []string `json:"Metrics"`
}

// shapeOf shows a mapping in the state that the caller found it in or put it into.
func (s *Server) shapeOf(m *mapping.Mapping, status mapping.Status) *mappingShape {
	shape := &mappingShape{
		UUID: m.UUID, EventSourceMappingArn: s.mappingARN(m.UUID), Topics: m.Source.Topics,
		StartingPosition: string(m.Start), BatchSize: m.BatchSize,
		MaximumRetryAttempts: m.RetryAttempts, MaximumRecordAgeInSeconds: ageSeconds(m.RecordAge),
		BisectBatchOnFunctionError: m.Bisect, FunctionResponseTypes: []string{},
		LastModified: epoch(m.LastModified), State: status.State,
		StateTransitionReason: orElse(status.Reason, mapping.UserInitiated),
		LastProcessingResult:  orElse(status.ProcessingResult, mapping.NoRecords),
	}
	s.showSource(shape, m)
	s.showConsumer(shape, m)
	showOptions(shape, m)
	return shape
}

func (s *Server) showSource(shape *mappingShape, m *mapping.Mapping) {
	group := &kafkaSourceConfig{ConsumerGroupID: &m.GroupID}
	if m.Source.ARN != "" {
		shape.EventSourceArn = m.Source.ARN
		shape.AmazonManagedKafkaEventSourceConfig = group
	} else {
		if len(m.Source.Bootstrap) > 0 {
			shape.SelfManagedEventSource = &selfManagedSource{Endpoints: map[string][]string{bootstrapKey: m.Source.Bootstrap}}
		}
		shape.SelfManagedKafkaEventSourceConfig = group
	}
	for _, a := range m.Source.Access {
		entry := accessShape{Type: &a.Type, URI: &a.URI}
		if a.URI == "" {
			entry.URI = nil
		}
		shape.SourceAccessConfigurations = append(shape.SourceAccessConfigurations, entry)
	}
	if m.Start == mapping.AtTimestamp {
		at := epoch(m.StartTime)
		shape.StartingPositionTimestamp = &at
	}
}

// showConsumer shows the function, of several the first with its filters: AWS's shape has
// room for one. A tag names them all (seenTags).
func (s *Server) showConsumer(shape *mappingShape, m *mapping.Mapping) {
	if len(m.Functions) == 0 {
		return
	}
	consumer := m.Functions[0]
	shape.FunctionArn = s.functionARN(consumer.Function, consumer.Qualifier)
	if len(consumer.Filters) > 0 {
		shape.FilterCriteria = &filterCriteria{}
		for _, p := range consumer.Filters {
			shape.FilterCriteria.Filters = append(shape.FilterCriteria.Filters, filterShape{Pattern: &p})
		}
	}
}

func showOptions(shape *mappingShape, m *mapping.Mapping) {
	if m.Window != nil {
		seconds := int(*m.Window / time.Second)
		shape.MaximumBatchingWindowInSeconds = &seconds
	}
	if m.PartialAnswers {
		shape.FunctionResponseTypes = append(shape.FunctionResponseTypes, mapping.ReportBatchItemFailures)
	}
	if m.OnFailure != "" {
		shape.DestinationConfig = &destinationConfig{OnFailure: &destination{Destination: &m.OnFailure}}
	}
	if m.SystemLogLevel != "" {
		shape.LoggingConfig = &loggingConfig{SystemLogLevel: &m.SystemLogLevel}
	}
	if len(m.Metrics) > 0 {
		shape.MetricsConfig = &metricsConfig{Metrics: m.Metrics}
	}
	if p := m.Pollers; p != nil {
		shape.ProvisionedPollerConfig = &pollerConfig{MinimumPollers: &p.Minimum, MaximumPollers: &p.Maximum}
	}
}

// ageSeconds shows "no limit" as -1, whatever fraction of a second stands for it.
func ageSeconds(age time.Duration) int {
	if age < 0 {
		return mapping.Endless
	}
	return int(age / time.Second)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
