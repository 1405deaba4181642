package shadow

import (
	"context"
	"encoding/json"
	"fmt"

	"gantry/plan"
)

// Ending is that a run is to end.
type Ending struct {
	Drop string `json:"drop,omitempty"` // why what it showed is not kept; "" = it is
}

// standing is where the newest run of a journal stands.
type standing struct {
	phase   plan.Phase // Intends = it was about to begin, Did = it is under way; "" = there is none
	intent  Intent
	begun   Begun
	changes []string
	ending  *Ending // nil = nobody has ended it
}

func standingOf(lines []plan.Line) (s standing) {
	for _, l := range lines {
		switch {
		case l.Step == plan.StepShadow && l.Phase == plan.Intends:
			s = standing{phase: plan.Intends}
			_ = json.Unmarshal(l.Facts, &s.intent)
		case l.Step == plan.StepShadow && l.Phase == plan.Did:
			s = standing{phase: plan.Did}
			if json.Unmarshal(l.Facts, &s.begun) != nil {
				s = standing{}
			}
		case l.Step == plan.StepReport && l.Phase == plan.Intends && s.phase != "":
			s.ending = &Ending{}
			_ = json.Unmarshal(l.Facts, s.ending)
		case l.Step == plan.StepShadow, l.Step == plan.StepReport, l.Step == plan.StepPlan:
			s = standing{}
		case l.Step == plan.StepChange:
			var c Changed
			_ = json.Unmarshal(l.Facts, &c)
			s.changes = append(s.changes, c.Others...)
		}
	}
	return s
}

// UnderWay finds the begin of a run that has not ended.
func UnderWay(lines []plan.Line) (Begun, bool) {
	s := standingOf(lines)
	return s.begun, s.phase == plan.Did
}

// Dropped says whether a run that has not ended is to be dropped, and why.
func Dropped(lines []plan.Line) (why string, ok bool) {
	s := standingOf(lines)
	if s.ending == nil || s.ending.Drop == "" {
		return "", false
	}
	return s.ending.Drop, true
}

// Drop ends a run without a word of what it showed. That it is to be dropped is written
// before its functions are disabled: a gantry that dies between would go on with the run.
func Drop(ctx context.Context, j Journal, f Functions, why string) error {
	if err := j.Write(ctx, plan.StepReport, plan.Intends, Ending{Drop: why}); err != nil {
		return err
	}
	if err := f.Disable(ctx); err != nil {
		return fmt.Errorf("disable the functions of the shadow run: %w", err)
	}
	return j.Write(ctx, plan.StepShadow, plan.Failed, map[string]string{"error": why})
}
