package kafkatest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Source is a Kafka to write test records to: a Fake, one of its Hosts, or a real
// Cluster.
type Source interface {
	Client(t testing.TB, opts ...kgo.Opt) *kgo.Client
}

// Produce writes records to the partitions they name, in order, waits for all of
// them, and gives them back with their offsets.
func Produce(t testing.TB, to Source, records ...*kgo.Record) []*kgo.Record {
	t.Helper()
	cl := to.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer cl.Close()
	for i, r := range cl.ProduceSync(context.Background(), records...) {
		if r.Err != nil {
			t.Fatalf("produce record %d of %d to %s-%d: %v", i+1, len(records), r.Record.Topic, r.Record.Partition, r.Err)
		}
	}
	return records
}

// ProduceValues writes values without keys to one partition and gives back the offset
// of the first.
func ProduceValues(t testing.TB, to Source, topic string, partition int32, values ...string) int64 {
	t.Helper()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: topic, Partition: partition, Value: []byte(v)}
	}
	if Produce(t, to, records...); len(records) == 0 {
		return -1
	}
	return records[0].Offset
}

// Load says what Fill writes.
type Load struct {
	Topic      string
	Partitions int // written round robin
	Records    int
	Size       int // bytes of a value, at least what {"n":…,"pad":""} takes
}

// Fill writes Load.Records records {"n":0,"pad":"…"}, {"n":1,…} with the keys k0, k1,
// …, the i-th to partition i mod Partitions.
func Fill(t testing.TB, to Source, l Load) {
	t.Helper()
	const chunk = 20_000 // bounds the memory of a large load
	for done := 0; done < l.Records; done += chunk {
		records := make([]*kgo.Record, 0, chunk)
		for i := done; i < min(done+chunk, l.Records); i++ {
			records = append(records, &kgo.Record{
				Topic:     l.Topic,
				Partition: int32(i % max(1, l.Partitions)),
				Key:       fmt.Appendf(nil, "k%d", i),
				Value:     padded(i, l.Size),
			})
		}
		Produce(t, to, records...)
	}
}

func padded(n, size int) []byte {
	head := fmt.Sprintf(`{"n":%d,"pad":"`, n)
	return []byte(head + strings.Repeat("x", max(0, size-len(head)-2)) + `"}`)
}
