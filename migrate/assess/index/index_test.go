package index_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/migrate/assess/index"
	"gantry/workload"
)

// monday is where the generated traffic begins.
func monday() time.Time { return time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC) }

// shape gives the rate in records per second at an hour.
type shape func(hour int) float64

func dice() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func steady(rate float64) shape { return func(int) float64 { return rate } }

func office(rate float64) shape {
	return func(h int) float64 {
		if day, hour := h/24%7, h%24; day < 5 && hour >= 9 && hour < 17 {
			return rate
		}
		return 0
	}
}

// poisson draws counts by chance: the sum of a normal is near enough at these sizes.
func poisson(rate float64, r *rand.Rand) shape {
	return func(int) float64 { m := rate * 3600; return math.Max(0, m+math.Sqrt(m)*r.NormFloat64()) / 3600 }
}

// bursts are hours of a hundred times the traffic, in groups, at no regular time.
func bursts(rate float64, r *rand.Rand) shape {
	left := 0
	return func(int) float64 {
		if left == 0 && r.Float64() < 0.01 {
			left = 4
		}
		if left > 0 {
			left--
			return rate * 100
		}
		return rate
	}
}

// survey makes one topic of a shape, its partitions with the given shares.
func survey(s shape, days int, shares ...float64) (workload.Survey, workload.Group) {
	counts := make([]float64, days*24)
	for h := range counts {
		counts[h] = s(h) * 3600
	}
	topic := workload.Topic{Name: "t", TimestampsSane: true, Rate: workload.Series{From: monday(), Width: time.Hour, Counts: counts}}
	for i, share := range shares {
		p := workload.Partition{ID: int32(i), Rate: workload.Series{From: monday(), Width: time.Hour}}
		for _, c := range counts {
			p.Rate.Counts = append(p.Rate.Counts, c*share)
		}
		topic.Partitions = append(topic.Partitions, p)
	}
	return workload.Survey{Topics: []workload.Topic{topic, {Name: "other", Rate: workload.Series{Width: time.Hour, From: monday(), Counts: []float64{1e9}}}}},
		workload.Group{ID: "g", Topics: []string{"t"}}
}

func of(s shape, days int, shares ...float64) workload.Traffic {
	return index.Of(survey(s, days, shares...))
}

func TestSteady(t *testing.T) {
	t.Parallel()
	x := of(steady(5), 14, 0.5, 0.5)
	require.InDelta(t, 5, x.Mean, 1e-9)
	require.InDelta(t, 5, x.Peak, 1e-9)
	require.InDelta(t, 1, x.PeakToMean, 1e-9)
	require.Zero(t, x.Idle)
	require.InDelta(t, 14, x.Days, 1e-9)
	require.Equal(t, 2, x.Active)
	require.InDelta(t, 2, x.Parallel, 1e-9)
	require.InDelta(t, 0, x.Dispersion[0].Index, 1e-9)
	require.True(t, x.Trusted)
}

func TestOfficeHours(t *testing.T) {
	t.Parallel()
	x := of(office(5), 28, 1)
	require.InDelta(t, 5*40.0/168, x.Mean, 1e-9)
	require.InDelta(t, 128.0/168, x.Idle, 1e-9)
	require.InDelta(t, 64*3600, float64(x.LongestIdle), 1e-9, "Friday 17:00 to Monday 9:00")
	require.Equal(t, "hour of week", x.Regular.By)
	require.InDelta(t, 1, x.Regular.Explained, 1e-9)
	require.InDelta(t, 5, x.HourOfWeek[9], 1e-9, "Monday 9:00")
	require.Zero(t, x.HourOfWeek[8])
	require.Zero(t, x.HourOfWeek[5*24+10], "Saturday")
	require.Equal(t, "hour of day", of(office(5), 7, 1).Regular.By)
	require.Nil(t, of(office(5), 2, 1).Regular, "two days explain nothing")
	require.InDelta(t, -1, of(office(5), 1, 1).HourOfWeek[30], 0, "Tuesday was not measured")
}

func TestChanceIsNotRegular(t *testing.T) {
	t.Parallel()
	x := of(poisson(3, dice()), 56, 1)
	require.Less(t, x.Regular.Explained, 0.1)
	require.InDelta(t, 1, x.Dispersion[0].Index, 0.15)
	require.InDelta(t, 1, x.Dispersion[3].Index, 0.4)
}

func TestBurstsHangTogether(t *testing.T) {
	t.Parallel()
	x := of(bursts(1, dice()), 56, 1)
	require.Greater(t, x.PeakToMean, 10.0)
	require.Greater(t, x.Dispersion[0].Index, 100.0)
	require.Greater(t, x.Dispersion[2].Index, 2*x.Dispersion[0].Index, "longer windows show more")
	require.Less(t, x.Regular.Explained, 0.3)
}

func TestSkew(t *testing.T) {
	t.Parallel()
	x := of(steady(10), 7, 0.7, 0.1, 0.1, 0.1, 0)
	require.Equal(t, 5, x.Partitions)
	require.Equal(t, 4, x.Active)
	require.InDelta(t, 0.7, x.Hottest, 1e-9)
	require.InDelta(t, 1/0.7, x.Parallel, 1e-9, "a hot partition bounds both targets")

	s, g := survey(steady(10), 7, 0.25, 0.25, 0.25, 0.25)
	s.Topics[0].Sample = &workload.Sample{Records: 100, MeanBytes: 250, MaxBytes: 900, Gini: 0.6, TopKeys: []workload.KeyShare{{Key: "k", Share: 0.5}}}
	x = index.Of(s, g)
	require.InDelta(t, 2, x.Parallel, 1e-9, "half of the records have one key")
	require.InDelta(t, 250, x.MeanBytes, 1e-9)
	require.InDelta(t, 0.6, *x.Gini, 1e-9)
}

func TestUsualDays(t *testing.T) {
	t.Parallel()
	x := of(func(h int) float64 { return float64(h/24 + 1) }, 10, 1)
	require.InDelta(t, 1, x.Low, 1e-9)
	require.InDelta(t, 9, x.High, 1e-9)
	weeks := of(office(5), 28, 1)
	require.InDelta(t, weeks.Mean, weeks.Low, 1e-9, "every week has its weekend")
	few := of(func(h int) float64 { return float64(h%24 + 1) }, 1, 1)
	require.InDelta(t, 3, few.Low, 1e-9, "one day: its hours")
}

// TestBurstiness holds the formula at its three fixed points.
func TestBurstiness(t *testing.T) {
	t.Parallel()
	for _, n := range []float64{10, 1000} {
		for r, want := range map[float64]float64{0: -1, math.Sqrt((n - 1) / (n + 1)): 0, math.Sqrt(n - 1): 1} {
			a, ok := index.Burstiness(&workload.Gaps{Count: int(n), Mean: 2, Std: 2 * r})
			require.True(t, ok)
			require.InDelta(t, want, a, 1e-9)
		}
	}
	_, ok := index.Burstiness(&workload.Gaps{Count: 2, Mean: 1})
	require.False(t, ok)
	_, ok = index.Burstiness(nil)
	require.False(t, ok)
}

func TestService(t *testing.T) {
	t.Parallel()
	x := index.WithService(of(steady(100), 7, 1), 20*time.Millisecond, workload.Group{Commits: &workload.Cadence{Drain: 120}})
	require.InDelta(t, 2, x.Busy, 1e-9, "Little: 100 a second, 20 ms each")
	require.InDelta(t, 1.2, *x.Headroom, 1e-9)
	require.Nil(t, index.WithService(of(steady(100), 7, 1), time.Millisecond, workload.Group{}).Headroom)
}

func TestTopicsOfDifferentWidths(t *testing.T) {
	t.Parallel()
	s, g := survey(steady(1), 2, 1)
	fine := workload.Series{From: monday().Add(24 * time.Hour), Width: time.Minute}
	for range 24 * 60 {
		fine.Counts = append(fine.Counts, 60)
	}
	s.Topics[1] = workload.Topic{Name: "fine", Rate: fine, Partitions: []workload.Partition{{End: 30}, {End: 10}}}
	g.Topics = append(g.Topics, "fine")
	x := index.Of(s, g)
	require.Len(t, x.Rate.Counts, 48)
	require.InDelta(t, 3600, x.Rate.Counts[23], 1e-6)
	require.InDelta(t, 7200, x.Rate.Counts[24], 1e-6, "the second day has both")
	require.Equal(t, 3, x.Active, "a topic counted as a whole is dealt out")
	require.False(t, x.Trusted)
	require.InDelta(t, 0.75*24*3600, sumOf(x.Loads[1]), 1e-6, "by what its partitions hold")
}

func sumOf(s workload.Series) (sum float64) {
	for _, c := range s.Counts {
		sum += c
	}
	return sum
}

func TestNothingMeasured(t *testing.T) {
	t.Parallel()
	x := index.Of(workload.Survey{}, workload.Group{Topics: []string{"gone"}})
	require.Zero(t, x.Mean)
	require.Len(t, x.HourOfWeek, 168)
	require.Zero(t, x.Parallel)
	quiet := of(steady(0), 7, 1)
	require.InDelta(t, 1, quiet.Idle, 0)
	require.Zero(t, quiet.Active)
}

// TestWatchedRate: a topic whose timestamps say nothing has the rate of a minute beside one
// with a week of hours.
func TestWatchedRate(t *testing.T) {
	t.Parallel()
	s, g := survey(steady(1), 7, 1)
	minute := workload.Series{From: monday().Add(7 * 24 * time.Hour), Width: time.Minute, Counts: []float64{120}}
	s.Topics[1] = workload.Topic{Name: "replayed", Rate: minute, Partitions: []workload.Partition{{Rate: minute}}}
	g.Topics = append(g.Topics, "replayed")
	x := index.Of(s, g)
	require.InDelta(t, 3, x.Mean, 0.02, "1 a second, and 2 a second all the time")
	require.False(t, x.Trusted)
	alone := index.Of(s, workload.Group{Topics: []string{"replayed"}})
	require.InDelta(t, 2, alone.Mean, 1e-9)
	require.Less(t, alone.Days, 0.01)
}
