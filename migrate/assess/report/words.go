package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"gantry/figure"
	"gantry/workload"
)

func money(m float64) string {
	switch {
	case m == 0:
		return "$0"
	case m < 0.01:
		return "under 1¢"
	case m < 10:
		return fmt.Sprintf("$%.2f", m)
	}
	return "$" + figure.Number(int64(math.Round(m)))
}

// roughly is an amount in a sentence.
func roughly(m workload.Money) string {
	text := "about " + money(m.Mid)
	if m.Mid > 0 && m.Mid < 0.01 {
		text = "less than 1¢"
	}
	if s := span(m); s != "" {
		text += " (" + s + ")"
	}
	return text
}

func span(m workload.Money) string {
	if money(m.Low) == money(m.High) {
		return ""
	}
	return money(m.Low) + " – " + money(m.High)
}

func rate(r float64) string {
	switch {
	case r == 0:
		return "0/s"
	case r >= 10_000:
		return fmt.Sprintf("%.0fk/s", r/1000)
	case r >= 100:
		return fmt.Sprintf("%.0f/s", r)
	case r >= 1:
		return fmt.Sprintf("%.1f/s", r)
	case r*60 >= 1:
		return fmt.Sprintf("%.1f/min", r*60)
	}
	return fmt.Sprintf("%.1f/h", r*3600)
}

func bytes(b float64) string {
	switch {
	case b >= 1e9:
		return fmt.Sprintf("%.1f GB", b/1e9)
	case b >= 1e6:
		return fmt.Sprintf("%.1f MB", b/1e6)
	case b >= 1e4:
		return fmt.Sprintf("%.0f kB", b/1e3)
	}
	return fmt.Sprintf("%.0f B", b)
}

func pct(share float64) string {
	if share > 0 && share < 0.01 {
		return "under 1 %"
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

func seconds(s workload.Seconds) string {
	return duration(time.Duration(float64(s) * float64(time.Second)))
}

func duration(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%.1f days", d.Hours()/24)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	case d >= 2*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(100 * time.Microsecond).String()
}

// kept says how long a topic keeps its records.
func kept(t workload.TopicTraffic) string {
	text := "for ever"
	if t.Retention > 0 {
		text = duration(t.Retention)
	}
	if t.Compacted {
		text += ", compacted"
	}
	return text
}

func called(target string) string {
	if name, ok := map[string]string{"lambda": "Lambda", "fargate": "ECS on Fargate", "eks": "EKS"}[target]; ok {
		return name
	}
	return target
}

// numbered is an index with what it means.
type numbered struct{ Name, Value, Means string }

func numbers(s workload.Service) []numbered {
	t := s.Traffic
	out := []numbered{
		{"mean", rate(t.Mean), fmt.Sprintf("over %.1f days; it varies between %s and %s", t.Days, rate(t.Low), rate(t.High))},
		{"peak", rate(t.Peak), fmt.Sprintf("99th percentile; %.1f times the mean", t.PeakToMean)},
		{"idle", pct(t.Idle), "of the time; the longest pause " + seconds(t.LongestIdle)},
		{"at work at once", fmt.Sprintf("%.2f", t.Busy), fmt.Sprintf("records, on average; %.1f at the peak", t.BusyPeak)},
		{"parallelism", fmt.Sprintf("%.1f", t.Parallel), fmt.Sprintf("at most, in order: %d of %d partitions have traffic, the busiest has %s", t.Active, t.Partitions, pct(t.Hottest))},
	}
	if r := t.Regular; r != nil {
		out = append(out, numbered{"predictable", pct(r.Explained), "of the ups and downs follow the " + r.By})
	}
	if t.Burstiness != nil {
		out = append(out, numbered{"burstiness", fmt.Sprintf("%.2f", *t.Burstiness), "−1 a clock, 0 chance, 1 all at once"})
	}
	if n := len(t.Dispersion); n > 0 {
		d := t.Dispersion[0]
		out = append(out, numbered{"dispersion", figure.Number(int64(math.Round(d.Index))), "in windows of " + seconds(d.Window) + "; 1 is chance"})
	}
	if t.BytesKnown {
		out = append(out, numbered{"record", bytes(t.MeanBytes), "on average; " + bytes(float64(t.MaxBytes)) + " the largest seen"})
	}
	if t.Headroom != nil {
		out = append(out, numbered{"headroom", fmt.Sprintf("%.1f ×", *t.Headroom), "the peak, as it was seen to work off a backlog"})
	}
	if c := s.Commits; c != nil {
		out = append(out, numbered{"read", rate(c.Rate), fmt.Sprintf("committed while it was watched for %s", duration(c.Watched))})
		if c.Drain > 0 {
			out = append(out, numbered{"drain", rate(c.Drain), "the most it was seen to do while it was behind"})
		}
		out = append(out, numbered{"commits", "every " + duration(c.Interval), figure.Plural(int(math.Round(c.Step)), "record", "records") + " a step"})
	}
	if s.Class == workload.Plain && t.Mean > 0 {
		out = append(out, numbered{"Lambda", fmt.Sprintf("%.1f records", s.Costs.BatchMean), fmt.Sprintf("an invocation; %s invocations a month", figure.Number(int64(math.Round(s.Costs.Invocations))))})
	}
	return out
}

// input is a fact with its origin.
type input struct {
	Name  string
	Value string
	From  workload.Origin
	Why   string
}

func inputs(s workload.Service) []input {
	if s.Class != workload.Plain {
		return nil
	}
	f := s.Facts
	return []input{
		fact("memory", f.MemoryMB, func(n int) string { return figure.Number(int64(n)) + " MB" }),
		fact("vCPU of a container", f.CPU, func(n float64) string { return fmt.Sprint(n) }),
		fact("time of a record", f.PerRecord, duration), fact("time of an invocation beside it", f.PerInvocation, duration),
		fact("longest record", f.Longest, duration), fact("batch", f.Batch, func(n int) string { return figure.Plural(n, "record", "records") }),
		fact("window", f.Window, duration), fact("records at once in a container", f.Parallel, func(n float64) string { return fmt.Sprint(n) }),
		fact("containers that always run", f.MinTasks, func(n int) string { return fmt.Sprint(n) }),
		fact("local files", f.DiskMB, func(n int) string { return figure.Number(int64(n)) + " MB" }),
		fact("database round trips a record", f.Trips, func(n float64) string { return fmt.Sprint(n) }),
		fact("database", f.Database, func(s string) string { return s }), fact("state between records", f.State, yes),
		fact("exactly once", f.ExactlyOnce, yes), fact("connections held open", f.Sockets, yes), fact("error controls of AWS", f.ErrorControls, yes),
		fact("writes", f.Writes, func(t []string) string {
			if len(t) == 0 {
				return "nothing"
			}
			return strings.Join(t, ", ")
		}),
	}
}

func fact[T any](name string, f workload.Fact[T], say func(T) string) input {
	in := input{Name: name, From: f.From, Why: f.Why, Value: "?"}
	if f.From != workload.NotKnown {
		in.Value = say(f.Value)
	}
	return in
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
