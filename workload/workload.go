// Package workload holds the words for what was measured of a cluster before anything is
// moved: topics with their rates, sizes and keys, consumer groups with their members and
// positions. A Survey is facts only; what follows from them (a verdict, a price, an order of
// moving) is made of it by migrate/assess. It imports the standard library only.
package workload

import "time"

// Survey is one reading of a cluster.
type Survey struct {
	Cluster   string         `json:"cluster"`             // its name in clusters:
	ClusterID string         `json:"clusterId,omitempty"` // Kafka's own
	Began     time.Time      `json:"began"`
	Ended     time.Time      `json:"ended"`
	Quick     bool           `json:"quick,omitempty"` // offsets, groups and hourly buckets only
	Requests  map[string]int `json:"requests"`        // what was asked of the brokers, by Kafka's name of the request
	BytesRead int64          `json:"bytesRead"`       // that the brokers sent
	Topics    []Topic        `json:"topics"`          // by name
	Groups    []Group        `json:"groups"`          // by id
	Caveats   []string       `json:"caveats,omitempty"`
}

// Topic is one topic and what flows through it.
type Topic struct {
	Name           string        `json:"name"`
	ID             string        `json:"id,omitempty"`
	Internal       bool          `json:"internal,omitempty"`
	Partitions     []Partition   `json:"partitions"`
	Replicas       int           `json:"replicas"`
	Compacted      bool          `json:"compacted,omitempty"`
	Retention      time.Duration `json:"retentionNs"` // -1 = for ever
	LogAppendTime  bool          `json:"logAppendTime,omitempty"`
	DiskBytes      int64         `json:"diskBytes,omitempty"` // of the leaders; 0 = not asked or not allowed
	ActiveWriters  int           `json:"activeWriters,omitempty"`
	Transactional  bool          `json:"transactional,omitempty"` // some batches belong to transactions
	Rate           Series        `json:"rate"`                    // records, all partitions together
	Sample         *Sample       `json:"sample,omitempty"`        // nil = no records were read
	HeaderNames    []string      `json:"headerNames,omitempty"`   // seen in the sample
	TimestampsSane bool          `json:"timestampsSane"`          // rates from timestamps can be trusted
}

// Partition is one partition with its log's ends.
type Partition struct {
	ID    int32  `json:"id"`
	Start int64  `json:"start"`
	End   int64  `json:"end"`
	Rate  Series `json:"rate"`
}

// Series counts records in buckets of time that follow each other without a gap.
type Series struct {
	From   time.Time     `json:"from"`
	Width  time.Duration `json:"widthNs"`
	Counts []float64     `json:"counts"`
}

// Sample is what some records of a topic show.
type Sample struct {
	Records      int        `json:"records"`
	MeanBytes    float64    `json:"meanBytes"` // key and value, as they are after decompression
	P50Bytes     int        `json:"p50Bytes"`
	P99Bytes     int        `json:"p99Bytes"`
	MaxBytes     int        `json:"maxBytes"`
	Compression  string     `json:"compression,omitempty"` // of the batches: none, gzip, snappy, lz4, zstd, mixed
	Ratio        float64    `json:"compressionRatio,omitempty"`
	Keyed        float64    `json:"keyed"`        // share of records with a key, 0 to 1
	DistinctKeys int        `json:"distinctKeys"` // within the sample
	TopKeys      []KeyShare `json:"topKeys,omitempty"`
	Gini         float64    `json:"gini"`           // of records over keys: 0 even, 1 all on one
	Gaps         *Gaps      `json:"gaps,omitempty"` // between records that follow each other
}

// KeyShare is one of the most frequent keys.
type KeyShare struct {
	Key   string  `json:"key"` // a hash of it, unless its owner wants to see keys
	Share float64 `json:"share"`
}

// Gaps are the times between records, in seconds: what a burstiness is made of.
type Gaps struct {
	Count int     `json:"count"`
	Mean  float64 `json:"meanS"`
	Std   float64 `json:"stdS"`
}

// Class says what reads by a group, as far as Kafka shows it.
type Class string

// The classes. Only plain consumers may be shadowed, joined or fenced.
const (
	Plain   Class = "plain consumer"
	Streams Class = "Kafka Streams"
	Connect Class = "Kafka Connect"
	Share   Class = "share group"
	Manual  Class = "no members but moving commits" // partitions assigned by hand
	Outside Class = "offsets outside Kafka"         // members that never commit
	Idle    Class = "nobody"                        // no members, and commits do not move
	Unknown Class = "unknown"
)

// Group is one consumer group.
type Group struct {
	ID        string     `json:"id"`
	Type      string     `json:"type"`     // classic, consumer (KIP-848), share, as ListGroups says; "" before Kafka 3.8: classic
	State     string     `json:"state"`    // Stable, Empty, …
	Protocol  string     `json:"protocol"` // consumer, connect, …: the protocol type
	Assignor  string     `json:"assignor"` // range, cooperative-sticky, uniform, …
	Class     Class      `json:"class"`
	Why       string     `json:"why"` // the evidence for the class
	Members   []Member   `json:"members"`
	Topics    []string   `json:"topics"` // committed or assigned
	Positions []Position `json:"positions"`
	Lag       int64      `json:"lag"`               // records, all partitions
	LagTime   Duration   `json:"lagTime"`           // age of the oldest record not committed past
	Commits   *Cadence   `json:"commits,omitempty"` // nil = positions were read once only
}

// Duration is a time that may be unknown.
type Duration struct {
	Known bool          `json:"known"`
	Value time.Duration `json:"ns"`
}

// Member is one member of a group.
type Member struct {
	ID         string             `json:"id"`
	InstanceID string             `json:"instanceId,omitempty"` // of a static member
	ClientID   string             `json:"clientId"`
	Host       string             `json:"host"`
	Assigned   map[string][]int32 `json:"assigned,omitempty"`
}

// Position is where a group stands in one partition.
type Position struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Committed int64  `json:"committed"` // -1 = never
	Start     int64  `json:"start"`
	End       int64  `json:"end"`
	Metadata  string `json:"metadata,omitempty"`
}

// Cadence is how commits move while they are watched.
type Cadence struct {
	Watched  time.Duration `json:"watchedNs"`
	Interval time.Duration `json:"intervalNs"` // median time between two moves of a partition; 0 = none moved twice
	Step     float64       `json:"step"`       // median records a move
	Rate     float64       `json:"rate"`       // records committed per second, all partitions
	Drain    float64       `json:"drain"`      // the highest such rate while there was lag: what the service can do
}
