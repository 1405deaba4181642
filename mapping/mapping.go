// Package mapping holds the words for an event source mapping: gantry's own model of
// it, its states, its defaults and limits. The AWS shapes of the same thing are made
// by api/lambda, the YAML shapes by cmd/gantry. It imports the standard library only.
package mapping

import (
	"slices"
	"time"
)

// Start says where a group without a committed offset begins to read.
type Start string

// The starting positions, named as AWS names them.
const (
	TrimHorizon Start = "TRIM_HORIZON" // the oldest record still kept
	Latest      Start = "LATEST"       // behind the newest record
	AtTimestamp Start = "AT_TIMESTAMP" // the first record at or after Mapping.StartTime
)

// Defaults and limits, from AWS's model of CreateEventSourceMapping unless noted.
const (
	DefaultBatchSize        = 100
	MaxBatchSize            = 10_000
	DefaultWindow           = 500 * time.Millisecond // when the window was never set
	MaxWindow               = 300 * time.Second
	Endless                 = -1 // MaximumRetryAttempts and MaximumRecordAge
	MaxRetryAttempts        = 10_000
	MinRecordAge            = 60 * time.Second
	MaxRecordAge            = 604_800 * time.Second
	RetriesWithDestination  = 10 // endless attempts with a destination (kafka-retry-configurations)
	MaxFilters              = 10 // on request; AWS's default quota is 5
	MaxPatternLen           = 4096
	MaxFunctions            = 20 // of one mapping: gantry's own
	MaxMinimumPollers       = 200
	MaxMaximumPollers       = 2000
	DefaultMaximumPollers   = 200
	InvocationsPerPoller    = 5
	MaxGroupIDLen           = 200
	DefaultSessionTimeout   = 45 * time.Second // gantry's own, see docs/architecture.md
	DefaultHeartbeat        = 10 * time.Second
	ReportBatchItemFailures = "ReportBatchItemFailures"
)

// The levels of a mapping's event log (LoggingConfig.SystemLogLevel).
const (
	LogDebug = "DEBUG"
	LogInfo  = "INFO"
	LogWarn  = "WARN"
)

// Mapping is one event source mapping as its owner declared it.
type Mapping struct {
	UUID string // the identity; a v5 UUID of the name for a mapping declared in a file
	Name string // its name in the file, empty for one made by the API

	Source    Source
	Functions []Consumer // one, or up to MaxFunctions of different names
	Enabled   bool
	// HandedOver says who has the group, where the mapping gave it away: it stays off until
	// its owner resumes it, whatever its file says.
	HandedOver *HandedOver `json:",omitempty"`

	GroupID   string
	Start     Start
	StartTime time.Time // for AtTimestamp

	BatchSize int
	Window    *time.Duration // nil = never set: DefaultWindow, and AWS's Get shows no member

	RetryAttempts  int           // 0…MaxRetryAttempts, Endless
	RecordAge      time.Duration // MinRecordAge…MaxRecordAge, Endless (-1 ns) = no limit
	Bisect         bool
	PartialAnswers bool   // ReportBatchItemFailures
	OnFailure      string // "" or kafka://TOPIC

	Pollers *Pollers // nil = on-demand

	// Beyond AWS, opt-in.
	Surroundings           *Surroundings `json:",omitempty"` // of the functions' processes; nil = as they are declared
	Output                 *Output       // the function's answers become records; nil = they do not
	OversizeDrop           bool          // a record over the payload limit without destination is given up
	DestinationFailureDrop bool          // a dead letter that can't be delivered is given up
	ReadUncommitted        bool          // isolation: read_uncommitted
	SessionTimeout         time.Duration // 0 = DefaultSessionTimeout
	Lanes                  Lanes         // more than one lane a partition

	SystemLogLevel string   // LoggingConfig: "" = no event log, else LogDebug, LogInfo or LogWarn
	Metrics        []string // MetricsConfig: stored and shown; every metric is there anyway

	// Positions is the starting position resolved once at creation: the offset each
	// partition begins at. It also restores a group whose offsets expired.
	Positions map[string]map[int32]int64
	TopicIDs  map[string]string // topic → its id when the mapping was made, to notice a recreated topic

	Tags         map[string]string
	LastModified time.Time
	Declared     bool   // comes from a file
	File         string // the file's base name: what leaves this file is paused or pruned
	Deleting     bool   // its owner deleted it: the engine stops it and then removes it
}

// Source says which cluster and topics a mapping reads, and as whom.
type Source struct {
	Cluster        string   // a name in clusters:, "" when the mapping names its brokers
	ARN            string   // EventSourceArn: an MSK cluster ARN that is a name in clusters:
	Bootstrap      []string // host:port, as given; shown to functions as bootstrapServers
	Topics         []string // one, or several of different names
	Access         []Access
	Networks       []string // entries of networks: (YAML only; AWS's way are the VPC types of Access)
	AllowPlaintext bool     // no TLS to brokers that are not on loopback (YAML only)
}

// The kinds of event source, as an event names them.
const (
	SelfManagedType = "SelfManagedKafka" // a self-managed cluster
	MSKType         = "aws:kafka"        // MSK
)

// HandedOver is a hand-over of a mapping's group to an event source mapping in AWS.
type HandedOver struct {
	To string    // UUID of the mapping in AWS
	At time.Time // when it stopped here
}

// String says it to people.
func (h HandedOver) String() string {
	return "handed over to mapping " + h.To + " in AWS at " + h.At.UTC().Format(time.RFC3339)
}

// Consumer is one function of a mapping with the filters that choose its records.
type Consumer struct {
	Function  string   // name, as in the function store
	Qualifier string   // "" or $LATEST
	Filters   []string // patterns, ORed; none = every record
}

// Names are those of the functions.
func (m *Mapping) Names() []string {
	out := make([]string, len(m.Functions))
	for i, c := range m.Functions {
		out[i] = c.Function
	}
	return out
}

// Uses says whether one of the functions has a name.
func (m *Mapping) Uses(function string) bool { return slices.Contains(m.Names(), function) }

// Several says whether the mapping has more than one function.
func (m *Mapping) Several() bool { return len(m.Functions) > 1 }

// Pollers is ProvisionedPollerConfig: here a limit of concurrent invocations.
type Pollers struct {
	Minimum int
	Maximum int
}

// Concurrency is the largest number of invocations in flight: pollers × 5, or 0 where
// only the function limits it.
func (m *Mapping) Concurrency() int {
	if m.Pollers == nil {
		return 0
	}
	return m.Pollers.Maximum * InvocationsPerPoller
}

// BatchWindow is the window in force.
func (m *Mapping) BatchWindow() time.Duration {
	if m.Window == nil {
		return DefaultWindow
	}
	return *m.Window
}

// Attempts is the number of retries in force: endless attempts with a destination are
// capped, as AWS caps them.
func (m *Mapping) Attempts() int {
	if m.RetryAttempts == Endless && m.OnFailure != "" {
		return RetriesWithDestination
	}
	return m.RetryAttempts
}
