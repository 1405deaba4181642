package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/record"
)

const (
	// mostSampled is how many partitions one fetch names.
	mostSampled = 16
	// firstBatch is room for the first batch of an answer, which comes whole however
	// large it is: without it there would be none left for the other partitions.
	firstBatch = 2 << 20
)

// Run is a run of records that follow each other in a partition, and what the headers of
// their batches say.
type Run struct {
	record.Position
	Records  []record.Record // without control records; values alias one buffer
	Span     int64           // offsets from the first to behind the last, holes included
	Controls int             // transaction markers among them
	Batches  Batches
	Err      error
}

// Batches is what the headers of the batches of a Run say.
type Batches struct {
	Codecs        map[string]int // batches by compression: none, gzip, snappy, lz4, zstd
	Compressed    int            // bytes of records as they were sent
	Uncompressed  int
	Transactional int // records
}

// Add counts other batches in.
func (b *Batches) Add(other Batches) {
	for codec, n := range other.Codecs {
		b.Codecs[codec] += n
	}
	b.Compressed += other.Compressed
	b.Uncompressed += other.Uncompressed
	b.Transactional += other.Transactional
}

// Sample reads a run of records at each position, of about so many bytes, at its broker
// and in no group. Every position has an answer; an empty one where there is nothing.
func (s *Surveyor) Sample(ctx context.Context, at []record.Position, bytes int) ([]Run, error) {
	var out []Run
	for _, batch := range s.byLeader(at) {
		for some := range slices.Chunk(batch, mostSampled) {
			runs, err := s.fetchRuns(ctx, some, bytes)
			if err != nil {
				return out, err
			}
			for _, r := range runs {
				if r.Err == nil && r.Span == 0 {
					// Its first batch did not fit: whole batches come only where a
					// partition is the first of a request, so it is asked for alone.
					alone, err := s.fetchRuns(ctx, []record.Position{r.Position}, bytes)
					if err != nil {
						return out, err
					}
					r = alone[0]
				}
				out = append(out, r)
			}
		}
	}
	return out, nil
}

// byLeader groups positions by the broker to ask. A partition stands once in a group.
func (s *Surveyor) byLeader(at []record.Position) [][]record.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	type place struct {
		broker int32
		round  int
	}
	rounds := map[record.Partition]int{}
	groups := map[place][]record.Position{}
	var order []place
	for _, p := range at {
		of := partitionOf(p)
		k := place{s.leaders[of], rounds[of]}
		rounds[of]++
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], p)
	}
	out := make([][]record.Position, 0, len(order))
	for _, k := range order {
		out = append(out, groups[k])
	}
	return out
}

func (s *Surveyor) fetchRuns(ctx context.Context, at []record.Position, bytes int) ([]Run, error) {
	answers, err := s.fetch(ctx, at, bytes)
	if err != nil {
		return nil, err
	}
	out := make([]Run, len(at))
	for i, p := range at {
		a := answers[partitionOf(p)]
		out[i] = Run{Position: p, Err: a.err, Batches: Batches{Codecs: map[string]int{}}}
		if a.err == nil {
			out[i].read(a.data)
		}
	}
	return out, nil
}

// fetched is the answer about one partition.
type fetched struct {
	data *kmsg.FetchResponseTopicPartition
	err  error
}

// fetch asks the broker that leads the first position, and the others again where a
// leader has moved.
func (s *Surveyor) fetch(ctx context.Context, at []record.Position, bytes int) (map[record.Partition]fetched, error) {
	answers, err := s.fetchOnce(ctx, at, bytes)
	for try := 1; err == nil && try < markTries; try++ {
		moved := slices.DeleteFunc(slices.Clone(at), func(p record.Position) bool { return !moving(answers[partitionOf(p)].err) })
		if len(moved) == 0 {
			return answers, nil
		}
		if err := sleep(ctx, retryEvery*time.Duration(try)); err != nil {
			return nil, err
		}
		if _, err := s.metadata(ctx); err != nil {
			return nil, err
		}
		for _, led := range s.byLeader(moved) {
			again, err := s.fetchOnce(ctx, led, bytes)
			if err != nil {
				return nil, err
			}
			maps.Copy(answers, again)
		}
	}
	return answers, err
}

func partitionOf(p record.Position) record.Partition {
	return record.Partition{Topic: p.Topic, Index: p.Partition}
}

func (s *Surveyor) fetchOnce(ctx context.Context, at []record.Position, bytes int) (map[record.Partition]fetched, error) {
	out := map[record.Partition]fetched{}
	req, broker, names := s.fetchRequest(at, bytes)
	for _, p := range at {
		out[partitionOf(p)] = fetched{data: &kmsg.FetchResponseTopicPartition{}} // what is left out of an answer is empty
		if broker < 0 {
			out[partitionOf(p)] = fetched{err: kerr.LeaderNotAvailable}
		}
	}
	if broker < 0 {
		return out, nil
	}
	kresp, err := s.askBroker(ctx, broker, 0, req)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err == nil {
		err = kerr.ErrorForCode(kresp.(*kmsg.FetchResponse).ErrorCode)
	}
	if err != nil {
		for of := range out {
			out[of] = fetched{err: fmt.Errorf("read %s: %w", of, s.attempts.join(err))}
		}
		return out, nil
	}
	resp := kresp.(*kmsg.FetchResponse)
	for i := range resp.Topics {
		t := &resp.Topics[i]
		name := t.Topic
		if name == "" {
			name = names[t.TopicID]
		}
		for j := range t.Partitions {
			p := &t.Partitions[j]
			err := kerr.ErrorForCode(p.ErrorCode)
			if errors.Is(err, kerr.UnknownTopicID) || errors.Is(err, kerr.InconsistentTopicID) {
				err = errors.Join(ErrUnknownTopic, err)
			}
			out[record.Partition{Topic: name, Index: p.Partition}] = fetched{p, Deny(err, "Read", "topic", name)}
		}
	}
	return out, nil
}

func (s *Surveyor) fetchRequest(at []record.Position, bytes int) (*kmsg.FetchRequest, int32, map[[16]byte]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.MaxWaitMillis, req.MinBytes, req.MaxBytes = -1, 100, 1, int32(min(bytes*len(at)+firstBatch, 1<<30))
	req.SessionEpoch = -1 // no session: the broker keeps nothing
	broker, known := s.leaders[partitionOf(at[0])]
	if !known {
		broker = -1
	}
	names := map[[16]byte]string{}
	index := map[string]int{}
	for _, p := range at {
		i, there := index[p.Topic]
		if !there {
			t := kmsg.NewFetchRequestTopic()
			t.Topic, t.TopicID = p.Topic, s.ids[p.Topic]
			names[t.TopicID] = p.Topic
			i = len(req.Topics)
			index[p.Topic] = i
			req.Topics = append(req.Topics, t)
		}
		part := kmsg.NewFetchRequestTopicPartition()
		part.Partition, part.FetchOffset, part.PartitionMaxBytes = p.Partition, p.Offset, int32(bytes)
		part.CurrentLeaderEpoch, part.LogStartOffset = -1, -1
		req.Topics[i].Partitions = append(req.Topics[i].Partitions, part)
	}
	return req, broker, names
}

// read takes the records out of an answer.
func (r *Run) read(p *kmsg.FetchResponseTopicPartition) {
	opts := kgo.ProcessFetchPartitionOpts{
		KeepControlRecords: true, Offset: r.Offset, IsolationLevel: kgo.ReadUncommitted(), Topic: r.Topic, Partition: r.Partition,
	}
	got, next := kgo.ProcessFetchPartition(opts, p, kgo.DefaultDecompressor(), func(m kgo.FetchBatchMetrics) {
		r.Batches.Codecs[codecName(m.CompressionType)]++
		r.Batches.Compressed += m.CompressedBytes
		r.Batches.Uncompressed += m.UncompressedBytes
	})
	if next > r.Offset {
		r.Span = next - r.Offset
	}
	for _, k := range got.Records {
		if k.Attrs.IsControl() {
			r.Controls++
			continue
		}
		if k.Attrs.IsTransactional() {
			r.Batches.Transactional++
		}
		r.Records = append(r.Records, plainRecord(k))
	}
	if got.Err != nil && r.Span == 0 && len(p.RecordBatches) > 0 {
		r.Err = fmt.Errorf("read %s: %w", r.Position, got.Err)
	}
}

func codecName(codec uint8) string {
	names := []string{"none", "gzip", "snappy", "lz4", "zstd"}
	if int(codec) < len(names) {
		return names[codec]
	}
	return "unknown"
}
