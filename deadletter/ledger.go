package deadletter

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"gantry/kafka"
	"gantry/record"
)

// The states of a record of a letter.
const (
	Pending  = "pending"  // nothing was done yet
	Redriven = "redriven" // it is somewhere else now, for good
	Failed   = "failed"   // its function was invoked and failed again: it may be tried again
	Held     = "held"     // it was redriven too often
	Expired  = "expired"  // its source does not keep it any more
)

// Mark is what the ledger says of one record of a letter.
type Mark struct {
	State  string    `json:"state"`
	Count  int       `json:"count"` // redrives, those that failed among them
	To     string    `json:"to"`    // function orders, topic orders, file x.jsonl
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	Error  string    `json:"error,omitempty"` // of a state failed
}

// ledger is a compacted topic beside the letters' records: the newest record of a key is
// the mark of one record of one letter.
type ledger struct {
	admin *kafka.Admin
	topic string
	like  string   // the topic whose replication it takes
	also  []string // topics beside which it may have been written before; they are read only
	marks map[string]Mark
}

// load reads every mark, those beside other topics first: where a record has marks in
// several ledgers the one that is written now knows better.
func (l *ledger) load(ctx context.Context) error {
	l.marks = map[string]Mark{}
	for _, topic := range l.also {
		if err := l.read(ctx, topic+kafka.RedriveLedgerSuffix); err != nil {
			return err
		}
	}
	return l.read(ctx, l.topic)
}

// read takes the marks of one topic in. A ledger that is not there is empty.
func (l *ledger) read(ctx context.Context, topic string) error {
	start, end, err := l.admin.Bounds(ctx, topic, false)
	if errors.Is(err, kafka.ErrUnknownTopic) {
		return nil
	}
	if err != nil {
		return err
	}
	for p := range end {
		err := l.admin.Scan(ctx, kafka.Scanning{Topic: topic, Partition: p, From: start[p], To: end[p]}, func(r record.Record) error {
			var m Mark
			if json.Unmarshal(r.Value, &m) == nil && r.Value != nil {
				l.marks[string(r.Key)] = m
			} else {
				delete(l.marks, string(r.Key))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// message is a mark as it is written.
func (l *ledger) message(id string, m Mark) (kafka.Addressed, error) {
	body, err := json.Marshal(m)
	return kafka.Addressed{Topic: l.topic, Message: kafka.Message{Key: []byte(id), Value: body}}, err
}
