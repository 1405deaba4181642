package shadow

import (
	"context"
	"slices"
	"strings"
	"time"

	"gantry/plan"
)

// Changed is what became of functions while a run was under way.
type Changed struct {
	Others []string `json:"others"`
}

// check looks whether the functions are still those that the run began with. That one is not
// is written down when it is seen: a change that is taken back later has been all the same.
// What can't be told at the moment is told at the next look, or by whoever goes by the report.
func (r *run) check(ctx context.Context) error {
	r.checked = time.Now()
	now, err := r.Functions.Revisions(ctx)
	if err != nil {
		r.Tell("which functions run can't be told: " + err.Error())
		return nil //nolint:nilerr // it is told at the next look
	}
	others := slices.DeleteFunc(plan.Others(r.begun.Functions, toldOf(r.begun.Functions, now)), func(o string) bool { return slices.Contains(r.changes, o) })
	if len(others) == 0 {
		return nil
	}
	r.changes = append(r.changes, others...)
	r.Tell("the functions are other ones than those the run began with (" + strings.Join(others, "; ") + "): it can't pass any more; end or abort it, then begin a new one")
	return r.Journal.Write(ctx, plan.StepChange, plan.Did, Changed{others})
}

// toldOf takes code that can't be told at the moment for what it was.
func toldOf(was, now []plan.Revision) []plan.Revision {
	now = slices.Clone(now)
	for i, f := range now {
		at := slices.IndexFunc(was, func(w plan.Revision) bool { return w.Function == f.Function })
		if at >= 0 && f.Code == "" {
			now[i].Code = was[at].Code
		}
	}
	return now
}

func (r *run) functionsGate() plan.Gate {
	g := plan.Gate{Name: "functions", Want: "the same from begin to end", Have: "the same", Passed: len(r.changes) == 0}
	if !g.Passed {
		g.Have = strings.Join(r.changes, "; ")
		g.Why = "what was compared was written by more than one version of a function: a new run shows what the newest does"
	}
	return g
}
