package cutover

import (
	"time"

	"gantry/kafka"
	"gantry/plan"
	"gantry/workload"
)

// What each step writes into the journal when it is done.

// Failure is a step that failed, with what it had found until then.
type Failure struct {
	Error string `json:"error"`
	Facts any    `json:"facts,omitempty"`
}

// Wish is what people asked for when a cutover began: whoever goes on with it does that.
type Wish struct {
	Rehearsal bool `json:"rehearsal,omitempty"` // the work goes back at once
	SkipTail  bool `json:"skipTail,omitempty"`
}

func (w Wish) name() string {
	if w.Rehearsal {
		return "a rehearsal"
	}
	return "a cutover"
}

// Intent is what a step is about to change.
type Intent struct {
	Group   string       `json:"group,omitempty"`
	Command []string     `json:"command,omitempty"`
	Grade   plan.Fence   `json:"grade,omitempty"`
	Deny    string       `json:"deny,omitempty"` // the principal
	Do      []string     `json:"do,omitempty"`   // for a person, where one does it
	Undo    []string     `json:"undo,omitempty"` // for a person, whatever becomes of gantry
	Reason  string       `json:"reason,omitempty"`
	From    plan.Offsets `json:"from,omitempty"` // of the old group, before a fence is set
	To      plan.Offsets `json:"to,omitempty"`   // positions that are about to be committed
	Keep    bool         `json:"keep,omitempty"` // of a release: the fence stays
}

// Preflight is what was found before anything was changed.
type Preflight struct {
	Group    kafka.Group             `json:"group"`
	Class    workload.Class          `json:"class"`
	Why      string                  `json:"why"`
	F0       plan.Offsets            `json:"f0"`    // the old group's positions
	Start    plan.Offsets            `json:"start"` // of the logs
	End      plan.Offsets            `json:"end"`   // their last stable offsets
	TopicIDs map[string]string       `json:"topicIds"`
	Unset    []string                `json:"unset,omitempty"` // partitions that the group never committed
	Headroom time.Duration           `json:"headroomNs"`      // until retention reaches the group; 0 = it does not
	Pending  []kafka.OpenTransaction `json:"pending,omitempty"`
	Sample   Sample                  `json:"sample"`
	Notes    []string                `json:"notes,omitempty"`
	Accepted []string                `json:"accepted,omitempty"` // what would be a fault, and somebody took on himself
	Faults   []string                `json:"faults,omitempty"`
}

// Prediction is what a cutover is going to cost.
type Prediction struct {
	Pause    time.Duration   `json:"pauseNs"`
	From     time.Duration   `json:"fromNs"` // … and what it was between
	To       time.Duration   `json:"toNs"`
	Samples  []time.Duration `json:"samplesNs,omitempty"` // measured pauses that it is made of; none = it is an estimate
	Basis    string          `json:"basis"`
	Tail     int64           `json:"tail"` // records that may be processed twice
	Headroom time.Duration   `json:"headroomNs"`
	Lag      int64           `json:"lag"`
	LagTime  time.Duration   `json:"lagTimeNs"`
	NoGo     []string        `json:"noGo,omitempty"`
}

// Approval is the second operator's word.
type Approval struct {
	KeyID string `json:"keyId"`
}

// Stopped is how the old service stopped.
type Stopped struct {
	Began    time.Time     `json:"began"`    // when it was asked: the pause begins at the latest
	Took     time.Duration `json:"tookNs"`   // until its group was empty, or it was waited for no longer
	Graceful bool          `json:"graceful"` // every member left by itself
	Left     int           `json:"left"`     // members that did not
	Alive    bool          `json:"alive"`    // … and whose process may be alive: not just the place of a static one
}

// Fenced is how the old service is kept away.
type Fenced struct {
	Grade    plan.Fence    `json:"grade"`
	Observed string        `json:"observed"`  // how the refusal was seen: acl, confirmed; "" = weak, there is none
	Removed  int           `json:"removed"`   // members
	Emptied  time.Duration `json:"emptiedNs"` // from the denial until the group was empty
	Took     time.Duration `json:"tookNs"`
	At       time.Time     `json:"at"`
}

// Settled is where the old group stands, for good.
type Settled struct {
	F1       plan.Offsets `json:"f1"`
	Start    plan.Offsets `json:"start"`
	End      plan.Offsets `json:"end"`
	Resolved plan.Offsets `json:"resolved,omitempty"` // of F1, partitions that had no commit
	Added    []string     `json:"added,omitempty"`    // partitions that are new since the preflight
	Came     int          `json:"came,omitempty"`     // times that a member came back meanwhile
}

// Tail is what the old service may have processed and not committed: an upper bound.
type Tail struct {
	Records  int64        `json:"records"`
	Likely   int64        `json:"likely"`          // 0 where every member left by itself and so could commit
	Counts   plan.Offsets `json:"counts"`          // records by partition, from its F1 on
	Again    plan.Offsets `json:"again,omitempty"` // records by partition, before F1: done twice by itself at most, as it was removed in the middle
	Basis    string       `json:"basis"`
	Keys     []string     `json:"keys,omitempty"` // of these records, as far as they were read
	MoreKeys bool         `json:"moreKeys,omitempty"`
	Skipped  bool         `json:"skipped,omitempty"` // people chose to begin behind it
}

// Handed is what the new group got.
type Handed struct {
	Group string      `json:"group"`
	Seams []plan.Seam `json:"seams"`
}

// Started is the mapping that was enabled.
type Started struct {
	Group   string       `json:"group"`
	At      time.Time    `json:"at"`
	Outputs plan.Offsets `json:"outputs,omitempty"` // ends of the plan's output topics before it
}

// Proof is that the functions took over without a gap.
type Proof struct {
	Group    string        `json:"group"`
	Seams    []plan.Seam   `json:"seams"`
	Members  []string      `json:"members"`
	Pause    time.Duration `json:"pauseNs"`        // from the word to stop to the first commit behind the seam
	Idle     bool          `json:"idle,omitempty"` // nothing was there to process: the pause ends with the assignment
	LagFirst int64         `json:"lagFirst"`
	LagLast  int64         `json:"lagLast"`
	Removed  int           `json:"removed,omitempty"` // old members that came back and were removed
	Name     string        `json:"name"`
	Resumed  bool          `json:"resumed,omitempty"` // a run that was cut was gone on with: the pause is no sample
	At       time.Time     `json:"at"`
}

// Watched is what the guards saw.
type Watched struct {
	For     time.Duration `json:"forNs"`
	Records int64         `json:"records"`
	Failed  int64         `json:"failed"`
	MaxLag  time.Duration `json:"maxLagNs"`
	Limit   time.Duration `json:"limitNs"` // of the lag
	Alarms  []string      `json:"alarms,omitempty"`
	Tripped string        `json:"tripped,omitempty"` // the guard that ended it
}

// Halted is where the functions stopped.
type Halted struct {
	Began   time.Time     `json:"began"`
	Group   string        `json:"group"`
	Ran     bool          `json:"ran"` // the functions may have worked
	F2      plan.Offsets  `json:"f2,omitempty"`
	Outputs plan.Offsets  `json:"outputs,omitempty"` // ends of the plan's output topics after them
	Took    time.Duration `json:"tookNs"`
}

// Given is where the old group goes on.
type Given struct {
	Way       plan.Rollback `json:"way"`
	Untouched bool          `json:"untouched,omitempty"` // its positions were never changed
	Found     plan.Offsets  `json:"found,omitempty"`     // where it was
	To        plan.Offsets  `json:"to,omitempty"`
	Took      time.Duration `json:"tookNs"`
}

// Unfenced is a fence that is gone.
type Unfenced struct {
	Removed bool `json:"removed"` // there was one
}

// Restarted is the old service, asked to start.
type Restarted struct {
	At      time.Time `json:"at"`
	Members int       `json:"members"`
}

// Returned is that the old service owns the work again.
type Returned struct {
	Reason    string        `json:"reason"`
	Seams     []plan.Seam   `json:"seams,omitempty"` // oldEnd: the functions', newStart: the old service's
	Pause     time.Duration `json:"pauseNs"`         // from the word to halt to the old service's first commit behind it
	Idle      bool          `json:"idle,omitempty"`
	Members   []string      `json:"members,omitempty"`
	Again     []Range       `json:"again,omitempty"` // what the old service may have done twice by itself: it was removed in the middle
	Meanwhile Meanwhile     `json:"meanwhile"`
}

// Meanwhile is what the functions did while they owned the work.
type Meanwhile struct {
	Ranges   []Range  `json:"ranges,omitempty"` // of inputs: processed once by them, and by Replay again by the old service
	Records  int64    `json:"records"`
	Keys     []string `json:"keys,omitempty"`
	MoreKeys bool     `json:"moreKeys,omitempty"` // there are more; Ranges hold them all
	Outputs  []Range  `json:"outputs,omitempty"`  // what was written to the output topics meanwhile, by whomever
	Note     string   `json:"note,omitempty"`
}

// Range is a run of offsets of one partition: From up to and without To.
type Range struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	From      int64  `json:"from"`
	To        int64  `json:"to"`
	Records   int64  `json:"records"` // counted; markers and holes are none. -1 = not read
}
