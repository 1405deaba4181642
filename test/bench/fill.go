package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
)

// partitions of every topic that is measured.
const partitions = 8

// fill writes the records of a load, uncompressed: what is fetched is then as large as
// what is held, and decompression is nobody's advantage.
func fill(t testing.TB, c *kafkatest.Cluster, topic string, size int, records int64) {
	t.Helper()
	cl := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(256<<10), kgo.MaxBufferedRecords(20_000))
	value := make([]byte, size)
	for i := range value {
		value[i] = byte('a' + rand.N(26))
	}
	failed := make(chan error, 1)
	for i := range records {
		r := &kgo.Record{Topic: topic, Partition: int32(i % partitions), Key: fmt.Appendf(nil, "k%d", i%1000), Value: value}
		cl.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
	}
	if err := cl.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
}
