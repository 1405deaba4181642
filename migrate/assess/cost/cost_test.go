package cost_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/migrate/assess/cost"
	"gantry/workload"
)

func prices(t *testing.T) cost.Prices {
	t.Helper()
	p, err := cost.Read(cost.Default, "prices.yaml")
	require.NoError(t, err)
	return p
}

// row is a line of the worked table: how much traffic, in which share of the time, over how
// many partitions, and what a month costs.
type row struct {
	rate, share float64
	partitions  int
	perRecord   time.Duration
	batch       int
	window      time.Duration
	dollars     float64
	busy        float64 // share per partition, while there is traffic
}

func (r row) with() cost.Case {
	const buckets = 1000
	c := cost.Case{
		Platform: workload.Platform{Utilisation: workload.Fact[float64]{Value: 0.7}, EKSShare: workload.Fact[int]{Value: 1}},
		Facts: workload.Facts{
			MemoryMB: workload.Fact[int]{Value: 512}, CPU: workload.Fact[float64]{Value: 0.25},
			PerInvocation: workload.Fact[time.Duration]{Value: 20 * time.Millisecond}, PerRecord: workload.Fact[time.Duration]{Value: r.perRecord},
			Batch: workload.Fact[int]{Value: r.batch}, Window: workload.Fact[time.Duration]{Value: r.window},
			Parallel: workload.Fact[float64]{Value: 1}, MinTasks: workload.Fact[int]{Value: 1},
		},
	}
	busy := int(math.Round(r.share * buckets))
	for range r.partitions {
		s := workload.Series{Width: time.Hour, Counts: make([]float64, buckets)}
		for i := range busy {
			s.Counts[i] = r.rate * 3600 / float64(r.partitions)
		}
		c.Traffic.Loads = append(c.Traffic.Loads, s)
	}
	c.Traffic.Rate = workload.Series{Width: time.Hour, Counts: make([]float64, buckets)}
	for i := range busy {
		c.Traffic.Rate.Counts[i] = r.rate * 3600
	}
	c.Traffic.Mean, c.Traffic.Peak = r.rate*r.share, r.rate
	c.Traffic.Low, c.Traffic.High = c.Traffic.Mean, c.Traffic.Mean
	return c
}

// TestWorkedTable holds the model against the figures it was published with, which a
// Monte-Carlo simulation of the same queue confirmed.
func TestWorkedTable(t *testing.T) {
	t.Parallel()
	ms, half := 50*time.Millisecond, 500*time.Millisecond
	for name, r := range map[string]row{
		"1 a minute":                {1.0 / 60, 1, 1, ms, 100, half, 0.034, 0},
		"5/s in office hours":       {5, 0.24, 1, ms, 100, half, 1.64, 0.28},
		"5/s":                       {5, 1, 1, ms, 100, half, 6.85, 0.28},
		"5/s, a window of 5 s":      {5, 1, 1, ms, 100, 5 * time.Second, 5.66, 0},
		"5/s on 4 partitions":       {5, 1, 4, ms, 100, half, 8.44, 0.08},
		"500/s during 1 %":          {500, 0.01, 32, ms, 100, half, 6.02, 0.82},
		"50/s on 4":                 {50, 1, 4, ms, 100, half, 61.40, 0.66},
		"50/s on 8":                 {50, 1, 8, ms, 100, half, 66.43, 0.34},
		"500/s of 1 ms":             {500, 1, 1, time.Millisecond, 500, time.Second, 11.91, 0.52},
		"500/s of 1 ms, partitions": {500, 1, 8, time.Millisecond, 500, time.Second, 18.54, 0},
	} {
		c := prices(t).Of(r.with())
		require.InEpsilon(t, r.dollars, c.Lambda.Money.Mid, 0.06, name)
		if r.busy > 0 {
			require.InDelta(t, r.busy, c.Busy/float64(r.partitions)/r.share, 0.02, name)
		}
		require.Empty(t, c.Lambda.Impossible, name)
	}
	c := prices(t).Of(row{1.0 / 60, 1, 1, ms, 100, half, 0, 0}.with())
	require.InEpsilon(t, 43000, c.Invocations, 0.06)
	two := prices(t).Of(row{50, 1, 2, ms, 100, half, 0, 0}.with())
	require.Contains(t, two.Lambda.Impossible, "2 partitions × 19.9/s")
	require.InDelta(t, 39.8, two.Drain, 0.1)
}

func TestContainers(t *testing.T) {
	t.Parallel()
	r := row{rate: 5, share: 1, partitions: 4, perRecord: 50 * time.Millisecond, batch: 100, window: time.Second}
	one := r.with()
	c := prices(t).Of(one)
	require.InDelta(t, 9.01, c.Fargate.Money.Mid, 0.01)
	require.InDelta(t, 0.41, c.BreakEven, 0.005)
	one.Facts.MinTasks.Value = 2
	c = prices(t).Of(one)
	require.InDelta(t, 18.02, c.Fargate.Money.Mid, 0.01)
	require.InDelta(t, 0.82, c.BreakEven, 0.005)
	big := r.with()
	big.Facts.MemoryMB.Value, big.Facts.CPU.Value = 2048, 1
	require.InDelta(t, 36.04, prices(t).Of(big).Fargate.Money.Mid, 0.01)
	big.Facts.MemoryMB.Value = 1769
	c = prices(t).Of(big)
	require.InDelta(t, 0.465, c.BreakEven, 0.015, "AWS counts 1,024 MB to the GB, the published figure 1,000")

	peak := row{rate: 500, share: 0.01, partitions: 32, perRecord: 50 * time.Millisecond, batch: 100, window: time.Second}.with()
	c = prices(t).Of(peak)
	require.Contains(t, c.Fargate.Strained, "36 containers", "500 × 50 ms / 0.7, and 32 partitions")
	require.Contains(t, c.Fargate.Items[0].How, "32 of")
	slow := row{rate: 50, share: 1, partitions: 2, perRecord: 50 * time.Millisecond, batch: 100, window: time.Second}.with()
	require.Contains(t, prices(t).Of(slow).Fargate.Impossible, "2.5 containers")
	require.Less(t, c.EKS.Items[1].Amount, c.Fargate.Money.Mid/50, "pods are there 1 % of the time")
	require.InDelta(t, 73, c.EKS.Items[0].Amount, 0.01)
}

// TestInterval: more time and more traffic cost more, and the interval holds the middle.
func TestInterval(t *testing.T) {
	t.Parallel()
	c := row{rate: 5, share: 1, partitions: 1, perRecord: 50 * time.Millisecond, batch: 100, window: time.Second}.with()
	c.Traffic.Low, c.Traffic.High = 2, 9
	m := prices(t).Of(c).Lambda.Money
	require.Less(t, m.Low, m.Mid*0.6)
	require.Greater(t, m.High, m.Mid*1.8)
	c.Traffic.High = 300
	q := prices(t).Of(c).Lambda
	require.Empty(t, q.Impossible)
	require.Contains(t, q.Strained, "records/s")
}

func TestCrossing(t *testing.T) {
	t.Parallel()
	c := row{rate: 5, share: 1, partitions: 4, perRecord: 50 * time.Millisecond, batch: 100, window: time.Second}.with()
	c.Facts.MinTasks.Value = 2
	got := prices(t).Of(c)
	require.Greater(t, got.CrossRate, 5.0)
	require.Less(t, got.CrossRate, 25.0)
	for _, p := range got.Curve {
		if p.Lambda >= 0 && p.Rate < got.CrossRate*0.99 {
			require.LessOrEqual(t, p.Lambda, p.Fargate, "below the crossing Lambda is cheaper")
		}
	}
	require.Negative(t, got.Curve[len(got.Curve)-1].Lambda, "500/s on 4 partitions is too much")
}

func TestExtras(t *testing.T) {
	t.Parallel()
	c := row{rate: 5, share: 1, partitions: 1, perRecord: 50 * time.Millisecond, batch: 100, window: time.Second}.with()
	plain := prices(t).Of(c)
	c.Facts.ErrorControls.Value = true
	controlled := prices(t).Of(c)
	require.InDelta(t, 135.05, controlled.Lambda.Money.Mid-plain.Lambda.Money.Mid, 0.01)
	require.InDelta(t, 32.85, plain.Forgotten[0].Amount, 0.01)
	require.Len(t, controlled.Forgotten, len(plain.Forgotten)-1)

	c.Facts.ErrorControls.Value = false
	c.Facts.Trips, c.Facts.Database = workload.Fact[float64]{Value: 3}, workload.Fact[string]{Value: "here"}
	c.Platform.RoundTrip.Value = 20 * time.Millisecond
	far := prices(t).Of(c)
	require.InDelta(t, 0.060, float64(far.Extra), 1e-9)
	require.Greater(t, far.Far.Money.Mid, plain.Lambda.Money.Mid*1.8)
	require.Equal(t, plain.Lambda, far.Lambda, "once it has moved")
	require.Nil(t, plain.Far)

	c.Traffic.BytesKnown, c.Traffic.MeanBytes = true, 1<<20
	require.Equal(t, 4, prices(t).Of(c).BatchLimit, "6 MB hold four of them in base64")
}

func TestNoTraffic(t *testing.T) {
	t.Parallel()
	c := row{partitions: 1, batch: 100, window: time.Second, perRecord: time.Millisecond}.with()
	got := prices(t).Of(c)
	require.Zero(t, got.Lambda.Money.High)
	require.InDelta(t, 9.01, got.Fargate.Money.Mid, 0.01)
	require.Empty(t, got.Curve)
	require.Empty(t, got.Fargate.Impossible)
}

// TestBadPrices: every fault at once.
func TestBadPrices(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("lambda.request: ", "lambda.requst: ", "0.0000166667", "-1", "date: 2026-08-20", "date: soon",
		"region: us-east-1", "regoin: x").Replace(string(cost.Default))
	_, err := cost.Read([]byte(text), "mine.yaml")
	require.Error(t, err)
	for _, want := range []string{
		"mine.yaml", "regoin: unknown key", "region: is missing", "prices.lambda.requst: unknown price", "prices.lambda.request: is missing",
		"prices.lambda.gbSecond.price: want a number", `"soon" is no date`,
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = cost.Read([]byte("a: [b"), "mine.yaml")
	require.ErrorContains(t, err, "no YAML")
	_, err = cost.Read([]byte("[]"), "mine.yaml")
	require.Error(t, err)
	require.Len(t, prices(t).Lines(), 16)
}
