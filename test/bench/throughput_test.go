package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"gantry/internal/kafkatest"
)

const rounds = 7 // interleaved pairs, after one that is thrown away

// loads are what throughput is measured on.
var loads = []struct {
	topic   string
	size    int
	records int64
}{
	{"records-1000", 1000, 500_000},
	{"records-100", 100, 1_500_000},
}

// Throughput: gantry against the floor, pair by pair, so that what the machine does
// besides meets both.
func TestThroughput(t *testing.T) {
	c := cluster(t)
	s := &sink{}
	url, stop, err := serveSink(s)
	require.NoError(t, err)
	defer stop()
	var out table
	for _, l := range loads {
		c.CreateTopic(t, l.topic, partitions, nil)
		fill(t, c, l.topic, l.size, l.records)
		raw := measure(t, c, "raw", job{Brokers: c.Brokers(), Topic: l.topic, Records: l.records}, s)
		for _, size := range []int{100, 1000} {
			j := job{Brokers: c.Brokers(), Topic: l.topic, URL: url, BatchSize: size, Records: l.records}
			floor, ours := pairs(t, c, j, s)
			out.add(fmt.Sprintf("%d B, batch %d", l.size, size), raw, floor, ours)
		}
	}
	report(t, "Throughput, records/s: median of "+fmt.Sprint(rounds)+" interleaved pairs", out.lines())
}

// pairs measures the floor and gantry in turn.
func pairs(t *testing.T, c *kafkatest.Cluster, j job, s *sink) (floor, ours []usage) {
	for round := range rounds + 1 {
		for _, role := range []string{"floor", "gantry"} {
			j.Group = fmt.Sprintf("%s-%s-%d-%d", j.Topic, role, j.BatchSize, round)
			u := measure(t, c, role, j, s)
			t.Logf("%s batch %d round %d: %-6s %8.0f/s %.2f CPU s/M %d MB", j.Topic, j.BatchSize, round, role, u.Rate, u.CPU.Seconds()*1e6/float64(j.Records), u.RSS>>20)
			switch {
			case round == 0: // warm-up
			case role == "floor":
				floor = append(floor, u)
			default:
				ours = append(ours, u)
			}
		}
	}
	return floor, ours
}

// measure runs one program over the whole topic, from an empty group to the last
// commit. The rate is from the function's first request to its last answer.
func measure(t *testing.T, c *kafkatest.Cluster, role string, j job, s *sink) usage {
	s.reset()
	began := time.Now()
	cmd := program(t, role, j)
	if role == "raw" {
		require.NoError(t, cmd.Wait())
		return usage{Rate: float64(j.Records) / time.Since(began).Seconds(), CPU: used(cmd)}
	}
	admin := c.Admin(t)
	require.Eventually(t, func() bool { return committed(admin, j.Group) >= j.Records }, 3*time.Minute, 50*time.Millisecond, "%s does not finish", role)
	r := s.read()
	cpu, rss := end(t, cmd)
	return usage{Rate: float64(j.Records) / r.Last.Sub(r.First).Seconds(), CPU: cpu, RSS: rss}
}

// committed sums a group's offsets; a coordinator that is not there yet has none.
func committed(admin *kadm.Client, group string) (n int64) {
	offsets, err := admin.FetchOffsets(context.Background(), group)
	if err != nil {
		return 0
	}
	offsets.Each(func(o kadm.OffsetResponse) { n += max(o.At, 0) })
	return n
}
