package kafka

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/record"
)

// partitioner puts a record where its Partition says, and any other where Kafka's own
// producer would: by the key's murmur2, or spread where there is no key.
func partitioner() kgo.Partitioner {
	const spread = 64 << 10 // bytes to a partition before the next, as Kafka's producer
	return chosen{kgo.UniformBytesPartitioner(spread, true, true, nil)}
}

type chosen struct{ kgo.Partitioner }

// ForTopic implements kgo.Partitioner.
func (c chosen) ForTopic(topic string) kgo.TopicPartitioner {
	return chosenOfTopic{c.Partitioner.ForTopic(topic).(kgo.TopicBackupPartitioner)}
}

type chosenOfTopic struct{ kgo.TopicBackupPartitioner }

// RequiresConsistency implements kgo.TopicPartitioner.
func (c chosenOfTopic) RequiresConsistency(r *kgo.Record) bool {
	return r.Partition != record.ByKey || c.TopicBackupPartitioner.RequiresConsistency(r)
}

// PartitionByBackup implements kgo.TopicBackupPartitioner.
func (c chosenOfTopic) PartitionByBackup(r *kgo.Record, n int, backup kgo.TopicBackupIter) int {
	if r.Partition != record.ByKey {
		return int(r.Partition)
	}
	return c.TopicBackupPartitioner.PartitionByBackup(r, n, backup)
}
