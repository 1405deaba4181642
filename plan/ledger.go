package plan

import (
	"encoding/json"
	"time"
)

// Line is one line of a migration's ledger. Lines are chained: each holds the hash of the
// one before it, so that none can be changed, left out or put between unseen.
type Line struct {
	Plan     string          `json:"plan"`
	Sequence int64           `json:"seq"`   // 1, 2, 3 …
	Epoch    int64           `json:"epoch"` // of the writer: a second one has a higher one and fences the first
	At       time.Time       `json:"at"`
	Actor    string          `json:"actor"`
	Reason   string          `json:"reason,omitempty"`
	Step     Step            `json:"step"`
	Phase    Phase           `json:"phase"`
	State    State           `json:"state"`           // of the migration when the line is written
	Facts    json.RawMessage `json:"facts,omitempty"` // what the step found or did: one of the types below, or the step's own
	Previous string          `json:"prev"`            // Hash of the line before; "" for the first
	Hash     string          `json:"-"`               // SHA-256 of Written, in hex; stands beside it
	Written  []byte          `json:"-"`               // the line as it was written: its JSON, of whatever version of gantry
}

// Phase is where a step stands. What a step is about to change is written before it is
// changed, so that whoever recovers knows what may have happened.
type Phase string

// The phases.
const (
	Intends Phase = "intends"
	Did     Phase = "did"
	Failed  Phase = "failed"
)

// Step is one step of a protocol.
type Step string

// The steps.
const (
	StepPlan      Step = "plan"      // the plan, whole
	StepShadow    Step = "shadow"    // the shadow group got the old group's positions
	StepChange    Step = "change"    // functions became other ones while a shadow run was under way
	StepReport    Step = "report"    // what the shadow run showed
	StepWaive     Step = "waive"     // somebody goes on without what the gates demand
	StepPreflight Step = "preflight" // what was looked at before a cutover
	StepPredict   Step = "predict"   // pause, tail, headroom, go or no-go
	StepApprove   Step = "approve"   // the second operator's word
	StepStop      Step = "stop"      // the old service was asked to stop
	StepFence     Step = "fence"     // ACLs and removals, with the lines that undo them
	StepSettle    Step = "settle"    // the old group is empty and stays so: its positions
	StepTail      Step = "tail"      // what may have been processed and not committed
	StepHandover  Step = "handover"  // the new group got its positions
	StepStart     Step = "start"     // the mapping was made and enabled
	StepProve     Step = "prove"     // for every partition: old end = new start
	StepWatch     Step = "watch"     // what the guards saw
	StepHalt      Step = "halt"      // the functions stopped, their group is empty
	StepReturn    Step = "return"    // the old group got its positions
	StepUnfence   Step = "unfence"   // the fence is gone
	StepRestart   Step = "restart"   // the old service was asked to start
	StepRelease   Step = "release"
)

// Offsets are positions by topic and partition: the next record to read.
type Offsets map[string]map[int32]int64

// At gives a position, and whether there is one.
func (o Offsets) At(topic string, partition int32) (int64, bool) {
	at, ok := o[topic][partition]
	return at, ok
}

// Set puts one.
func (o Offsets) Set(topic string, partition int32, offset int64) {
	if o[topic] == nil {
		o[topic] = map[int32]int64{}
	}
	o[topic][partition] = offset
}

// Seam is one partition in a hand-over.
type Seam struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	OldEnd    int64  `json:"oldEnd"`   // the old group's last commit
	NewStart  int64  `json:"newStart"` // the first offset the new owner reads
	LogStart  int64  `json:"logStart"`
	End       int64  `json:"end"`             // of the log, when the seam was made
	Tail      int64  `json:"tail,omitempty"`  // records that may have been processed and not committed
	Again     int64  `json:"again,omitempty"` // records before oldEnd that the old owner may have processed twice by itself, removed in the middle of them
}

// Holds says that nothing is between the two sides of a seam.
func (s Seam) Holds() bool { return s.OldEnd == s.NewStart }
