// Package clustertest fills a Kafka with topics and groups of known shapes: what was
// written in which hour of the past, with which keys, and where each group stands. A test
// compares what a survey says with what was made.
//
// Build makes a whole cluster of them in one go. Join makes a single member of any kind:
// it joins by the requests alone and sends no heartbeats, so a hundred groups cost no
// goroutine; its session is long enough for a test.
package clustertest

import "time"

// Shape is how records come over time.
type Shape string

// The shapes.
const (
	Steady   Shape = "steady"   // the same in each hour
	Bursty   Shape = "bursty"   // one hour in six, within twenty seconds
	Idle     Shape = "idle"     // two hours of all of them
	Skewed   Shape = "skewed"   // steady, most of it with one key, in one partition
	Seasonal Shape = "seasonal" // Monday to Friday, 8 to 18 h UTC
)

// Shapes are all of them, in the order Build deals them out.
func Shapes() []Shape { return []Shape{Steady, Bursty, Idle, Skewed, Seasonal} }

// HotShare is the share of a skewed topic's records that have its one hot key.
const HotShare = 0.75

// HotKey is that key.
const HotKey = "hot"

// Kind is what a group is made to look like.
type Kind string

// The kinds.
const (
	Plain   Kind = "plain"   // a member of the consumer protocol that has committed
	Idler   Kind = "idle"    // positions and no members
	Streams Kind = "streams" // assignor and client id of Kafka Streams
	Connect Kind = "connect" // protocol type connect
	Sink    Kind = "sink"    // a sink connector's consumers
	Outside Kind = "outside" // a member that has never committed
	Manual  Kind = "manual"  // no members; Keep moves its positions
)

// Kinds are all of them, in the order Build deals them out.
func Kinds() []Kind {
	return []Kind{Plain, Plain, Plain, Idler, Streams, Plain, Connect, Outside, Plain, Manual, Sink, Plain}
}

// Spec says what Build makes. The zero value of everything but Topics and Groups is a
// week that ends with the last full hour.
type Spec struct {
	Topics, Groups int
	Hours          int       // of the past; 0 = 168
	PerHour        int       // records of a steady topic in an hour; 0 = 8
	Until          time.Time // a full hour; zero = the last one
	Prefix         string    // of all names; "" = shop
	Snappy         bool      // instead of lz4, whose buffers of 4 MiB cost the race detector a hundred times what they are for
}

// Topic is a topic that was made.
type Topic struct {
	Name       string
	Shape      Shape
	Partitions int
	ValueBytes int
	Counts     [][]int // records, by partition and hour
}

// Total is how many records it has.
func (t Topic) Total() int {
	n := 0
	for p := range t.Counts {
		n += t.In(p)
	}
	return n
}

// In is how many records a partition has.
func (t Topic) In(partition int) int {
	n := 0
	for _, c := range t.Counts[partition] {
		n += c
	}
	return n
}

// Hour is how many records came in an hour.
func (t Topic) Hour(h int) int {
	n := 0
	for _, counts := range t.Counts {
		n += counts[h]
	}
	return n
}

// Group is a group that was made.
type Group struct {
	ID    string
	Kind  Kind
	Topic string
	At    map[int32]int64 // committed
	Lag   int64
}

// Made is what Build made.
type Made struct {
	From   time.Time // the first hour
	Hours  int
	Topics []Topic
	Groups []Group
}
