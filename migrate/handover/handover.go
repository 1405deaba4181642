// Package handover gives the consumer group of a mapping to an event source mapping in AWS
// that has the same ConsumerGroupId, and takes it back where AWS does not go on in time.
//
// The flow: look at both sides; stop here; wait until the group has no member any more;
// read the final offsets; enable AWS's mapping; wait until it has members in the group and
// has committed. A timer that begins with the stop bounds all of that: when it runs out,
// AWS's mapping is disabled, the group is waited for until it is empty, and the mapping
// here goes on. Where AWS was never enabled there is nobody to wait for.
//
// What holds: the committed offsets of the group are the only token of ownership, and the
// two sides are never told to run at once. Nothing of a run is remembered: each step looks
// at the world and does what is left of it, so a hand-over that broke off anywhere is
// carried on by the next. What the mapping here keeps is to whom it went, so that the file
// that declares it does not set it running again.
package handover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Step is one thing that was done, or, in a dry run, that would be.
type Step struct {
	At     time.Time `json:"at"`
	Name   string    `json:"name"`
	Result Outcome   `json:"result"`
	Detail string    `json:"detail"`
}

// Outcome says what became of a step.
type Outcome string

// The outcomes of a step. A hand-over ends with Done, Failed or Given.
const (
	Begun  Outcome = "begun"
	OK     Outcome = "ok"
	Would  Outcome = "would"  // a dry run
	Failed Outcome = "failed" // nothing was changed, or what was is said
	Given  Outcome = "given back"
	Done   Outcome = "done"
)

// Partition is where a group is in one partition.
type Partition struct {
	Topic     string
	Index     int32
	Start     int64
	End       int64
	Committed int64 // -1 = nothing
}

// Group is a consumer group with its members, each told for people.
type Group struct {
	State   string // Empty, Stable, …; "" = there is none
	Members []string
}

// Here is the mapping in gantry. Pause and Resume are audited by who implements them.
type Here interface {
	// Pause stops the mapping and keeps it off until Resume, whatever its file says. One
	// that is off already is only kept so; done again it changes nothing.
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
	// Paused says whether the mapping is paused, and has stopped.
	Paused(ctx context.Context) (asked, stopped bool, err error)
	Group(ctx context.Context) (Group, error)
	Offsets(ctx context.Context) ([]Partition, error)
}

// There is the mapping in AWS.
type There interface {
	Look(ctx context.Context) (Remote, error)
	// Enable turns it on or off; the answer comes before that is done.
	Enable(ctx context.Context, on bool) error
}

// Remote is what AWS says of its mapping.
type Remote struct {
	UUID     string
	State    string
	Result   string // LastProcessingResult
	Reason   string // StateTransitionReason
	Function string
	Group    string
	ARN      string
	Brokers  []string
	Topics   []string
}

// Wanted is what AWS's mapping must be.
type Wanted struct {
	Group   string
	Topics  []string
	ARN     string
	Brokers []string
}

// Config is a hand-over. All but DryRun, File and Poll is required.
type Config struct {
	Here   Here
	There  There
	Want   Wanted
	Within time.Duration // from the stop here until AWS has committed
	DryRun bool
	Name   string                 // of the mapping, for people
	File   string                 // the file that declares it, "" = none
	Poll   time.Duration          // how often the world is looked at; 0 = half a second
	Say    func(s Step)           // is told each step; it may be slow
	Audit  func(what, how string) // is told each change in AWS
}

// DefaultWithin is how long AWS may take.
const DefaultWithin = 5 * time.Minute

// ErrGivenBack is a hand-over that AWS did not take up; the mapping goes on here.
var ErrGivenBack = errors.New("the hand-over was given back")

// run is one hand-over under way.
type run struct {
	Config
	final []Partition
	given bool // AWS's mapping was enabled, by this run or the one before
}

// Run hands over. It gives nil when AWS goes on, ErrGivenBack when gantry does again, and
// any other error where nothing was begun or somebody has to look.
func Run(ctx context.Context, c Config) error {
	if c.Poll == 0 {
		c.Poll = 500 * time.Millisecond
	}
	r := &run{Config: c}
	if err := r.preflight(ctx); err != nil {
		r.say("look", Failed, "%v", err)
		return err
	}
	if c.DryRun {
		r.rehearse()
		return nil
	}
	within, cancel := context.WithTimeout(ctx, c.Within)
	defer cancel()
	err := r.forward(within)
	switch {
	case err == nil:
		r.say("done", Done, "%s", r.afterwards())
		return nil
	case ctx.Err() != nil:
		return r.broken("interrupted: run the same command again, it goes on from here", ctx.Err())
	}
	return r.back(ctx, err)
}

func (r *run) say(name string, result Outcome, format string, args ...any) {
	r.Say(Step{At: time.Now().UTC(), Name: name, Result: result, Detail: fmt.Sprintf(format, args...)})
}

func (r *run) broken(what string, err error) error {
	r.say("stopped", Failed, "%s (%v)", what, err)
	return fmt.Errorf("%s: %w", what, err)
}

// preflight looks at both sides and names everything that is wrong at once.
func (r *run) preflight(ctx context.Context) error {
	remote, err := r.There.Look(ctx)
	if err != nil {
		return fmt.Errorf("look at the mapping in AWS: %w", err)
	}
	asked, _, err := r.Here.Paused(ctx)
	if err != nil {
		return err
	}
	faults := r.Want.faults(remote)
	if !asked && remote.State != "Disabled" {
		faults = append(faults, fmt.Sprintf("it is %s while %s runs here: both would read the same group. Disable it first: aws lambda update-event-source-mapping --uuid %s --no-enabled", remote.State, r.Name, remote.UUID))
	}
	if _, err := r.Here.Group(ctx); err != nil {
		faults = append(faults, "the group can't be looked at: "+err.Error())
	}
	places, err := r.Here.Offsets(ctx)
	if err != nil {
		faults = append(faults, "the group's offsets can't be read: "+err.Error())
	}
	if len(faults) > 0 {
		return fmt.Errorf("mapping %s in AWS can't take over; nothing was changed:\n  %s", remote.UUID, strings.Join(faults, "\n  "))
	}
	r.say("look", OK, "AWS mapping %s is %s, group %s, topics %s, function %s; %s", remote.UUID, remote.State, remote.Group,
		strings.Join(remote.Topics, ", "), remote.Function, lag(places))
	return nil
}

// faults are what keeps a mapping in AWS from going on where this one stops.
func (w Wanted) faults(have Remote) []string {
	var out []string
	if have.Group != w.Group {
		out = append(out, fmt.Sprintf("its ConsumerGroupId is %q, not %q: it would begin elsewhere, and the id can't be changed; create it again", have.Group, w.Group))
	}
	if len(w.Topics) > 1 {
		out = append(out, fmt.Sprintf("this mapping reads %s, and a mapping in AWS reads one topic: by one group it can't be handed over; give each topic a mapping of its own here first", strings.Join(w.Topics, ", ")))
	} else if !slices.Equal(have.Topics, w.Topics) {
		out = append(out, fmt.Sprintf("it reads %s, not %s", strings.Join(have.Topics, ", "), strings.Join(w.Topics, ", ")))
	}
	switch {
	case have.ARN != "" && w.ARN != "" && have.ARN != w.ARN:
		out = append(out, fmt.Sprintf("its cluster is %s, not %s", have.ARN, w.ARN))
	case have.ARN == "" && len(w.Brokers) > 0 && !slices.ContainsFunc(have.Brokers, func(b string) bool { return slices.Contains(w.Brokers, b) }):
		out = append(out, fmt.Sprintf("none of its bootstrap servers (%s) is one of this mapping's (%s)", strings.Join(have.Brokers, ", "), strings.Join(w.Brokers, ", ")))
	}
	if have.State == "Deleting" {
		out = append(out, "it is being deleted")
	}
	return out
}

func lag(places []Partition) string {
	var behind int64
	for _, p := range places {
		behind += max(0, p.End-max(p.Committed, p.Start))
	}
	return fmt.Sprintf("%d partitions, %d records to read", len(places), behind)
}

// rehearse says what would be done.
func (r *run) rehearse() {
	r.say("pause", Would, "stop %s here; what is in flight ends and is committed, the member leaves group %s", r.Name, r.Want.Group)
	r.say("empty", Would, "ListGroups and DescribeGroups until group %s has no member", r.Want.Group)
	r.say("settle", Would, "OffsetFetch until two readings are the same, and every partition has an offset that is still there")
	r.say("enable", Would, "UpdateEventSourceMapping Enabled=true in AWS")
	r.say("watch", Would, "until AWS has members in the group and has committed, at most %s after the stop", r.Within)
	r.say("give back", Would, "if it has not by then: UpdateEventSourceMapping Enabled=false, wait until the group is empty, go on here")
}

// afterwards is what is left to do by hand.
func (r *run) afterwards() string {
	text := fmt.Sprintf("AWS goes on with group %s. Leave %s paused until you are sure: the way back is to disable AWS's mapping, wait until the group is empty, and gantry resume %s", r.Want.Group, r.Name, r.Name)
	if r.File != "" {
		text += fmt.Sprintf(". It is declared in %s: applying that file, as a restart does, leaves it off in this gantry", r.File)
	}
	return text
}
