package fault_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
	"gantry/mapping"
)

// large records as a topic takes them that allows 8 MB.
var large = map[string]string{"max.message.bytes": "8388608"}

const (
	fits    = 4_600_000 // 6.13 MB as base64: an event of one record
	tooLong = 6_000_000 // 8 MB as base64: no event can carry it
)

func (w *world) produceSizes(sizes ...int) {
	cl := w.cluster.Client(w.t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(8<<20))
	for i, size := range sizes {
		value := bytes.Repeat([]byte{byte(i)}, size)
		require.NoError(w.t, cl.ProduceSync(context.Background(), &kgo.Record{Topic: w.topic, Value: value}).FirstErr())
	}
}

// Records near the limit of an invocation go alone; one over it holds its lane with a
// problem that says so, until its owner chooses what becomes of it.
func TestLargeRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kafkatest.Shared(t), worldOptions{configs: large})
	w.produceSizes(10, fits, fits, 10, tooLong, 10)
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.eventually(time.Minute, "it stands at the record that is too long", func() bool {
		return w.shown(g).Status.ProcessingResult == mapping.ProblemOversize
	})
	require.Equal(t, span(0, 3), w.delivered(0))
	w.eventually(10*time.Second, "all before it is committed", func() bool {
		return w.cluster.Committed(t, w.group(0), w.topic)[0] == 4
	})
	require.Contains(t, w.shown(g).Status.Detail, "oversize: drop")
	require.NoError(t, g.Stop())
	require.Equal(t, map[int32]int64{0: 4}, w.cluster.Committed(t, w.group(0), w.topic))

	w.mapping = ", oversize: drop" // the owner's choice
	dropping := gantrytest.Start(t, gantrytest.Options{Config: w.yaml()})
	w.settled(dropping)
	require.Equal(t, append(span(0, 3), 5), w.delivered(0))
	require.Contains(t, lineWith(dropping.Log(), "records given up"), "MaximumPayloadSizeExceeded")
	require.NoError(t, dropping.Stop())
}

// A record that no invocation can carry goes to the destination: as AWS's document where
// the topic takes that, else as the record itself, the document without it in a header.
func TestLargeRecordsToADestination(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	for name, limit := range map[string]string{"as a document": "8388608", "as the record itself": "7000000"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			letters := kafkatest.Topic(t)
			c.CreateTopic(t, letters, 1, map[string]string{"max.message.bytes": limit})
			w := newWorld(t, c, worldOptions{configs: large, mapping: ", onFailure: kafka://" + letters})
			w.produceSizes(10, tooLong, 10)
			g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
			w.awaitWork(time.Time{})
			w.settled(g)
			require.Equal(t, []int64{0, 2}, w.delivered(0))
			cl := c.Client(t, kgo.ConsumeTopics(letters), kgo.FetchMaxBytes(32<<20), kgo.FetchMaxPartitionBytes(16<<20))
			got := cl.PollFetches(t.Context()).Records()
			require.Len(t, got, 1)
			document := string(got[0].Value)
			if limit == "7000000" {
				require.Equal(t, bytes.Repeat([]byte{1}, tooLong), got[0].Value)
				document = header(got[0], "gantry-document-value")
			}
			require.Contains(t, document, `"condition":"MaximumPayloadSizeExceeded"`)
			require.Equal(t, "1", header(got[0], "gantry-offset"))
			require.NoError(t, g.Stop())
		})
	}
}

func header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// A topic of one letter, which YAML may name, and a key for every record.
func TestManyKeysInAOneLetterTopic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, kafkatest.Shared(t), worldOptions{topic: "q", partitions: 5})
	counts := w.fill(kafkatest.Size(4_000, 40_000))
	g := gantrytest.Start(t, gantrytest.Options{Config: w.config})
	w.awaitWork(time.Time{})
	w.settled(g)
	w.once(counts)
	require.NoError(t, g.Stop())
}
