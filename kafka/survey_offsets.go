package kafka

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/record"
)

// Moment is a place in time as a broker looks it up: Unix milliseconds, or an end of the log.
type Moment int64

// The ends of a log.
const (
	AtOldest Moment = -2
	AtEnd    Moment = -1
)

// MomentOf is a time as a Moment.
func MomentOf(t time.Time) Moment { return Moment(t.UnixMilli()) }

// Mark is what a broker says of a partition at a Moment: the first record at or after it.
// Offset is -1 where there is none.
type Mark struct {
	Offset int64
	Time   int64 // Unix milliseconds of that record; -1 = not said
	Err    error
}

const (
	// mostMarks is how many partitions one request to a broker asks about: a few
	// milliseconds of one of its request handlers.
	mostMarks = 100
	// mostEnds is the same for the ends of logs, which brokers know by heart.
	mostEnds = 1000
	// markTries is how often a partition is asked for whose leader is moving.
	markTries = 5
)

// Marks looks one Moment up in many partitions. A broker takes a partition once in a
// request, so each Moment is a round of its own. Every partition has an answer.
func (s *Surveyor) Marks(ctx context.Context, at Moment, partitions []record.Partition) (map[record.Partition]Mark, error) {
	out := make(map[record.Partition]Mark, len(partitions))
	most, weight := mostMarks, 1
	if at < 0 {
		most, weight = mostEnds, 0
	}
	sorted := slices.SortedFunc(slices.Values(partitions), comparePartitions)
	for batch := range slices.Chunk(sorted, most*s.spread()) {
		left := batch
		for try := 1; len(left) > 0; try++ {
			if err := s.marks(ctx, at, left, weight, out); err != nil {
				return out, err
			}
			left = slices.DeleteFunc(slices.Clone(left), func(p record.Partition) bool { return !moving(out[p].Err) })
			if len(left) == 0 || try == markTries {
				break
			}
			if err := sleep(ctx, retryEvery*time.Duration(try)); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

// spread is how many brokers share a request.
func (s *Surveyor) spread() int {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	return s.pace.brokers
}

func (s *Surveyor) marks(ctx context.Context, at Moment, partitions []record.Partition, weight int, out map[record.Partition]Mark) error {
	if err := s.pace.turn(ctx, weight*len(partitions)); err != nil {
		return err
	}
	began := time.Now()
	shards := s.client.RequestSharded(ctx, marksRequest(at, partitions))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if weight > 0 { // brokers are about it at the same time, each with its part
		s.pace.took((time.Since(began) - s.asked.way()) * time.Duration(len(shards)) / time.Duration(len(partitions)))
	}
	for _, p := range partitions {
		out[p] = Mark{Offset: -1, Time: -1, Err: errors.New("the broker left it out of its answer")}
	}
	for _, shard := range shards {
		s.marksOf(shard, out)
	}
	return nil
}

func (s *Surveyor) marksOf(shard kgo.ResponseShard, out map[record.Partition]Mark) {
	if shard.Err != nil {
		for _, t := range shard.Req.(*kmsg.ListOffsetsRequest).Topics {
			for _, p := range t.Partitions {
				err := s.attempts.join(Deny(shard.Err, "Describe", "topic", t.Topic))
				out[record.Partition{Topic: t.Topic, Index: p.Partition}] = Mark{Offset: -1, Time: -1, Err: err}
			}
		}
		return
	}
	for _, t := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
		for _, p := range t.Partitions {
			err := Deny(kerr.ErrorForCode(p.ErrorCode), "Describe", "topic", t.Topic)
			out[record.Partition{Topic: t.Topic, Index: p.Partition}] = Mark{Offset: p.Offset, Time: p.Timestamp, Err: err}
		}
	}
}

// marksRequest asks about partitions that are in order.
func marksRequest(at Moment, partitions []record.Partition) *kmsg.ListOffsetsRequest {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	for i, p := range partitions {
		if i == 0 || partitions[i-1].Topic != p.Topic {
			t := kmsg.NewListOffsetsRequestTopic()
			t.Topic = p.Topic
			req.Topics = append(req.Topics, t)
		}
		asked := kmsg.NewListOffsetsRequestTopicPartition()
		asked.Partition, asked.Timestamp = p.Index, int64(at)
		last := &req.Topics[len(req.Topics)-1]
		last.Partitions = append(last.Partitions, asked)
	}
	return req
}

func comparePartitions(x, y record.Partition) int {
	if c := strings.Compare(x.Topic, y.Topic); c != 0 {
		return c
	}
	return int(x.Index - y.Index)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
