package fault_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
)

// Answers as large as Lambda lets them be are written in transactions of one and of two of
// them; gantry is killed before the end of the first.
func largeAnswers(t *testing.T, c *kafkatest.Cluster, tap *kafkatest.Tap) {
	const largest = 4_680_000 // 6.24 MB as base64 of the 6,291,556 bytes of a response
	count := kafkatest.Size(4, 40)
	s := newSiege(t, c, tap, siegeOptions{partitions: 1, mapping: "batchSize: 1", topics: large})
	s.gantry("large").Up()
	cl := c.Client(t)
	s.killAtEnd(never, func() {
		for i := range count {
			r := &kgo.Record{Topic: s.in, Key: []byte{byte(i)}, Value: []byte("bytes:4680000")}
			require.NoError(t, cl.ProduceSync(t.Context(), r).FirstErr())
		}
		s.fed = int64(count)
	})
	s.eventually(time.Minute, "every record is committed", func() bool { return s.done() == s.fed })
	s.stop()
	var got []int
	committedRecords(t, c, s.out, func(r *kgo.Record) {
		require.Len(t, r.Value, largest)
		got = append(got, int(r.Key[0]))
	})
	require.Len(t, got, count)
	require.IsIncreasing(t, got)
}

// Of ten records the function lets two fail for good: what it answered for the others and
// both dead letters are one transaction. Killed before its end gantry makes it again; nobody
// sees anything of the first.
func lettersInTheTransaction(t *testing.T, c *kafkatest.Cluster, tap *kafkatest.Tap) {
	letters := kafkatest.Topic(t) + ".letters"
	c.CreateTopic(t, letters, 1, nil)
	s := newSiege(t, c, tap, siegeOptions{partitions: 1,
		mapping: "batchSize: 10, maximumRetryAttempts: 0, reportBatchItemFailures: true, onFailure: kafka://" + letters})
	b := s.gantry("letters")
	b.Up()
	s.killAtEnd(never, func() {
		var batch []*kgo.Record
		for i := range 10 {
			r := &kgo.Record{Topic: s.in, Key: []byte{byte(i)}, Value: []byte("good")}
			if i == 3 || i == 7 {
				r.Value = []byte("bad")
			}
			batch = append(batch, r)
		}
		require.NoError(t, c.Client(t, kgo.ProducerLinger(200*time.Millisecond)).ProduceSync(t.Context(), batch...).FirstErr())
		s.fed = 10
	})
	s.eventually(time.Minute, "every record is committed", func() bool { return s.done() == s.fed })
	s.stop()
	require.EqualValues(t, 1, b.ends.Load(), "transactions whose end was asked for and passed on")
	type transaction struct {
		producer int64
		epoch    int16
	}
	seen := map[transaction]bool{}
	keys := func(topic string, offsets int64) (all []int) {
		total := committedRecords(t, c, topic, func(r *kgo.Record) {
			all = append(all, int(r.Key[0]))
			seen[transaction{r.ProducerID, r.ProducerEpoch}] = true
		})
		require.Equal(t, offsets, total, "records aborted, their marker, records committed, their marker")
		return all
	}
	require.Equal(t, []int{0, 1, 2, 4, 5, 6, 8, 9}, keys(s.out, 8+1+8+1))
	require.Equal(t, []int{3, 7}, keys(letters, 2+1+2+1))
	require.Len(t, seen, 1, "one transaction")
}
