package shadow

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"gantry/migrate/shadow/compare"
	"gantry/plan"
)

// show hands the newest result over, from time to time.
func (r *run) show() {
	if now := time.Now(); now.Sub(r.shown) >= r.Timing.Show {
		r.shown = now
		r.Show(r.result())
	}
}

// result is what was shown so far.
func (r *run) result() plan.Shadow {
	s := plan.Shadow{}
	if r.cmp != nil {
		s = r.cmp.Report()
	}
	s.Plan, s.Began, s.Inputs, s.Failed = r.Plan.Name, r.begun.At, r.inputs, r.failed
	if s.Until.IsZero() {
		s.Until = s.Began
	}
	s.Group, s.Functions, s.Revisions = r.Plan.Service.Group, r.took.now(r.Measure), r.begun.Functions
	s.Running = r.doing()
	s.Gates = append(compare.Gates(r.Plan, s, time.Since(r.begun.At)), failedGate(s.Failed), r.functionsGate())
	s.Passed = !slices.ContainsFunc(s.Gates, func(g plan.Gate) bool { return !g.Passed })
	s.NotCompared = append(r.uncovered(), s.NotCompared...)
	return s
}

func (r *run) doing() string {
	switch {
	case r.b.trouble != "":
		return "waits: " + r.b.trouble
	case r.b.waits != "":
		return "waits for " + r.b.waits
	}
	return "compares"
}

func failedGate(failed int64) plan.Gate {
	return plan.Gate{
		Name: "failed", Want: "none", Have: fmt.Sprintf("%d records given up", failed), Passed: failed == 0,
		Why: "records that the functions failed with after every attempt; they lie in the topic of what failed, each with its error",
	}
}

// uncovered is what was not compared: effects, and what could not be read.
func (r *run) uncovered() (all []plan.Uncovered) {
	for _, e := range r.Plan.Effects {
		what := string(e.Kind) + " " + e.Name
		if e.Target != "" {
			what += " (" + e.Target + ")"
		}
		why := "the functions got other variables: what they changed there is not compared"
		if e.Shadow == plan.EffectDenied {
			why = "the functions could not reach it: what they would have changed is not known"
		}
		if e.Enforcement == plan.Declared {
			why += "; that they did not reach it is their owner's word"
		}
		all = append(all, plan.Uncovered{What: what, Why: why, NotEnforced: e.Enforcement == plan.Declared})
	}
	for _, f := range r.begun.Functions {
		if f.Code == "" {
			all = append(all, plan.Uncovered{What: "the code of function " + f.Function, Why: "which one it is is not known: " + f.Unknown + "; a cutover goes by its configuration alone"})
		}
	}
	if len(r.Plan.Outputs) == 0 {
		all = append(all, plan.Uncovered{What: "everything", Why: "the plan names no output topic, so Kafka shows nothing that could be compared"})
	}
	for _, topic := range slices.Sorted(maps.Keys(r.lost)) {
		if n := r.lost[topic]; n > 0 {
			all = append(all, plan.Uncovered{What: fmt.Sprintf("%d offsets of %s", n, topic), Why: "retention removed them before they were read"})
		}
	}
	if r.back {
		all = append(all, plan.Uncovered{What: "records that the old service processed again", Why: "its positions went back behind where the run began: what it wrote again shows as missing"})
	}
	return all
}
