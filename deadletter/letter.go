// Package deadletter finds dead letters where they lie, shows them, and redrives them:
// to their function, to a topic, or to a file.
//
// The flow: Open finds the place of a mapping's letters (topic.go, queue.go, bucket.go)
// and the ledger beside its records (ledger.go). Walk hands the letters over in a stable
// order, each with what became of it; a Selection (selection.go) says which are meant.
// Redrive (redrive.go) takes the records of the letters that are not redriven yet
// (records.go) to a target (to_topic.go, to_function.go, to_file.go) and notes each.
//
// What always holds:
//   - The ledger decides what is redriven, not the letter: a letter on a topic can't be
//     removed, a message of SQS may come back.
//   - Records that go to a topic and the notes about them are one Kafka transaction, so
//     each is written once, whenever gantry is killed. Whoever redrives fences, by the
//     ledger's transactional id, whoever did before.
//   - A function is invoked first and the note written then: gantry that is killed in
//     between invokes it again.
//   - A letter is taken away (deleted, tagged) only when all of its records are noted.
package deadletter

import (
	"fmt"
	"strings"
	"time"

	"gantry/function"
	"gantry/record"
)

// Letter is one dead letter as it lies at its destination. A topic has one for each
// record; SQS and S3 have one for each piece of a partition.
type Letter struct {
	ID        string // topic-partition-offset, the id of an SQS message, the key of an object
	At        time.Time
	Mapping   string // UUID; "" = AWS wrote it, or it is not said
	Function  string // ARN, not qualified
	Condition string
	Attempts  int
	Error     string // "" = not known
	Note      string // who skipped it
	Log       []byte
	Spans     []Span
	Count     int  // records
	Exact     bool // the spans hold those records and no others
	Bytes     int
	Records   []Record // none: the letter has positions only

	single  bool   // on a topic: the letter is its one record
	receipt string // of an SQS message
}

// Span is a run of offsets, both ends included.
type Span struct {
	Topic     string
	Partition int32
	First     int64
	Last      int64
}

// Record is a record of a letter, and where it was.
type Record struct {
	At record.Position
	record.Record
}

// FunctionName is the last part of the function's ARN.
func (l *Letter) FunctionName() string {
	_, name, ok := strings.Cut(l.Function, ":function:")
	if !ok {
		return l.Function
	}
	return name
}

// unqualified takes a version from a function's ARN, as AWS writes it to topics.
func unqualified(arn string) string {
	if strings.Count(arn, ":") == 7 {
		return strings.TrimSuffix(arn[:strings.LastIndexByte(arn, ':')], ":")
	}
	return strings.TrimSuffix(arn, ":"+function.LatestVersion)
}

// positionID names a record within its cluster.
func positionID(p record.Position) string {
	return fmt.Sprintf("%s-%d-%d", p.Topic, p.Partition, p.Offset)
}

// unitID names a record of a letter: what is noted in the ledger.
func (l *Letter) unitID(p record.Position) string {
	if l.single {
		return l.ID
	}
	return l.ID + "#" + positionID(p)
}

// mostPositions bounds what a letter of another's making can claim to hold.
const mostPositions = 1 << 20

// positions are those of the letter's records; where the spans are not exact, of whatever
// may be in them.
func (l *Letter) positions() []record.Position {
	var out []record.Position
	for _, r := range l.Records {
		out = append(out, r.At)
	}
	if len(l.Records) > 0 {
		return out
	}
	for _, s := range l.Spans {
		for o := s.First; o <= s.Last && len(out) < mostPositions; o++ {
			out = append(out, record.Position{Topic: s.Topic, Partition: s.Partition, Offset: o})
		}
	}
	return out
}
