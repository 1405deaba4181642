package engine

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"gantry/kafka"
	"gantry/mapping"
	"gantry/record"
)

// EventLog takes the documents that AWS writes about a mapping with LoggingConfig
// (Developer Guide, esm-logging). Safe for use by many goroutines.
type EventLog interface {
	// ARN is the mapping's.
	ARN(uuid string) string
	// Write puts a document beside the lines of the function, in a stream of its own.
	Write(function, stream string, at time.Time, document []byte)
}

// How often a mapping with LoggingConfig is looked at, and its partitions are written down.
const (
	eventsEvery     = 2 * time.Second
	partitionsEvery = time.Minute
)

// eventLog writes the documents of one running mapping. It lives from the level's being
// given until it changes or the mapping stops.
type eventLog struct {
	r     *running
	to    EventLog
	m     mapping.Mapping
	quit  chan struct{}
	ended sync.WaitGroup

	connected string // the last connection, as it was written
	reported  time.Time
}

// levels are AWS's, from the most talkative.
var levels = []string{mapping.LogDebug, mapping.LogInfo, mapping.LogWarn}

// says whether documents of a level are wanted.
func (l *eventLog) says(level string) bool {
	return slices.Index(levels, level) >= slices.Index(levels, l.m.SystemLogLevel)
}

// useEvents starts, changes or ends the event log of a mapping.
func (r *running) useEvents(m mapping.Mapping) {
	to := r.e.cfg.EventLog
	if old := r.events.Load(); old != nil {
		if old.m.SystemLogLevel == m.SystemLogLevel && slices.EqualFunc(old.m.Functions, m.Functions, sameName) {
			return
		}
		r.events.Store(nil)
		old.stop()
	}
	if to == nil || m.SystemLogLevel == "" {
		return
	}
	l := &eventLog{r: r, to: to, m: m, quit: make(chan struct{})}
	r.events.Store(l)
	if l.says(mapping.LogInfo) {
		l.ended.Go(l.follow)
	}
}

func sameName(a, b mapping.Consumer) bool { return a.Function == b.Function }

func (l *eventLog) stop() {
	close(l.quit)
	l.ended.Wait()
}

// follow looks at the mapping until it is told to stop.
func (l *eventLog) follow() {
	tick := time.NewTicker(eventsEvery)
	defer tick.Stop()
	for {
		l.connection()
		if l.says(mapping.LogDebug) && time.Since(l.reported) >= partitionsEvery {
			l.partitions()
		}
		select {
		case <-l.quit:
			return
		case <-tick.C:
		}
	}
}

// event is what AWS's documents have in common.
type event struct {
	Type      string `json:"eventType"`
	Timestamp int64  `json:"timestamp"` // Unix milliseconds
	Resource  string `json:"resourceArn"`
	Source    string `json:"eventSourceArn,omitempty"`
	Processor string `json:"eventProcessorId"`
	Level     string `json:"logLevel"`

	Error      *eventError      `json:"error,omitempty"`
	Connection *eventConnection `json:"kafkaEventSourceConnection,omitempty"`
	Offsets    *eventOffsets    `json:"kafkaPartitionOffsets,omitempty"`
}

type eventError struct {
	Message string `json:"errorMessage"`
	Code    string `json:"errorCode"` // the class Kafka's Java client has for it
}

type eventConnection struct {
	Brokers    string   `json:"brokerEndpoints"`
	Consumer   string   `json:"consumerId"`
	Topics     []string `json:"topics"`
	Group      string   `json:"consumerGroupId"`
	Security   string   `json:"securityProtocol"`
	Mechanism  string   `json:"saslMechanism,omitempty"`
	Total      int      `json:"totalPartitionCount"`
	Assigned   int      `json:"assignedPartitionCount"`
	Generation int32    `json:"partitionsAssignmentGeneration"`
	Partitions []string `json:"assignedPartitions"`
}

// eventOffsets are next-to-read, as Kafka's end offset is.
type eventOffsets struct {
	Partition string `json:"partition"`
	End       int64  `json:"endOffset"`
	Consumed  int64  `json:"consumedOffset"`
	Processed int64  `json:"processedOffset"`
	Committed int64  `json:"committedOffset"`
}

func (l *eventLog) write(kind, level string, fill func(*event)) {
	now := time.Now()
	e := event{
		Type: kind, Timestamp: now.UnixMilli(), Resource: l.to.ARN(l.m.UUID), Source: l.m.Source.ARN,
		Processor: l.m.UUID + "/0", Level: level,
	}
	fill(&e)
	document, err := json.Marshal(e)
	if err != nil {
		return // strings and numbers have a JSON form
	}
	for _, c := range l.m.Functions { // each has the whole story
		l.to.Write(c.Function, now.UTC().Format("2006/01/02")+"/"+l.m.UUID, now, document)
	}
}

// failed writes a poll or a commit that failed down.
func (r *running) failed(err error) {
	if l := r.events.Load(); l != nil {
		l.write("ESM_PROCESSING_EVENT", mapping.LogWarn, func(e *event) {
			e.Error = &eventError{Message: err.Error(), Code: kafka.JavaClass(err)}
		})
	}
}

// connection writes the membership down when it is another than before.
func (l *eventLog) connection() {
	snap := l.r.pipe.Snapshot()
	if !snap.Joined {
		return
	}
	c := eventConnection{
		Brokers: strings.Join(l.r.cluster.Brokers, ","), Topics: l.m.Source.Topics, Group: l.m.GroupID,
		Security: l.r.cluster.SecurityProtocol(), Mechanism: string(l.r.cluster.Mechanism), Partitions: []string{}, Assigned: len(snap.Lanes),
	}
	member := l.r.poller.Member()
	c.Consumer, c.Generation = member.ID, member.Generation
	for _, lane := range snap.Lanes {
		c.Partitions = append(c.Partitions, lane.Partition.String())
	}
	slices.Sort(c.Partitions)
	known, err := json.Marshal(c)
	if err != nil || string(known) == l.connected {
		return
	}
	l.connected = string(known)
	if ends, err := l.ends(); err == nil {
		c.Total = len(ends)
	}
	l.write("POLLER_STATUS_EVENT", mapping.LogInfo, func(e *event) { e.Connection = &c })
}

func (l *eventLog) ends() (map[record.Partition]int64, error) { return l.r.ends(lagTimeout) }

// partitions writes down where each partition stands.
func (l *eventLog) partitions() {
	snap := l.r.pipe.Snapshot()
	if !snap.Joined {
		return
	}
	ends, err := l.ends()
	if err != nil {
		return // the failing polls say why
	}
	l.reported = time.Now()
	for _, lane := range snap.Lanes {
		l.write("KAFKA_STATUS_EVENT", mapping.LogDebug, func(e *event) {
			e.Offsets = &eventOffsets{lane.Partition.String(), ends[lane.Partition], lane.Tail, lane.Resume, lane.Committed}
		})
	}
}
