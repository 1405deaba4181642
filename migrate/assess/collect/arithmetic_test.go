package collect

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/kafka"
	"gantry/record"
	"gantry/workload"
)

func TestGini(t *testing.T) {
	t.Parallel()
	require.Zero(t, gini([]float64{5}))
	require.InDelta(t, 0, gini([]float64{3, 3, 3, 3}), 1e-9)
	require.InDelta(t, 0.75, gini([]float64{0, 0, 0, 8}), 1e-9)
	require.InDelta(t, 0.25, gini([]float64{1, 2, 3, 4}), 1e-9)
}

// A partition with few drawn records and much traffic counts for its traffic.
func TestWeights(t *testing.T) {
	t.Parallel()
	draw := func(index int32, key string, n int) kafka.Run {
		run := kafka.Run{Position: record.Position{Topic: "t", Partition: index}}
		for i := range n {
			run.Records = append(run.Records, record.Record{Offset: int64(i), Timestamp: int64(i), Key: []byte(key), Value: []byte("xx")})
		}
		return run
	}
	ta := newTally(true)
	ta.add(draw(0, "hot", 10), 10)
	ta.add(draw(1, "cold", 10), 5)
	s := ta.sample(map[int32]float64{0: 900, 1: 100})
	require.Equal(t, 15, s.Records)
	require.Equal(t, []workload.KeyShare{{Key: "hot", Share: 0.9}, {Key: "cold", Share: 0.1}}, s.TopKeys)
	require.InDelta(t, 0.9*5+0.1*6, s.MeanBytes, 1e-9)
	require.Equal(t, 5, s.P50Bytes)
	require.Equal(t, 6, s.P99Bytes)
}

// Keys that are no text are shown as bytes, long ones cut between letters.
func TestReadable(t *testing.T) {
	t.Parallel()
	require.Equal(t, "order-1", readable([]byte("order-1")))
	require.Equal(t, "0xff00", readable([]byte{0xff, 0}))
	long := ""
	for range 60 {
		long += "é"
	}
	require.Equal(t, long[:100]+"…", readable([]byte(long)))
}

func TestDrain(t *testing.T) {
	t.Parallel()
	at := time.Unix(0, 0)
	m := &moves{}
	total, lag := int64(0), int64(3000)
	for s := range 60 {
		m.points = append(m.points, point{at.Add(time.Duration(s) * time.Second), total, lag})
		did := int64(100) // while it catches up
		if lag < 100 {
			did = 10 // then what comes in
		}
		total, lag = total+did, max(0, lag-did+10)
	}
	require.InDelta(t, 100, m.drain(leastDrain, time.Minute), 1)

	idle := &moves{}
	for s := range 60 {
		idle.points = append(idle.points, point{at.Add(time.Duration(s) * time.Second), int64(s) * 10, 5})
	}
	require.Zero(t, idle.drain(leastDrain, time.Minute), "it was never busy for a whole window")
	require.InDelta(t, 10, idle.rate(time.Minute), 1e-9)
}

// Halving finds the same as asking about every edge, and asks less where nothing was.
func TestSettle(t *testing.T) {
	t.Parallel()
	truth := []int64{0, 0, 0, 4, 4, 4, 4, 9, 9}
	got := blank(len(truth), 9, true)
	asked := 0
	look := func(edge int) {
		if !settle(got, edge) {
			asked++
			got[edge] = truth[edge]
		}
	}
	look(0)
	look(len(truth) - 1)
	for spans := []span{{0, len(truth) - 1}}; len(spans) > 0; {
		var halves []span
		for _, s := range spans {
			if s.to-s.from > 1 {
				look(s.middle())
				halves = append(halves, span{s.from, s.middle()}, span{s.middle(), s.to})
			}
		}
		spans = halves
	}
	require.Equal(t, truth, got)
	require.Less(t, asked, len(truth))
}

// What retention may have removed is not told as nothing written.
func TestRetained(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	now := time.Date(2026, 3, 5, 12, 30, 0, 0, time.UTC)
	s, err := Options{Buckets: 48}.decide()
	require.NoError(t, err)
	edges := s.edges(now)
	p := record.Partition{Topic: "t"}
	for _, tc := range []struct {
		name       string
		keep       kafka.TopicSettings
		start, end int64
		offset     func(edge int) int64
		from       int
	}{
		{"nothing was ever removed", kafka.TopicSettings{Retention: day}, 0, 100, func(i int) int64 { return int64(i) }, 0},
		{"a day is kept", kafka.TopicSettings{Retention: day}, 70, 100, func(i int) int64 { return max(70, int64(i)+45) }, 25},
		{"a day is kept, and its first hours had no records", kafka.TopicSettings{Retention: day}, 70, 100, func(i int) int64 { return max(70, int64(i)+30) }, 25},
		{"size decides", kafka.TopicSettings{Retention: day, SizeRetention: true}, 70, 100, func(i int) int64 { return max(70, int64(i)+30) }, 41},
		{"empty, a day is kept", kafka.TopicSettings{Retention: day}, 70, 70, func(int) int64 { return 70 }, 25},
		{"empty, removed by hand", kafka.TopicSettings{Retention: -1}, 70, 70, func(int) int64 { return 70 }, 0},
		{"compacted", kafka.TopicSettings{Retention: -1, Compacted: true}, 70, 100, func(int) int64 { return 80 }, 0},
		{"only the last minutes", kafka.TopicSettings{Retention: -1, SizeRetention: true}, 70, 100, func(int) int64 { return 70 }, 48},
	} {
		r := newReading(nil, s)
		r.began, r.start[p], r.end[p] = now, tc.start, tc.end
		to := &topic{TopicSettings: tc.keep, offsets: map[int32][]int64{}}
		for i := range edges {
			to.offsets[0] = append(to.offsets[0], tc.offset(i))
		}
		require.Equal(t, tc.from, r.retainedFrom(to, p, edges), tc.name)
	}
}

// Partitions that reach back differently far are added up from where all of them do.
func TestSum(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)
	part := func(hours int, counts ...float64) workload.Partition {
		return workload.Partition{Rate: workload.Series{From: at.Add(time.Duration(hours) * time.Hour), Width: time.Hour, Counts: counts}}
	}
	got := sum([]workload.Partition{part(0, 1, 2, 3), part(1, 10, 10), {}})
	require.Equal(t, workload.Series{From: at.Add(time.Hour), Width: time.Hour, Counts: []float64{12, 13}}, got)
}

// What holds for many is one sentence.
func TestCaveats(t *testing.T) {
	t.Parallel()
	var c caveats
	for i := range 8 {
		c.add("topic", fmt.Sprintf("t%d", i), "Read is not allowed")
		c.add("topic", "t0", "Read is not allowed")
	}
	c.say("some groups may be missing")
	c.add("group", "g", "gone")
	require.Equal(t, []string{
		"some groups may be missing", "group g: gone", "topics t0, t1, t2, t3, t4 and 3 more: Read is not allowed",
	}, c.sentences())
}
