package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/record"
)

// DiskBytes gives the size of the leaders' logs of every partition. What a broker did not
// give is missing from it and in the error.
func (s *Surveyor) DiskBytes(ctx context.Context) (map[record.Partition]int64, error) {
	shards, err := s.ask(ctx, kmsg.NewPtrDescribeLogDirsRequest())
	if err != nil {
		return nil, err
	}
	out := map[record.Partition]int64{}
	var errs []error
	for _, shard := range shards {
		err := shard.Err
		resp, answered := shard.Resp.(*kmsg.DescribeLogDirsResponse)
		if err == nil && answered {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if err != nil || !answered {
			errs = append(errs, fmt.Errorf("ask for the log directories: %w", s.attempts.join(Deny(err, "Describe", "cluster", ""))))
			continue
		}
		if len(resp.Dirs) == 0 {
			// Before KIP-784 a refusal is an empty answer.
			errs = append(errs, &Denied{Operation: "Describe", Resource: "cluster", Err: kerr.ClusterAuthorizationFailed})
		}
		s.leadersOf(shard.Meta.NodeID, resp, out)
	}
	return out, errors.Join(errs...)
}

func (s *Surveyor) leadersOf(broker int32, resp *kmsg.DescribeLogDirsResponse, into map[record.Partition]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, dir := range resp.Dirs {
		for _, t := range dir.Topics {
			for _, p := range t.Partitions {
				at := record.Partition{Topic: t.Topic, Index: p.Partition}
				if leader, known := s.leaders[at]; known && leader == broker && !p.IsFuture {
					into[at] += p.Size
				}
			}
		}
	}
}

// Writers are the idempotent producers a topic knows.
type Writers struct {
	Active        int  // that wrote since the time asked for
	Transactional bool // one has a transaction open, or has ended one
	Err           error
}

// Writers asks which producers wrote to topics since a time. Producers without
// idempotence leave no trace.
func (s *Surveyor) Writers(ctx context.Context, topics []SurveyTopic, since time.Time) (map[string]Writers, error) {
	out := map[string]Writers{}
	for _, batch := range batchTopics(topics, surveyBatch) {
		req := kmsg.NewPtrDescribeProducersRequest()
		for _, t := range batch {
			r := kmsg.NewDescribeProducersRequestTopic()
			r.Topic, r.Partitions = t.Name, t.Partitions
			req.Topics = append(req.Topics, r)
		}
		shards, err := s.ask(ctx, req)
		if err != nil {
			return out, err
		}
		seen := map[string]map[int64]bool{}
		for _, shard := range shards {
			if shard.Err != nil {
				for _, t := range shard.Req.(*kmsg.DescribeProducersRequest).Topics {
					out[t.Topic] = Writers{Err: s.attempts.join(shard.Err)}
				}
				continue
			}
			writersOf(shard.Resp.(*kmsg.DescribeProducersResponse), since, out, seen)
		}
		for topic, ids := range seen {
			w := out[topic]
			w.Active = len(ids)
			out[topic] = w
		}
	}
	return out, nil
}

func writersOf(resp *kmsg.DescribeProducersResponse, since time.Time, out map[string]Writers, seen map[string]map[int64]bool) {
	for _, t := range resp.Topics {
		w := out[t.Topic]
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				w.Err = Deny(err, "Read", "topic", t.Topic)
				continue
			}
			for _, a := range p.ActiveProducers {
				w.Transactional = w.Transactional || a.CurrentTxnStartOffset >= 0 || a.CoordinatorEpoch >= 0
				if a.LastTimestamp < since.UnixMilli() {
					continue
				}
				if seen[t.Topic] == nil {
					seen[t.Topic] = map[int64]bool{}
				}
				seen[t.Topic][a.ProducerID] = true
			}
		}
		out[t.Topic] = w
	}
}

// batchTopics cuts topics so that no batch asks for many more partitions than most.
func batchTopics(topics []SurveyTopic, most int) [][]SurveyTopic {
	var out [][]SurveyTopic
	room := 0
	for _, t := range topics {
		if room <= 0 {
			out, room = append(out, nil), most
		}
		out[len(out)-1] = append(out[len(out)-1], t)
		room -= max(1, len(t.Partitions))
	}
	return out
}
