package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/record"
)

// Scanning names a run of a partition's log: offsets from From up to and without To.
type Scanning struct {
	Topic       string
	Partition   int32
	From, To    int64
	Uncommitted bool // records of open and aborted transactions count
}

// scanPatience is how long a broker may give nothing although the log goes on.
const scanPatience = 30 * time.Second

// Scan hands every record of a run over, in order. Where retention removes records while
// it reads, it goes on at the oldest that is left. An error of each ends it and is given
// back as it is.
func (a *Admin) Scan(ctx context.Context, s Scanning, each func(record.Record) error) error {
	for s.From < s.To {
		err := a.scan(ctx, &s, each)
		if !errors.Is(err, kerr.OffsetOutOfRange) {
			return err
		}
		start, _, err := a.Bounds(ctx, s.Topic, s.Uncommitted)
		if err != nil {
			return err
		}
		if start[s.Partition] <= s.From {
			return fmt.Errorf("read %s-%d at offset %d: it is out of range", s.Topic, s.Partition, s.From)
		}
		s.From = start[s.Partition]
	}
	return nil
}

func (a *Admin) scan(ctx context.Context, s *Scanning, each func(record.Record) error) error {
	isolation := kgo.ReadCommitted()
	if s.Uncommitted {
		isolation = kgo.ReadUncommitted()
	}
	client, err := kgo.NewClient(append(a.cluster.Options(), kgo.FetchIsolationLevel(isolation),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{s.Topic: {s.Partition: kgo.NewOffset().At(s.From)}}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.FetchMaxWait(250*time.Millisecond), kgo.KeepControlRecords(),
		kgo.FetchMaxBytes(8<<20), kgo.FetchMaxPartitionBytes(4<<20),
	)...)
	if err != nil {
		return err
	}
	defer client.Close()
	for s.From < s.To {
		polling, cancel := context.WithTimeout(ctx, scanPatience)
		fetches := client.PollFetches(polling)
		silent := polling.Err() != nil
		cancel()
		if err := fetches.Err(); err != nil && !silent {
			return s.failed(a, err)
		}
		if silent && fetches.NumRecords() == 0 {
			return s.failed(a, errors.Join(ctx.Err(), fmt.Errorf("the broker gave nothing for %s", scanPatience)))
		}
		for _, r := range fetches.Records() {
			if r.Offset >= s.To {
				s.From = s.To
				break
			}
			s.From = r.Offset + 1
			if r.Attrs.IsControl() {
				continue
			}
			if err := each(plainRecord(r)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Scanning) failed(a *Admin, err error) error {
	if errors.Is(err, kerr.OffsetOutOfRange) {
		return kerr.OffsetOutOfRange
	}
	return fmt.Errorf("read %s-%d at offset %d: %w", s.Topic, s.Partition, s.From, a.attempts.join(Deny(err, "Read", "topic", s.Topic)))
}

// After gives, for each partition, the first offset of a record at or after a time, or
// the end where there is none.
func (a *Admin) After(ctx context.Context, topic string, at time.Time) (map[int32]int64, error) {
	described, err := a.Topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	return a.list(ctx, described, func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
		return a.admin.ListOffsetsAfterMilli(ctx, at.UnixMilli(), topics...)
	})
}
