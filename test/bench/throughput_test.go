package bench

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"gantry/internal/kafkatest"
)

func TestMain(m *testing.M) {
	if isOne, code := child(); isOne {
		os.Exit(code)
	}
	os.Exit(kafkatest.Main(m))
}

// measureThroughput runs one program over the whole topic, from an empty group to the
// last commit. The rate is from the function's first request to its last answer.
func measureThroughput(t *testing.T, c *kafkatest.Cluster, role string, j job, s *sink) usage {
	s.reset()
	began := time.Now()
	cmd := start(t, role, j)
	if role == "raw" {
		require.NoError(t, cmd.Wait())
		return usage{Rate: float64(j.Records) / time.Since(began).Seconds(), CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	}
	deadline := time.Now().Add(3 * time.Minute)
	admin := c.Admin(t)
	for committed(admin, j.Group) < j.Records {
		require.True(t, time.Now().Before(deadline), "%s did not finish", role)
		time.Sleep(50 * time.Millisecond)
	}
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

func TestThroughputProbe(t *testing.T) {
	kafkatest.Need(t, kafkatest.Latest)
	c := kafkatest.Start(t, kafkatest.Options{})
	const records = 500_000
	c.CreateTopic(t, "load", 8, nil)
	kafkatest.Fill(t, c, kafkatest.Load{Topic: "load", Partitions: 8, Records: records, Size: 1000})
	s := &sink{}
	url, stop, err := serveSink(s)
	require.NoError(t, err)
	defer stop()
	for round := range 3 {
		for _, size := range []int{100, 1000} {
			for _, role := range []string{"floor", "engine"} {
				j := job{Brokers: c.Brokers(), Topic: "load", Group: fmt.Sprintf("%s-%d-%d", role, size, round), URL: url, BatchSize: size, Records: records}
				u := measureThroughput(t, c, role, j, s)
				r := s.read()
				t.Logf("%-6s batch %4d: %8.0f records/s, %.2f CPU s/M, %d MB, %d calls", role, size, u.Rate, u.CPU.Seconds()*1e6/records, u.RSS>>20, r.Calls)
			}
		}
	}
}
