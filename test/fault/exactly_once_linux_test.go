package fault_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
)

// answering is a function that answers each record it gets as a record of topic OUT. A value
// that is a length is answered by so many bytes, and one that is "bad" is reported as failed.
const answering = `package main

import (
	"bytes"
	"encoding/base64"
	"os"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(e events.KafkaEvent) (any, error) {
		out, failed := []map[string]any{}, []map[string]any{}
		for partition, records := range e.Records {
			for _, r := range records {
				value, _ := base64.StdEncoding.DecodeString(r.Value)
				if string(value) == "bad" {
					failed = append(failed, map[string]any{"itemIdentifier": map[string]any{"partition": partition, "offset": r.Offset}})
					continue
				}
				if n, large := strings.CutPrefix(string(value), "bytes:"); large {
					size, _ := strconv.Atoi(n)
					r.Value = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{'x'}, size))
				}
				out = append(out, map[string]any{"key": r.Key, "value": r.Value})
			}
		}
		return map[string]any{"records": map[string]any{os.Getenv("OUT"): out}, "batchItemFailures": failed}, nil
	})
}
`

// Records are read, answered by a function and written in transactions while gantry, its
// functions and brokers are killed at random, gantry also between the commit of its offsets
// and the end of the transaction, and a second gantry joins and leaves: whoever reads
// committed records finds each exactly once, in order per key.
func TestExactlyOnce(t *testing.T) {
	kafkatest.Each(t, kafkatest.Versions(), func(t *testing.T, version string) {
		tap := &kafkatest.Tap{}
		c := kafkatest.Start(t, kafkatest.Options{Version: version, Brokers: 3, Tap: tap})
		t.Run("one by one", func(t *testing.T) {
			t.Run("answers of 6 MB", func(t *testing.T) { t.Parallel(); largeAnswers(t, c, tap) })
			t.Run("dead letters", func(t *testing.T) { t.Parallel(); lettersInTheTransaction(t, c, tap) })
		})
		t.Run("killed at random", func(t *testing.T) { exactlyOnce(t, c, tap) })
	})
}

// The load: numbers, each under the key of its remainder.
const onceKeys, oncePartitions = 97, 6

func exactlyOnce(t *testing.T, c *kafkatest.Cluster, tap *kafkatest.Tap) {
	began := time.Now()
	count, kills := kafkatest.Size(20_000, 500_000), kafkatest.Size(4, 20)
	s := newSiege(t, c, tap, siegeOptions{partitions: oncePartitions, mapping: "batchSize: 100"})
	first, second := s.gantry("first"), s.gantry("second")
	first.Up()
	feed, step := s.feed(), count/(kills+1)
	for i, kill := range s.kills(kills) {
		switch i % 4 {
		case 1:
			second.join()
		case 3:
			second.share(feed)
			second.leave()
		}
		kill.do(func() { feed(step) })
		t.Logf("%4.0f s: %d of %d: %s (%d of %d records committed)", time.Since(began).Seconds(), i+1, kills, kill.name, s.before, s.fed)
	}
	feed(max(step, count-int(s.fed)))
	s.eventually(20*time.Minute, "every record is committed", func() bool { return s.done() == s.fed })
	require.Greater(t, s.hits, kills/2, "most were killed while there was work")
	s.stop()
	once(t, c, s.out, int(s.fed), onceKeys)
	t.Logf("%d records, %d kills of which %d while there was work, %d and %d transactions by the first and the second, %s", s.fed, kills, s.hits,
		first.ends.Load(), second.ends.Load(), time.Since(began).Round(time.Second))
}

// feed gives a way to write what comes before each kill: there is always something to do when
// one is killed, and never so much that it is done only long after.
func (s *siege) feed() func(more int) {
	cl := s.c.Client(s.t, kgo.RequestTimeoutOverhead(5*time.Second))
	return func(more int) {
		s.before = s.done()
		for range more {
			cl.Produce(cl.Context(), &kgo.Record{Topic: s.in, Key: []byte("k" + strconv.Itoa(int(s.fed)%onceKeys)), Value: []byte(strconv.Itoa(int(s.fed)))}, nil)
			s.fed++
		}
		require.NoError(s.t, cl.Flush(cl.Context()))
	}
}

// share waits until one that joined has ended a transaction, and feeds more as long as there
// is nothing it could do.
func (b *besieged) share(feed func(more int)) {
	b.s.eventually(2*time.Minute, "the joined one has its share", func() bool {
		if b.ends.Load() == 0 && b.s.done() == b.s.fed {
			feed(500)
		}
		return b.ends.Load() > 0
	})
}

// moved says that something was committed since the last feed, or nothing is left to be.
func (s *siege) moved() bool {
	at := s.done()
	return at > s.before || at == s.fed
}

// kills gives what is killed: each way as often as the others, in an order of chance.
func (s *siege) kills(n int) (all []assault) {
	for len(all) < n {
		ways := s.ways(len(all) / 4)
		rand.Shuffle(len(ways), func(i, j int) { ways[i], ways[j] = ways[j], ways[i] })
		all = append(all, ways...)
	}
	return all[:n]
}

// once reads what is committed, to the end: the numbers of each key without a gap, in order.
func once(t *testing.T, c *kafkatest.Cluster, topic string, count, keys int) {
	t.Helper()
	next, seen := map[string]int{}, 0
	total := committedRecords(t, c, topic, func(r *kgo.Record) {
		key := string(r.Key)
		of, err := strconv.Atoi(strings.TrimPrefix(key, "k"))
		require.NoError(t, err)
		n, err := strconv.Atoi(string(r.Value))
		require.NoError(t, err)
		require.Equal(t, of+next[key]*keys, n, "key %s at %d/%d", key, r.Partition, r.Offset)
		next[key]++
		seen++
	})
	require.Equal(t, count, seen)
	t.Logf("%d records once and in order; the topic has %d offsets, markers and aborted records among them", seen, total)
}

// committedRecords shows every record that readers of committed records see, once no
// transaction is open, and gives how many offsets the topic has.
func committedRecords(t *testing.T, c *kafkatest.Cluster, topic string, take func(*kgo.Record)) (offsets int64) {
	t.Helper()
	admin := c.Admin(t)
	left := map[int32]int64{}
	require.Eventually(t, func() bool {
		ends, err := admin.ListEndOffsets(t.Context(), topic)
		require.NoError(t, err)
		stable, err := admin.ListCommittedOffsets(t.Context(), topic)
		require.NoError(t, err)
		offsets = 0
		open := false
		ends.Each(func(end kadm.ListedOffset) {
			at, ok := stable.Lookup(topic, end.Partition)
			open = open || !ok || at.Offset != end.Offset
			if offsets += end.Offset; end.Offset > 0 {
				left[end.Partition] = end.Offset
			}
		})
		return !open
	}, time.Minute, 100*time.Millisecond, "a transaction stays open")
	cl := c.Client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxBytes(32<<20), kgo.FetchMaxPartitionBytes(16<<20))
	ctx, done := context.WithTimeout(t.Context(), 4*time.Minute)
	defer done()
	for len(left) > 0 {
		fs := cl.PollRecords(ctx, 10_000)
		require.NoError(t, fs.Err())
		fs.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				take(r)
			}
			if r.Offset == left[r.Partition]-1 {
				delete(left, r.Partition)
			}
		})
	}
	return offsets
}
