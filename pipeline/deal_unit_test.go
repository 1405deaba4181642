package pipeline

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/record"
)

// Keys spread over the lanes, also those that Kafka's partitioner puts into one partition
// of sixteen, and records without a key.
func TestKeysSpread(t *testing.T) {
	t.Parallel()
	const lanes, n = 16, 32_000
	kafkas := kgo.StickyKeyPartitioner(nil).ForTopic("t")
	inOne := func(key []byte) bool { return kafkas.Partition(&kgo.Record{Key: key}, 16) == 3 }
	for name, key := range map[string]func(i int) []byte{
		"numbers":   func(i int) []byte { return fmt.Appendf(nil, "%d", i) },
		"names":     func(i int) []byte { return fmt.Appendf(nil, "customer-%08d", i) },
		"binary":    func(i int) []byte { return []byte{0, 0, 0, 0, 0, byte(i >> 16), byte(i >> 8), byte(i)} },
		"partition": func(i int) []byte { return fmt.Appendf(nil, "order/%d", i) },
		"none":      func(int) []byte { return nil },
	} {
		var counts [lanes]int
		for i, got := 0, 0; got < n; i++ {
			r := record.Record{Offset: int64(got), Key: key(i)}
			if name == "partition" && !inOne(r.Key) {
				continue
			}
			counts[slotOf(&r, lanes)]++
			got++
		}
		for slot, c := range counts {
			require.InDelta(t, n/lanes, c, 300, "%s: lane %d has %d of %d", name, slot, c, n) // seven standard deviations
		}
	}
}

// The span never says less than there is, and at most a run more.
func TestSpanOverestimatesByARunAtMost(t *testing.T) {
	t.Parallel()
	s := span{most: defaultSpan()}
	most := s.most.Records
	require.True(t, s.room())
	for begin := int64(0); begin < most; begin += 250 {
		require.True(t, s.room())
		s.deal(2*begin, 2*begin+498, 250, 2500)
	}
	require.False(t, s.room())
	for committed := int64(0); committed <= 2*most; committed += 100 {
		s.commit(committed)
		truth := max(0, most-committed/2)
		require.GreaterOrEqual(t, s.records(), truth)
		require.Less(t, s.records(), truth+250)
		require.Equal(t, 10*s.records(), s.bytes())
		require.Equal(t, s.records() < most*3/4 || s.records() == 0, s.room(), "it takes again below three quarters: %d", s.records())
	}
	require.Zero(t, s.records())
}

func TestASpanIsFullByItsBytes(t *testing.T) {
	t.Parallel()
	s := span{most: defaultSpan()}
	large := record.Record{Value: make([]byte, 1<<20)}
	run := []record.Record{large, large, large}
	n, bytes := s.fit(run, 2)
	require.Equal(t, 2, n)
	require.EqualValues(t, 2*(1<<20+recordOverhead), bytes)
	s.deal(0, 62, 63, 63<<20)
	n, _ = s.fit(run, 3)
	require.Equal(t, 1, n, "one more is taken, so that a large record can't stop everything")
	s.deal(63, 63, 1, bytes/2)
	require.False(t, s.room())
}
