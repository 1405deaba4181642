// Package record holds the words for what travels: a Kafka record, its position, the
// lane it belongs to and the batch it is invoked in. It imports the standard library
// only, so every other package may speak these words.
package record

import "fmt"

// Position names one record of a cluster: its topic, its partition and its offset.
type Position struct {
	Topic     string
	Partition int32
	Offset    int64
}

func (p Position) String() string { return fmt.Sprintf("%s/%d@%d", p.Topic, p.Partition, p.Offset) }

// Partition names one partition of a topic.
type Partition struct {
	Topic string
	Index int32
}

func (p Partition) String() string { return fmt.Sprintf("%s-%d", p.Topic, p.Index) }

// Lane names the records of one partition, or of one key slot of it, between fetch
// and commit. Slot is 0 where a partition is one lane.
type Lane struct {
	Topic     string
	Partition int32
	Slot      int32
}

// Of gives the partition a lane belongs to.
func (l Lane) Of() Partition { return Partition{Topic: l.Topic, Index: l.Partition} }

func (l Lane) String() string {
	if l.Slot == 0 {
		return fmt.Sprintf("%s-%d", l.Topic, l.Partition)
	}
	return fmt.Sprintf("%s-%d#%d", l.Topic, l.Partition, l.Slot)
}

// Offset is a place in a partition as a consumer group commits it: the offset of the
// next record to read and the leader epoch of the record before it. Epoch -1 means
// unknown: the broker then skips its truncation check (KIP-320).
type Offset struct {
	At    int64
	Epoch int32
}

// Header is one record header. Kafka allows the same key more than once and keeps the
// order, so headers are a list and never a map. A nil Value is Kafka's null.
type Header struct {
	Key   string
	Value []byte
}

// Record is one Kafka record. Key, Value and header values alias the buffer of the
// fetch they came in and must not be written to. A nil Key or Value is Kafka's null.
type Record struct {
	Offset    int64
	Timestamp int64 // Unix milliseconds
	Key       []byte
	Value     []byte
	Headers   []Header

	// Resume is what a group commits when every record before this one is resolved
	// and this one is not. Kafka offsets have holes (compaction, transactions), so
	// it is the place behind the record polled before, not a computed number.
	Resume Offset

	Epoch     int32  // leader epoch, -1 unknown
	Size      int32  // bytes this record takes in an encoded event
	Wants     uint32 // the functions whose filters keep it, a bit for each; not used where there is one
	LogAppend bool   // the timestamp was set by the broker (LOG_APPEND_TIME)
}

// After is what a group commits when this record is resolved as well.
func (r *Record) After() Offset { return Offset{At: r.Offset + 1, Epoch: r.Epoch} }
