// Package shadow runs the functions of a plan beside the old service on the same records,
// without effect, and holds what they write against what the service writes.
//
// The flow: topics are made for what the functions write (capture) → the shadow group gets
// the positions of the old group, read a moment before → the functions' mapping is enabled →
// the service's output topics and the captured ones are followed and compared
// (migrate/shadow/compare) → at the end the mapping is disabled and what was shown is
// written to the Journal.
//
// What always holds: nothing of the old service is touched, neither its group nor its
// topics. An output counts as missing only behind a barrier: everything read before it was
// caused by records that lie before an end of the source, both groups have committed beyond
// that end, and what was written until then has been read. What was compared is not stored:
// a run that is gone on with, here or on another host, reads the topics again from where
// they began, so retention must hold them (Kept).
package shadow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gantry/kafka"
	"gantry/migrate/shadow/compare"
	"gantry/plan"
)

// Journal is where the steps are written (migrate/ledger).
type Journal interface {
	Write(ctx context.Context, step plan.Step, phase plan.Phase, facts any) error
	// Lines gives all lines of the plan, in order.
	Lines(ctx context.Context) ([]plan.Line, error)
}

// Functions is the mapping of the functions by the shadow group. Each call may come twice.
type Functions interface {
	// Prepare makes the mapping, disabled.
	Prepare(ctx context.Context) error
	Enable(ctx context.Context) error
	Disable(ctx context.Context) error
	// Revisions says which functions they are now.
	Revisions(ctx context.Context) ([]plan.Revision, error)
}

// Config is what a run works with. All but Tell, Show, End and Timing is required.
type Config struct {
	Plan      plan.Plan
	Admin     *kafka.Admin
	Journal   Journal
	Functions Functions
	Tell      func(text string)      // what people like to know; nil = nobody listens
	Show      func(s plan.Shadow)    // what was shown so far; nil = nobody looks
	End       <-chan struct{}        // closed when the run is to end; nil = nobody ends it
	For       time.Duration          // it ends by itself after so long; 0 = it does not
	Measure   func() []plan.Measured // what the functions took since this process began; nil = nobody measures
	Timing    Timing                 // what is 0 has its default
}

// Timing is how long things take.
type Timing struct {
	Look  time.Duration // between two looks at the groups; 1 s
	Grace time.Duration // between a commit and what was written for its records; 2 s
	Show  time.Duration // between two results; 5 s
	Last  time.Duration // the longest that the end waits for both implementations; 1 min
	Check time.Duration // between two looks at which functions they are; 30 s
}

// Kept is how long captured records are kept: the longest run that can be gone on with.
const Kept = 14 * 24 * time.Hour

// before is how far back of the begin the old outputs are read: what was written for records
// that the old service had not committed yet.
const before = 2 * time.Minute

func (t Timing) withDefaults() Timing {
	for _, d := range []struct {
		of *time.Duration
		is time.Duration
	}{{&t.Look, time.Second}, {&t.Grace, 2 * time.Second}, {&t.Show, 5 * time.Second}, {&t.Last, time.Minute}, {&t.Check, 30 * time.Second}} {
		if *d.of == 0 {
			*d.of = d.is
		}
	}
	return t
}

// Begun is what a run began with.
type Begun struct {
	Group  string       `json:"group"`
	At     time.Time    `json:"at"`
	F0     plan.Offsets `json:"f0"`     // the old group's positions, and the shadow group's
	Old    plan.Offsets `json:"old"`    // where the service's outputs are read from, those of a second run too
	Seam   plan.Offsets `json:"seam"`   // ends of the service's outputs when F0 was read
	New    plan.Offsets `json:"new"`    // where the captured outputs are read from, by their own topics
	Failed plan.Offsets `json:"failed"` // ends of the topic of what the functions give up

	For time.Duration `json:"forNs,omitempty"` // how long it lasts; 0 = until somebody ends it

	Functions []plan.Revision `json:"functions"` // which they are
}

// Intent is what the begin is about to change.
type Intent struct {
	Group  string   `json:"group"`
	Topics []string `json:"topics"` // that are made where they are not there

	For time.Duration `json:"forNs,omitempty"`
}

// run is one run at work.
type run struct {
	Config
	begun  Begun
	cmp    *compare.Comparison
	follow *kafka.Follower
	sides  map[string]side // followed topic → what it is
	b      barrier
	lost   map[string]int64 // topic → offsets that retention removed
	back   bool             // the old group's positions went back
	inputs int64
	took   taken
	failed int64
	shown  time.Time

	changes []string // what became of the functions since the run began; none = they are the same
	checked time.Time
	ended   bool // somebody ended it, and the journal has it
}

type side struct {
	of    compare.Side
	topic string // of the plan
}

// Run begins a run, or goes on with the one that the journal says is under way, until End is
// closed. What it showed is in the journal then. Where ctx ends before, the run is under way
// still.
func Run(ctx context.Context, cfg Config) (plan.Shadow, error) {
	cfg.Timing = cfg.Timing.withDefaults()
	if cfg.Tell == nil {
		cfg.Tell = func(string) {}
	}
	if cfg.Show == nil {
		cfg.Show = func(plan.Shadow) {}
	}
	r := &run{Config: cfg, lost: map[string]int64{}}
	if err := r.start(ctx); err != nil {
		return plan.Shadow{}, err
	}
	if err := r.watch(ctx); err != nil {
		return r.result(), err
	}
	return r.finish(ctx)
}

// start begins a run where none is under way.
func (r *run) start(ctx context.Context) error {
	lines, err := r.Journal.Lines(ctx)
	if err != nil {
		return err
	}
	at := standingOf(lines)
	if at.phase == plan.Did {
		r.begun, r.changes, r.ended = at.begun, at.changes, at.ending != nil
		r.Tell("the shadow run goes on; what was compared is read again from where it began")
		return r.Functions.Enable(ctx)
	}
	if at.phase == plan.Intends { // its gantry died while it was about to begin
		r.For = at.intent.For
	}
	if err := r.Journal.Write(ctx, plan.StepShadow, plan.Intends, Intent{Group: r.Plan.ShadowGroup(), Topics: captured(r.Plan), For: r.For}); err != nil {
		return err
	}
	if r.begun, err = r.begin(ctx); err == nil {
		err = r.Journal.Write(ctx, plan.StepShadow, plan.Did, r.begun)
	}
	if err == nil {
		return r.Functions.Enable(ctx)
	}
	if ctx.Err() != nil {
		return err
	}
	return errors.Join(err, r.Journal.Write(ctx, plan.StepShadow, plan.Failed, map[string]string{"error": err.Error()}))
}

// Last gives what the newest run of the plan showed when it ended; false where none did since
// the plan was changed.
func Last(lines []plan.Line) (s plan.Shadow, ok bool, err error) {
	for _, l := range lines {
		switch {
		case l.Step == plan.StepPlan:
			ok = false
		case l.Step == plan.StepReport && l.Phase == plan.Did:
			s = plan.Shadow{}
			if err := json.Unmarshal(l.Facts, &s); err != nil {
				return s, false, fmt.Errorf("read what the shadow run showed, line %d of the ledger: %w", l.Sequence, err)
			}
			ok = true
		}
	}
	return s, ok, nil
}

// finish ends the functions and writes what was shown.
func (r *run) finish(ctx context.Context) (plan.Shadow, error) {
	if err := r.Functions.Disable(ctx); err != nil {
		return r.result(), fmt.Errorf("disable the functions of the shadow run: %w", err)
	}
	if err := r.check(ctx); err != nil {
		return r.result(), err
	}
	s := r.result()
	s.Over, s.Running = true, ""
	r.Show(s)
	return s, r.Journal.Write(ctx, plan.StepReport, plan.Did, s)
}
