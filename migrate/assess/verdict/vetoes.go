package verdict

import (
	"time"

	"gantry/workload"
)

// What Lambda can't do, whatever it costs.
const (
	lambdaTime     = 15 * time.Minute
	lambdaMemoryMB = 10_240
	lambdaDiskMB   = 10_240
)

func vetoes() []rule {
	box := string(workload.ToContainer)
	return []rule{
		{"a record takes longer than 15 minutes", workload.Veto, tooLong},
		{"more than 10,240 MB of memory", workload.Veto, func(c Case) finding {
			m := c.Facts.MemoryMB
			switch {
			case m.Value > lambdaMemoryMB:
				return fired(box, "it needs %d MB; Lambda has 10,240 MB", m.Value)
			case !m.Known():
				return unasked("its memory is not known (memory)")
			}
			return silent("%d MB", m.Value)
		}},
		{"more than 10,240 MB of files", workload.Veto, func(c Case) finding {
			if d := c.Facts.DiskMB; d.Value > lambdaDiskMB {
				return fired(box, "it needs %d MB of local files; Lambda has 10,240 MB", d.Value)
			}
			if !c.Facts.DiskMB.Known() {
				return silent("nobody said that it needs local files (disk)")
			}
			return silent("%d MB", c.Facts.DiskMB.Value)
		}},
		yesNo("state kept between records", "state", func(f workload.Facts) workload.Fact[bool] { return f.State },
			"it keeps state between records, and a function may begin anew at any record"),
		yesNo("exactly-once read-process-write", "exactlyOnce", func(f workload.Facts) workload.Fact[bool] { return f.ExactlyOnce },
			"it commits its offsets in the transaction of its output; Lambda's mappings commit on their own"),
		yesNo("connections held open for others", "sockets", func(f workload.Facts) workload.Fact[bool] { return f.Sockets },
			"it holds connections open for others; nobody can call a function's sandbox"),
		{"ordered batches can't follow the peak", workload.Veto, func(c Case) finding {
			if why := c.Costs.Lambda.Impossible; why != "" {
				return fired(box, "%s", why)
			}
			return silent("partitions × batch ÷ duration = %s records/s, the peak is %s/s", rate(c.Costs.Drain), rate(c.Traffic.Peak))
		}},
	}
}

// tooLong asks for the longest record, or takes what a record takes.
func tooLong(c Case) finding {
	longest := c.Facts.Longest
	switch per := c.Facts.PerRecord; {
	case longest.Known() && longest.Value > lambdaTime:
		return fired(string(workload.ToContainer), "one record takes up to %s; Lambda ends an invocation after 15 minutes", hours(workload.Seconds(longest.Value.Seconds())))
	case per.Known() && per.Value > lambdaTime:
		return fired(string(workload.ToContainer), "a record takes %s; Lambda ends an invocation after 15 minutes", hours(workload.Seconds(per.Value.Seconds())))
	case !longest.Known():
		return unasked("the longest time of a record is not known (longestRecord)")
	}
	return silent("at most %s", longest.Value)
}

// yesNo is a veto that rests on one answer.
func yesNo(name, key string, of func(workload.Facts) workload.Fact[bool], why string) rule {
	return rule{name, workload.Veto, func(c Case) finding {
		f := of(c.Facts)
		switch {
		case f.Known() && f.Value && f.Why != "":
			return fired(string(workload.ToContainer), "%s (%s: %s)", why, f.From, f.Why)
		case f.Known() && f.Value:
			return fired(string(workload.ToContainer), "%s", why)
		case f.Known():
			return silent("no, says the facts file")
		}
		return unasked("nobody was asked (" + key + ")")
	}}
}
