package bench

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// table collects the rows of the throughput report.
type table struct{ rows []string }

func (o *table) add(what string, raw usage, floor, ours []usage) {
	var ratios []float64
	for i := range ours {
		ratios = append(ratios, ours[i].Rate/floor[i].Rate)
	}
	slices.Sort(ratios)
	o.rows = append(o.rows, fmt.Sprintf("| %s | %.0f | %.0f | %.0f | **%.2f** (%.2f–%.2f) | %.2f / %.2f | %d / %d |", what,
		raw.Rate, rate(floor), rate(ours), ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1],
		seconds(floor), seconds(ours), peak(floor), peak(ours)))
}

func (o *table) lines() []string {
	return append([]string{
		"| load | raw client | floor | gantry | gantry / floor (range) | CPU s a run, floor / gantry | peak RSS MB, floor / gantry |",
		"| --- | --- | --- | --- | --- | --- | --- |",
	}, o.rows...)
}

func rate(us []usage) float64 {
	return median(us, func(u usage) float64 { return u.Rate })
}

func seconds(us []usage) float64 {
	return median(us, func(u usage) float64 { return u.CPU.Seconds() })
}

func peak(us []usage) (most int64) {
	for _, u := range us {
		most = max(most, u.RSS>>20)
	}
	return most
}

func median(us []usage, of func(usage) float64) float64 {
	var values []float64
	for _, u := range us {
		values = append(values, of(u))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// quantile of a sorted list.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*q))]
}

// report prints a result and, where GANTRY_BENCH_REPORT names a file, appends it there.
func report(t testing.TB, title string, lines []string) {
	t.Helper()
	text := "\n### " + title + "\n\n" + strings.Join(lines, "\n") + "\n"
	fmt.Print(text)
	path := os.Getenv("GANTRY_BENCH_REPORT")
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}
