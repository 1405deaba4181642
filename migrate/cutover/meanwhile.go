package cutover

import (
	"context"
	"encoding/json"

	"gantry/kafka"
	"gantry/plan"
	"gantry/record"
)

// meanwhile lists what the functions did while they owned the work: the inputs they
// committed, with their keys, and what came into the output topics. It is made when the old
// service works again, so that nobody waits for it; what can't be read is said.
func (r *run) meanwhile(ctx context.Context, h Halted) Meanwhile {
	var m Meanwhile
	handed, _, err := facts[Handed](r.a.ahead, plan.StepHandover)
	if err != nil || !h.Ran {
		return m
	}
	started, _, _ := facts[Started](r.a.ahead, plan.StepStart)
	each(newStarts(handed.Seams), func(topic string, p int32, from int64) {
		if to, ok := h.F2.At(topic, p); ok && to > from {
			m.Ranges = append(m.Ranges, Range{Topic: topic, Partition: p, From: from, To: to, Records: -1})
		}
	})
	if m.Keys, m.MoreKeys, err = r.keysOf(ctx, m.Ranges); err != nil {
		m.Note = "not every input could be read again: " + err.Error()
	}
	for _, of := range m.Ranges {
		m.Records += max(0, of.Records)
	}
	each(h.Outputs, func(topic string, p int32, to int64) {
		from, _ := started.Outputs.At(topic, p)
		if to <= from {
			return
		}
		out := Range{Topic: topic, Partition: p, From: from, To: to}
		err := r.Admin.Scan(ctx, kafka.Scanning{Topic: topic, Partition: p, From: from, To: to}, func(record.Record) error { out.Records++; return nil })
		if err != nil {
			out.Records, m.Note = -1, "not every output could be read: "+err.Error()
		}
		m.Outputs = append(m.Outputs, out)
	})
	return m
}

func reasonOf(back []plan.Line) string {
	for _, l := range back {
		var i Intent
		if l.Step == plan.StepHalt && l.Phase == plan.Intends && json.Unmarshal(l.Facts, &i) == nil && i.Reason != "" {
			return i.Reason
		}
	}
	return ""
}
