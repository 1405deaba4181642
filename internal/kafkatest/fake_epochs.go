package kafkatest

import (
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// epochs remembers where each leader epoch of a partition began and answers
// OffsetForLeaderEpoch from it (KIP-320). kfake derives the answer from the batches it
// holds, so it calls an epoch in which nothing was written yet unknown, and kgo then
// reports data loss where there is none.
type epochs struct {
	mu     sync.Mutex
	starts map[string]map[int32][]int64 // topic, partition: start offset of epoch 1, 2, …
}

func (e *epochs) begin(topic string, partition int32, at int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.starts == nil {
		e.starts = map[string]map[int32][]int64{}
	}
	if e.starts[topic] == nil {
		e.starts[topic] = map[int32][]int64{}
	}
	e.starts[topic][partition] = append(e.starts[topic][partition], at)
}

// end gives the offset at which epoch ended, or false if that epoch has not ended.
func (e *epochs) end(topic string, partition, epoch int32) (int64, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	starts := e.starts[topic][partition]
	if epoch < 0 || int(epoch) >= len(starts) {
		return 0, false
	}
	return starts[epoch], true
}

// MoveLeader elects another broker of the cluster leader of a partition, cleanly: the
// leader epoch rises and no record is lost. Use it, not MoveTopicPartition: see epochs.
func (f *Fake) MoveLeader(t testing.TB, topic string, partition, broker int32) {
	t.Helper()
	f.elect(t, topic, partition, broker, f.PartitionInfo(topic, partition).HighWatermark)
}

// ElectUncleanly elects a leader whose log ended at offset: a consumer that read past
// it learns that the log was truncated. What is stored stays, so consumers that were
// not yet there read on.
func (f *Fake) ElectUncleanly(t testing.TB, topic string, partition, broker int32, offset int64) {
	t.Helper()
	f.elect(t, topic, partition, broker, offset)
}

func (f *Fake) elect(t testing.TB, topic string, partition, broker int32, at int64) {
	t.Helper()
	f.epochs.begin(topic, partition, at)
	if err := f.MoveTopicPartition(topic, partition, broker); err != nil {
		t.Fatalf("move the leader of %s-%d to broker %d: %v", topic, partition, broker, err)
	}
}

// answerEpochs serves a request for ended epochs; the rest is left to kfake.
func (f *Fake) answerEpochs(kreq kmsg.Request) (kmsg.Response, error, bool) { //nolint:revive // the order kfake asks for
	req := kreq.(*kmsg.OffsetForLeaderEpochRequest)
	resp := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
	for _, rt := range req.Topics {
		topic := kmsg.NewOffsetForLeaderEpochResponseTopic()
		topic.Topic = rt.Topic
		for _, rp := range rt.Partitions {
			end, ended := f.epochs.end(rt.Topic, rp.Partition, rp.LeaderEpoch)
			info := f.PartitionInfo(rt.Topic, rp.Partition)
			if !ended || info == nil {
				return nil, nil, false
			}
			topic.Partitions = append(topic.Partitions, epochAnswer(&rp, info, end, f.CurrentNode()))
		}
		resp.Topics = append(resp.Topics, topic)
	}
	f.KeepControl()
	return resp, nil, true
}

func epochAnswer(rp *kmsg.OffsetForLeaderEpochRequestTopicPartition, info *kfake.PartitionInfo, end int64, node int32) kmsg.OffsetForLeaderEpochResponseTopicPartition {
	p := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
	p.Partition = rp.Partition
	switch current := rp.CurrentLeaderEpoch; {
	case info.Leader != node:
		p.ErrorCode = kerr.NotLeaderForPartition.Code
	case current != -1 && current < info.Epoch:
		p.ErrorCode = kerr.FencedLeaderEpoch.Code
	case current > info.Epoch:
		p.ErrorCode = kerr.UnknownLeaderEpoch.Code
	default:
		p.LeaderEpoch, p.EndOffset = rp.LeaderEpoch, end
	}
	return p
}
