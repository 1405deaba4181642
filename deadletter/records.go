package deadletter

import (
	"context"
	"errors"
	"strconv"

	"gantry/kafka"
	"gantry/record"
)

// The headers a record carries that was redriven.
const (
	HeaderRedriveCount = "gantry-redrive-count" // how often, this time included
	HeaderRedriveOf    = "gantry-redrive-of"    // the id of the letter it comes from; one for each time
)

// countOf is how often a record was redriven before it became this letter.
func countOf(headers []record.Header) int {
	count := 0
	for _, h := range headers {
		if h.Key == HeaderRedriveCount {
			if n, err := strconv.Atoi(string(h.Value)); err == nil {
				count = max(count, n)
			}
		}
	}
	return count
}

// again are the headers of a record that is redriven: its own, the count, and where it
// comes from behind where it came from before.
func again(headers []record.Header, letter string, count int) []record.Header {
	var out []record.Header
	for _, h := range headers {
		if h.Key != HeaderRedriveCount {
			out = append(out, h)
		}
	}
	return append(out, record.Header{Key: HeaderRedriveCount, Value: []byte(strconv.Itoa(count))},
		record.Header{Key: HeaderRedriveOf, Value: []byte(letter)})
}

// read reads the records of a letter that has positions only. Those that the source does
// not keep any more are given apart; where a letter does not say exactly which records it
// means, that are those below the oldest one kept.
func (b *Box) read(ctx context.Context, l *Letter) (records []Record, expired []record.Position, err error) {
	there := map[record.Position]bool{}
	for _, s := range l.Spans {
		log, err := b.logOf(ctx, s.Topic)
		if err != nil {
			return nil, nil, err
		}
		run := kafka.Scanning{
			Topic: s.Topic, Partition: s.Partition, From: max(s.First, log.start[s.Partition]), To: min(s.Last+1, log.end[s.Partition]),
			Uncommitted: b.mapping.ReadUncommitted,
		}
		err = b.admin.Scan(ctx, run, func(r record.Record) error {
			at := record.Position{Topic: s.Topic, Partition: s.Partition, Offset: r.Offset}
			there[at] = true
			records = append(records, Record{At: at, Record: r})
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	for _, p := range l.positions() {
		if !there[p] && (l.Exact || p.Offset < b.bounds[p.Topic].start[p.Partition]) {
			expired = append(expired, p)
		}
	}
	return records, expired, nil
}

// logOf is where a topic begins and ends, asked once for a box. A topic that is not there
// holds nothing.
func (b *Box) logOf(ctx context.Context, topic string) (bounds, error) {
	if known, ok := b.bounds[topic]; ok {
		return known, nil
	}
	var log bounds
	var err error
	if log.start, log.end, err = b.admin.Bounds(ctx, topic, b.mapping.ReadUncommitted); err != nil && !errors.Is(err, kafka.ErrUnknownTopic) {
		return log, err
	}
	b.bounds[topic] = log
	return log, nil
}
