package deadletter

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gantry/kafka"
	"gantry/pipeline/deliver"
	"gantry/record"
)

// topic is a Kafka topic with letters.
type topic struct {
	admin *kafka.Admin
	name  string
	start map[int32]int64
	end   map[int32]int64 // the walk ends where the log ended when the box was opened
}

func openTopic(ctx context.Context, a *kafka.Admin, name string) (*topic, error) {
	start, end, err := a.Bounds(ctx, name, false)
	return &topic{admin: a, name: name, start: start, end: end}, err
}

// walk hands the letters over by partition and offset, behind one where after names it.
func (t *topic) walk(ctx context.Context, w Walk, each func(*Letter) error) error {
	from, err := t.from(ctx, w)
	if err != nil {
		return err
	}
	var total, done int64
	for p, end := range t.end {
		total += max(0, end-from[p])
	}
	for _, p := range sortedKeys(t.end) {
		at := from[p]
		err := t.admin.Scan(ctx, kafka.Scanning{Topic: t.name, Partition: p, From: at, To: t.end[p]}, func(r record.Record) error {
			w.progress(done+r.Offset-at, total)
			l, ok := ofTopic(t.name, p, r)
			if !ok {
				return nil
			}
			return each(&l)
		})
		if err != nil {
			return err
		}
		done += max(0, t.end[p]-at)
	}
	w.progress(total, total)
	return nil
}

// from is where each partition begins. Letters are in order of their writing, so a time
// to begin at saves what is before.
func (t *topic) from(ctx context.Context, w Walk) (map[int32]int64, error) {
	from := map[int32]int64{}
	for p, at := range t.start {
		from[p] = at
	}
	if !w.Since.IsZero() {
		since, err := t.admin.After(ctx, t.name, w.Since)
		if err != nil {
			return nil, err
		}
		for p, at := range since {
			from[p] = max(from[p], at)
		}
	}
	if w.After == "" {
		return from, nil
	}
	partition, offset, err := t.idOf(w.After)
	if err != nil {
		return nil, err
	}
	for p := range from {
		switch {
		case p < partition:
			from[p] = t.end[p]
		case p == partition:
			from[p] = max(from[p], offset+1)
		}
	}
	return from, nil
}

func (t *topic) idOf(id string) (partition int32, offset int64, err error) {
	key, last, ok := cutLast(id, "-")
	name, partition, named := partitionOf(key)
	offset, err = strconv.ParseInt(last, 10, 64)
	if !ok || !named || err != nil || name != t.name {
		return 0, 0, fmt.Errorf("letter %q: %w: want %s-PARTITION-OFFSET", id, ErrNoLetter, t.name)
	}
	return partition, offset, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}

func (t *topic) find(ctx context.Context, id string) (Letter, error) {
	partition, offset, err := t.idOf(id)
	if err != nil {
		return Letter{}, err
	}
	records, err := t.admin.Records(ctx, kafka.Reading{Topic: t.name, Partition: partition, Offset: offset, Count: 1})
	if err != nil {
		return Letter{}, err
	}
	if l, ok := ofTopic(t.name, partition, records[0]); ok && records[0].Offset == offset {
		return l, nil
	}
	return Letter{}, fmt.Errorf("letter %q: %w", id, ErrNoLetter)
}

func (t *topic) done(context.Context, *Letter) error { return nil } // the ledger says so, the letter stays
func (t *topic) release(context.Context)             {}

// ofTopic reads a letter from a record: AWS's document with the record in it, with or
// without gantry's headers, or a record that was too large for that, with headers only.
func ofTopic(name string, partition int32, r record.Record) (Letter, bool) {
	own, facts := apart(r.Headers)
	raw := facts[deliver.HeaderDocument] == "metadata"
	text := r.Value
	if raw {
		text = []byte(facts[deliver.HeaderDocument+"-value"])
	}
	l, ok := read(text)
	if !ok && !raw {
		return l, false
	}
	if !ok || raw {
		l.Records = []Record{{Record: record.Record{Value: r.Value}}}
	}
	if len(l.Records) != 1 {
		return l, false
	}
	l.ID = fmt.Sprintf("%s-%d-%d", name, partition, r.Offset)
	l.Records[0].Key = r.Key
	if l.At.IsZero() {
		l.At = time.UnixMilli(r.Timestamp).UTC()
	}
	if len(facts) > 0 {
		l.Records[0].Headers = own
		l.facts(facts)
	}
	l.Bytes = len(r.Key) + len(r.Value)
	l.single, l.Count, l.Exact, l.Spans = true, 1, true, spansOf(l.Records)
	return l, l.Records[0].At.Topic != ""
}

// apart tells the record's own headers from gantry's facts, which stand behind them and
// begin with the mapping. A record that had been a letter before has such headers of its
// own, so the last one counts.
func apart(headers []record.Header) (own []record.Header, facts map[string]string) {
	at := -1
	for i, h := range slices.Backward(headers) {
		if h.Key == deliver.HeaderMapping {
			at = i
			break
		}
	}
	if at < 0 {
		return headers, nil
	}
	facts = map[string]string{}
	for _, h := range headers[at:] {
		facts[h.Key] = string(h.Value)
	}
	return headers[:at:at], facts
}

func (l *Letter) facts(f map[string]string) {
	r := &l.Records[0]
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(f[name], 10, 64)
		return n
	}
	r.At = record.Position{Topic: f[deliver.HeaderTopic], Partition: int32(number(deliver.HeaderPartition)), Offset: number(deliver.HeaderOffset)}
	r.Offset, r.Timestamp = r.At.Offset, number(deliver.HeaderTimestamp)
	l.Mapping, l.Condition, l.Attempts = f[deliver.HeaderMapping], f[deliver.HeaderCondition], int(number(deliver.HeaderAttempts))
	l.Error, l.Note, l.Log = f[deliver.HeaderError], f[deliver.HeaderSkipped], []byte(f[deliver.HeaderLog])
}
