// Package cutover takes the work of an old consumer group over to functions, and gives it
// back: the protocol of a cutover and of a rollback on one cluster.
//
// The flow of a cutover: preflight (every fault at once) → predict (go or no-go) → approve →
// stop (the old service is asked) → fence (it is kept away) → settle (its group is empty and
// stays so: F1) → tail (what it may have done and not committed) → handover (the new group
// gets F1) → start → prove (for every partition old end = new start). Then guards watch. A
// rollback goes from any step: halt → return → unfence → restart → prove.
//
// What always holds: the committed offsets of the old group are the only token of ownership,
// and the broker refuses to move them while the group has members, which is the lock. Each
// step writes what it intends before and what it did after to the Journal, and looks at the
// world again before it acts, so that whoever reads the journal goes on where another ended.
// What fails after the old service was asked to stop gives the work back by itself. No
// position is ever found by a timestamp, and none is committed over an open transaction.
package cutover

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gantry/kafka"
	"gantry/plan"
)

// Journal is where a migration's steps are written. When Write returns the line is kept, or
// this writer may not go on: somebody else is the writer now.
type Journal interface {
	Write(ctx context.Context, step plan.Step, phase plan.Phase, facts any) error
	// Lines gives all lines of the plan, in order.
	Lines(ctx context.Context) ([]plan.Line, error)
}

// Mappings runs the plan's functions by a group. Each call may come twice: what is so
// already is no error.
type Mappings interface {
	// Check names what would keep the functions from taking over by this group: permissions,
	// a function that is not there, a way to begin at a position that is not committed.
	Check(ctx context.Context, group string) (faults []string)
	// Prepare makes the mapping, disabled.
	Prepare(ctx context.Context, group string) error
	// Enable lets it join the group and work.
	Enable(ctx context.Context, group string) error
	// Disable ends its work; the group may have its members for a moment after it.
	Disable(ctx context.Context, group string) error
	// Progress says how it goes.
	Progress(ctx context.Context, group string) (Progress, error)
	// Owns says whether a member of the group is the mapping's.
	Owns(m kafka.Member) bool
	// Principal is whom the mapping logs in as (User:…); "" = not known.
	Principal() string
}

// Progress is how a mapping does.
type Progress struct {
	Name    string        `json:"name"`              // for people: its UUID
	Started plan.Offsets  `json:"started,omitempty"` // where it began in a partition, as far as it knows
	Records int64         `json:"records"`           // that were invoked, since it was enabled
	Failed  int64         `json:"failed"`            // of them, in invocations that failed
	Oldest  time.Duration `json:"oldestNs"`          // how long the oldest batch is unresolved
	Problem string        `json:"problem,omitempty"` // what keeps it from working
}

// Hook runs a command of the plan and waits for its end.
type Hook func(ctx context.Context, command []string, env map[string]string) error

// Config is what a protocol works with. Plan, Admin, Journal and Mappings are required.
type Config struct {
	Plan     plan.Plan
	Admin    *kafka.Admin
	Journal  Journal
	Mappings Mappings

	Classify Classifier // nil = by what Kafka shows in the sample
	Hook     Hook       // nil = Exec
	// Approve asks the second operator and gives the id of the key that said yes.
	Approve func(ctx context.Context, p Prediction) (keyID string, err error)
	// SkipTail lets people choose to begin behind what the old service may have processed
	// and not committed; nil = never.
	SkipTail func(ctx context.Context, t Tail) (bool, error)
	// AcceptRetention goes on where retention may remove records within the cutover's window;
	// the journal keeps what was accepted.
	AcceptRetention bool
	Skip            bool // people chose it beforehand; the journal keeps it
	// Confirm asks people for a fact that Kafka does not show; nil = nobody can be asked.
	Confirm func(ctx context.Context, what string) error
	// Ready is asked once more right before the old service is asked to stop; an error ends the
	// cutover, and nothing was changed. nil = it is.
	Ready func(ctx context.Context) error
	Tell  func(text string) // what people should know or do; nil = nobody listens

	Principal string // whom Admin logs in as (User:…); "" = not known
	Servers   string // bootstrap servers in the lines for an operator
	Timing    Timing // what is 0 has its default
}

// Timing is how long things are watched and waited for.
type Timing struct {
	Sample      time.Duration // commits and ends are watched before anything is changed; 15 s
	SampleEvery time.Duration // 500 ms
	Poll        time.Duration // between two looks at a group in the pause; 50 ms
	Settle      time.Duration // between the two looks at an empty group behind a fence; 500 ms
	Rejoin      time.Duration // within which a live member that was removed is back; 7 s
	Kick        time.Duration // of the removal loop of a weak fence; 500 ms
	Prove       time.Duration // in which the new owner must show that it works; 60 s
	Guard       time.Duration // between two looks of the guards; 1 s
}

// withDefaults fills what is 0.
func (t Timing) withDefaults() Timing {
	for _, d := range []struct {
		of *time.Duration
		is time.Duration
	}{
		{&t.Sample, 15 * time.Second}, {&t.SampleEvery, 500 * time.Millisecond}, {&t.Poll, 50 * time.Millisecond},
		{&t.Settle, 500 * time.Millisecond}, {&t.Rejoin, 7 * time.Second}, {&t.Kick, 500 * time.Millisecond},
		{&t.Prove, time.Minute}, {&t.Guard, time.Second},
	} {
		if *d.of == 0 {
			*d.of = d.is
		}
	}
	return t
}

// Protocol is the cutover and the rollback of one plan. One call at a time.
type Protocol struct{ cfg Config }

// New makes a protocol; nothing is asked or changed.
func New(cfg Config) *Protocol {
	cfg.Timing = cfg.Timing.withDefaults()
	if cfg.Hook == nil {
		cfg.Hook = Exec
	}
	if cfg.Tell == nil {
		cfg.Tell = func(string) {}
	}
	return &Protocol{cfg}
}

// Errors a caller branches on.
var (
	ErrNoGo      = errors.New("no-go")
	ErrNothing   = errors.New("there is nothing to give back: the old service was not touched")
	ErrBegun     = errors.New("another act was begun")
	ErrUnderWay  = errors.New("a rollback is under way")
	ErrNotProven = errors.New("there is no cutover that was proven")
	ErrReleased  = errors.New("the migration was released: there is no way back any more")
	ErrMoved     = errors.New("the functions own the work already")
	errJournal   = errors.New("the journal can't be written")
)

// RolledBackError is a cutover that failed after the old service was asked to stop, and what
// came of giving the work back.
type RolledBackError struct {
	Cause    error
	Returned *Returned // nil = that failed as well
	Err      error     // why
}

func (e *RolledBackError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%v; and giving the work back failed, resume the rollback: %v", e.Cause, e.Err)
	}
	return fmt.Sprintf("%v; the old service has its work back", e.Cause)
}

// Unwrap gives the cause and what else failed.
func (e *RolledBackError) Unwrap() []error { return []error{e.Cause, e.Err} }

// Cutover takes the work over, or goes on with a cutover that was begun. It returns when the
// take-over is proven; Watch comes after it. What fails before the old service is asked to
// stop has changed nothing; what fails later is rolled back by itself (*RolledBackError),
// unless ctx ended or the journal can't be written: then Resume goes on.
func (p *Protocol) Cutover(ctx context.Context) (Proof, error) {
	return p.cutover(ctx, Wish{SkipTail: p.cfg.Skip})
}

func (p *Protocol) cutover(ctx context.Context, wish Wish) (Proof, error) {
	r, err := p.load(ctx)
	if err != nil {
		return Proof{}, err
	}
	if r.a.backUnderWay() {
		return Proof{}, fmt.Errorf("%w: resume it first", ErrUnderWay)
	}
	if r.a.watched() {
		return Proof{}, ErrMoved
	}
	if r.a.over() || !r.a.intended(plan.StepStop) { // what was looked at before is old
		r.a = attempt{}
	}
	if r.resumed = len(r.a.ahead) > 0; !r.resumed {
		r.wish = wish
	}
	if r.wish.Rehearsal != wish.Rehearsal {
		return Proof{}, fmt.Errorf("%w, and it is %s: resume goes on with it", ErrBegun, r.wish.name())
	}
	r.wish.SkipTail = r.wish.SkipTail || wish.SkipTail
	proof, err := r.forward(ctx)
	if err == nil || !r.a.intended(plan.StepStop) || ctx.Err() != nil || errors.Is(err, errJournal) {
		return proof, err
	}
	p.cfg.Tell("the cutover failed (" + err.Error() + "): the work goes back to the old service")
	failed := &RolledBackError{Cause: err}
	if back, rerr := p.Rollback(ctx, "the cutover failed: "+err.Error()); rerr != nil {
		failed.Err = rerr
	} else {
		failed.Returned = &back
	}
	return proof, failed
}

// Resume goes on with what the journal says was under way, from any host; it is no error if
// that is nothing.
func (p *Protocol) Resume(ctx context.Context) error {
	r, err := p.load(ctx)
	switch {
	case err != nil || !r.a.underWay():
		return err
	case r.a.backUnderWay():
		_, err = p.Rollback(ctx, "")
	case r.a.releasing():
		err = p.Release(ctx, r.a.keepsFence())
	case r.wish.Rehearsal:
		_, err = p.Rehearse(ctx)
	default:
		if _, err = p.Cutover(ctx); err == nil {
			_, err = p.Watch(ctx)
		}
	}
	return err
}

// UnderWay says whether a journal holds a cutover, a rehearsal, a rollback or a release that
// may have changed something and has not come to its end.
func UnderWay(lines []plan.Line) bool { return attemptIn(lines).underWay() }

func (r *run) forward(ctx context.Context) (Proof, error) {
	pre, err := do(ctx, r, plan.StepPreflight, r.wish, r.preflight)
	if err != nil {
		return Proof{}, err
	}
	said, err := do(ctx, r, plan.StepPredict, nil, func(context.Context) (Prediction, error) { return r.predict(pre) })
	if err != nil {
		return Proof{}, err
	}
	if r.Plan.ApproveBy != "" {
		if _, err := do(ctx, r, plan.StepApprove, nil, func(ctx context.Context) (Approval, error) { return r.approve(ctx, said) }); err != nil {
			return Proof{}, err
		}
	}
	if r.Ready != nil && !r.a.intended(plan.StepStop) {
		if err := r.Ready(ctx); err != nil {
			return Proof{}, err
		}
	}
	stopped, err := do(ctx, r, plan.StepStop, Intent{Group: r.Plan.Service.Group, Command: r.Plan.Stop.Hook}, r.stop)
	if err != nil {
		return Proof{}, err
	}
	fence := r.fenceIntent()
	fence.From = r.before(ctx, pre)
	fenced, err := do(ctx, r, plan.StepFence, fence, func(ctx context.Context) (Fenced, error) { return r.fence(ctx, stopped) })
	if err != nil {
		return Proof{}, err
	}
	keep := r.keepAway(ctx)
	defer keep.end()
	return r.takeOver(ctx, pre, stopped, fenced, keep)
}

func (r *run) takeOver(ctx context.Context, pre Preflight, stopped Stopped, fenced Fenced, keep *keeper) (Proof, error) {
	settled, err := do(ctx, r, plan.StepSettle, nil, func(ctx context.Context) (Settled, error) { return r.settle(ctx, pre) })
	if err != nil {
		return Proof{}, err
	}
	tail, err := do(ctx, r, plan.StepTail, nil, func(ctx context.Context) (Tail, error) { return r.tail(ctx, pre, stopped, fenced, settled) })
	if err != nil {
		return Proof{}, err
	}
	seams := seamsOf(settled, tail)
	group := r.Plan.CutoverGroup()
	handed, err := do(ctx, r, plan.StepHandover, Handed{Group: group, Seams: seams}, func(ctx context.Context) (Handed, error) { return r.handover(ctx, seams) })
	if err != nil {
		return Proof{}, err
	}
	started, err := do(ctx, r, plan.StepStart, Intent{Group: group}, func(ctx context.Context) (Started, error) { return r.start(ctx) })
	if err != nil {
		return Proof{}, err
	}
	return do(ctx, r, plan.StepProve, nil, func(ctx context.Context) (Proof, error) {
		return r.prove(ctx, proving{pre, stopped, fenced, handed, started, keep})
	})
}
