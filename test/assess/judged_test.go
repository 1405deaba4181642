package assess_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/clustertest"
	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/migrate/assess"
	"gantry/migrate/assess/collect"
	"gantry/migrate/assess/cost"
	"gantry/migrate/assess/report"
	"gantry/workload"
)

// TestJudged surveys a real cluster of known shapes and judges it: indices and verdicts are
// those of what was made.
func TestJudged(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t, kafkatest.Options{})
	made := clustertest.Build(t, c, clustertest.Spec{Topics: 10, Groups: 24, Prefix: "judged"})
	watch := 3 * time.Second
	s, err := collect.Run(t.Context(), kafka.Cluster{Brokers: c.Brokers()}, collect.Options{Name: "real", WatchFor: &watch})
	require.NoError(t, err)
	prices, err := cost.Read(cost.Default, "prices.yaml")
	require.NoError(t, err)
	judged := assess.Make(s, assess.Inputs{Prices: prices, Made: s.Ended})

	shapes := map[string]clustertest.Shape{}
	for _, topic := range made.Topics {
		shapes[topic.Name] = topic.Shape
	}
	seen := map[clustertest.Shape]bool{}
	for _, topic := range judged.Topics {
		if shape, ours := shapes[topic.Name]; ours {
			seen[shape] = true
			shapely(t, shape, topic)
		}
	}
	require.Len(t, seen, len(clustertest.Shapes()))
	kinds := map[string]clustertest.Kind{}
	for _, g := range made.Groups {
		kinds[g.ID] = g.Kind
	}
	count := 0
	for _, svc := range judged.Services {
		if kind, ours := kinds[svc.Group]; ours {
			count++
			classed(t, kind, svc)
		}
	}
	require.Equal(t, len(made.Groups), count)
	require.NotNil(t, judged.First)
	var b bytes.Buffer
	require.NoError(t, report.Write(&b, judged))
	require.Contains(t, b.String(), judged.First.Service)
	require.NoError(t, os.WriteFile(filepath.Join(t.ArtifactDir(), "report.html"), b.Bytes(), 0o600)) // go test -artifacts keeps it
}

// shapely holds the indices of a topic against the shape it was made in.
func shapely(t *testing.T, shape clustertest.Shape, topic workload.TopicTraffic) {
	t.Helper()
	x := topic.Traffic
	switch shape {
	case clustertest.Steady:
		require.Less(t, x.Idle, 0.05, topic.Name)
		require.Less(t, x.PeakToMean, 1.6, topic.Name)
	case clustertest.Bursty:
		require.InDelta(t, 5.0/6, x.Idle, 0.05, topic.Name)
		require.Greater(t, x.PeakToMean, 4.0, topic.Name)
		require.Greater(t, *x.Burstiness, 0.3, topic.Name)
	case clustertest.Idle:
		require.Greater(t, x.Idle, 0.95, topic.Name)
	case clustertest.Skewed:
		require.Greater(t, x.Hottest, 0.6, topic.Name)
		require.InDelta(t, clustertest.HotShare, x.HotKey.Share, 0.15, topic.Name)
		require.Less(t, x.Parallel, 1.7, topic.Name)
	case clustertest.Seasonal:
		require.InDelta(t, 118.0/168, x.Idle, 0.06, topic.Name)
		for _, hour := range []int{3, 5*24 + 12, 6*24 + 12} { // Monday at night, Saturday and Sunday at noon
			require.Zero(t, x.HourOfWeek[hour], topic.Name)
		}
		require.Positive(t, x.HourOfWeek[2*24+12], topic.Name)
	}
}

// classed holds a verdict against the kind of group it was made for.
func classed(t *testing.T, kind clustertest.Kind, svc workload.Service) {
	t.Helper()
	switch kind {
	case clustertest.Plain:
		require.Equal(t, workload.Plain, svc.Class, svc.Group)
		require.NotEqual(t, workload.ToContainer, svc.Verdict.Target, "%s: a few records an hour", svc.Group)
		require.Positive(t, svc.Wave, svc.Group)
	case clustertest.Streams:
		require.Equal(t, workload.ToContainer, svc.Verdict.Target, svc.Group)
		require.Zero(t, svc.Wave)
	case clustertest.Connect, clustertest.Sink, clustertest.Outside, clustertest.Idler:
		require.Equal(t, workload.ToStay, svc.Verdict.Target, "%s (%s)", svc.Group, svc.Class)
		require.Zero(t, svc.Wave)
	}
}
