package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/record"
)

// Why a record can't be shown.
var (
	ErrRemoved  = errors.New("the record is not kept any more")
	ErrBeyond   = errors.New("there is no such record yet")
	ErrNoRecord = errors.New("there is no record at this offset or behind it: it was compacted away, was never committed, or is a transaction's marker")
)

// Reading names records to be read: Count of them from Offset on.
type Reading struct {
	Topic       string
	Partition   int32
	Offset      int64
	Count       int
	Uncommitted bool // records of open and aborted transactions count
}

// readPatience is how long a broker may take to give the records that are there.
const readPatience = 5 * time.Second

// Records reads records without a group and without committing anything. Where offsets
// have a hole, the first record is the next one: its offset says so. It gives fewer than
// Count where the log ends.
func (a *Admin) Records(ctx context.Context, from Reading) ([]record.Record, error) {
	start, end, err := a.Bounds(ctx, from.Topic, from.Uncommitted)
	if err != nil {
		return nil, err
	}
	oldest, known := start[from.Partition]
	switch {
	case !known:
		return nil, fmt.Errorf("read %s: %w: it has no partition %d, only 0 to %d", from.Topic, ErrUnknownTopic, from.Partition, len(start)-1)
	case from.Offset < oldest:
		return nil, fmt.Errorf("read %s: %w: the oldest is %d", from.position(), ErrRemoved, oldest)
	case from.Offset >= end[from.Partition]:
		return nil, fmt.Errorf("read %s: %w: the log ends at %d", from.position(), ErrBeyond, end[from.Partition])
	}
	records, err := a.consume(ctx, from, end[from.Partition])
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", from.position(), a.attempts.join(Deny(err, "Read", "topic", from.Topic)))
	}
	return records, nil
}

func (r Reading) position() record.Position {
	return record.Position{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
}

func (a *Admin) consume(ctx context.Context, from Reading, end int64) ([]record.Record, error) {
	isolation := kgo.ReadCommitted()
	if from.Uncommitted {
		isolation = kgo.ReadUncommitted()
	}
	client, err := kgo.NewClient(append(a.cluster.Options(), kgo.FetchIsolationLevel(isolation),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{from.Topic: {from.Partition: kgo.NewOffset().At(from.Offset)}}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchMaxWait(100*time.Millisecond), kgo.KeepControlRecords(),
	)...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	reading, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	var out []record.Record
	for {
		fetches := client.PollFetches(reading)
		if err := fetches.Err(); err != nil && reading.Err() == nil {
			return nil, err
		}
		for _, r := range fetches.Records() {
			if !r.Attrs.IsControl() {
				out = append(out, plainRecord(r))
			}
			if len(out) == from.Count || r.Offset >= end-1 {
				return some(out)
			}
		}
		if reading.Err() != nil {
			return some(out)
		}
	}
}

func some(out []record.Record) ([]record.Record, error) {
	if len(out) == 0 {
		return nil, ErrNoRecord
	}
	return out, nil
}

func plainRecord(r *kgo.Record) record.Record {
	out := record.Record{
		Offset: r.Offset, Epoch: r.LeaderEpoch, Timestamp: r.Timestamp.UnixMilli(), LogAppend: r.Attrs.TimestampType() == 1,
		Key: r.Key, Value: r.Value,
	}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, record.Header{Key: h.Key, Value: h.Value})
	}
	return out
}
