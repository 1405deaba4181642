package shadow

import "gantry/plan"

// taken is what the functions took since the run was begun, or gone on with, in this process.
type taken struct {
	before map[string]plan.Measured
	memory map[string]int // the most that was seen
}

func (t *taken) begin(measure func() []plan.Measured) {
	t.before, t.memory = map[string]plan.Measured{}, map[string]int{}
	if measure == nil {
		return
	}
	for _, m := range measure() {
		t.before[m.Function] = m
	}
}

func (t *taken) now(measure func() []plan.Measured) (all []plan.Measured) {
	if measure == nil || t.before == nil {
		return nil
	}
	for _, m := range measure() {
		was := t.before[m.Function]
		t.memory[m.Function] = max(t.memory[m.Function], m.MemoryMB)
		all = append(all, plan.Measured{
			Function: m.Function, Invocations: m.Invocations - was.Invocations, Records: m.Records - was.Records,
			Busy: m.Busy - was.Busy, MemoryMB: t.memory[m.Function],
		})
	}
	return all
}
