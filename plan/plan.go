// Package plan holds the words for the migration of one service: what its owner planned (the
// old consumer group, the functions that replace it, every effect it has), the states a
// migration moves through, and what its ledger records of each step. It imports the standard
// library only.
package plan

import "time"

// Plan is how one service is to be moved, as its owner wrote it.
type Plan struct {
	Name      string     `json:"name"`
	Service   Service    `json:"service"`
	Functions []Function `json:"functions"`
	Batch     Batch      `json:"batch"`
	Outputs   []Output   `json:"outputs,omitempty"` // topics that the service writes
	Effects   []Effect   `json:"effects"`           // everything else it changes; an empty list says that there is nothing
	Ignore    []Ignore   `json:"ignore,omitempty"`  // differences that are none
	Gates     Gates      `json:"gates"`
	Guards    Guards     `json:"guards"`
	Fence     Fence      `json:"fence"`
	Stop      Stop       `json:"stop"`
	Handover  Handover   `json:"handover"`
	Rollback  Rollback   `json:"rollback"`
	ApproveBy string     `json:"approveBy,omitempty"` // key id of the second operator a cutover needs; "" = none
}

// Service is the old implementation, as Kafka sees it.
type Service struct {
	Cluster    string   `json:"cluster"` // a name in clusters:
	Group      string   `json:"group"`
	Topics     []string `json:"topics"`
	Principal  string   `json:"principal,omitempty"` // User:… that it logs in as: what a fence denies
	NoPosition Reset    `json:"noPosition"`          // where it begins in a partition it never committed
}

// Reset is a consumer's auto.offset.reset.
type Reset string

// The resets.
const (
	ResetEarliest Reset = "earliest"
	ResetLatest   Reset = "latest"
	ResetNone     Reset = "none" // such a partition is a fault
)

// Function is one of the functions that replace the service.
type Function struct {
	Name    string   `json:"name"`              // in functions:
	Filters []string `json:"filters,omitempty"` // patterns, ORed; none = every record
}

// Batch is how the mapping that replaces the service batches and retries.
type Batch struct {
	Size           int            `json:"size"`
	Window         *time.Duration `json:"windowNs,omitempty"`
	RetryAttempts  int            `json:"retryAttempts"` // mapping.Endless
	RecordAge      time.Duration  `json:"recordAgeNs"`   // mapping.Endless
	Bisect         bool           `json:"bisect,omitempty"`
	PartialAnswers bool           `json:"partialAnswers,omitempty"`
	OnFailure      string         `json:"onFailure,omitempty"`
	Transactional  bool           `json:"transactional,omitempty"` // outputs and offsets in one transaction
}

// Output is a topic that the old service writes and the functions are to write.
type Output struct {
	Topic string `json:"topic"`
	Pair  Pair   `json:"pair"`            // how an output is found to belong to an input
	Field string `json:"field,omitempty"` // of PairHeader and PairValue: the header's name, the path in the value
	Order bool   `json:"order,omitempty"` // outputs of a key must come in the same order

	Second string `json:"second,omitempty"` // topic that a second run of the old code writes: what differs between the two runs is masked
}

// Pair says how outputs of the old and the new implementation are paired.
type Pair string

// The ways of pairing.
const (
	PairKey    Pair = "key"    // same key, n-th output of it
	PairHeader Pair = "header" // same content of a header
	PairValue  Pair = "value"  // same content of a field of the JSON value
	PairSource Pair = "source" // headers that carry topic, partition and offset of the input
)

// Effect is one thing the service changes outside its output topics.
type Effect struct {
	Kind        EffectKind        `json:"kind"`
	Name        string            `json:"name"`                  // for people
	Target      string            `json:"target,omitempty"`      // host:port, URL or service
	Shadow      EffectShadow      `json:"shadow"`                // what becomes of it in shadow
	Environment map[string]string `json:"environment,omitempty"` // of EffectOverride: variables of the functions in shadow
	Allow       []string          `json:"allow,omitempty"`       // HOST:PORT that an override leads to: the only ways out of functions that are cut off
	Enforcement Enforcement       `json:"enforcement,omitempty"`
}

// EffectKind is what an effect acts on.
type EffectKind string

// The kinds of effects.
const (
	EffectDatabase EffectKind = "database"
	EffectHTTP     EffectKind = "http"
	EffectAWS      EffectKind = "aws"
	EffectKafka    EffectKind = "kafka" // a topic of another cluster, or written past the functions' answers
	EffectOther    EffectKind = "other"
)

// EffectShadow is what becomes of an effect while a function runs in shadow.
type EffectShadow string

// The ways to keep shadow runs from changing anything.
const (
	EffectOverride EffectShadow = "override" // the function gets other variables: another database, another endpoint
	EffectDenied   EffectShadow = "denied"   // it can't be reached
)

// Enforcement says who keeps a denied effect from happening.
type Enforcement string

// The enforcements.
const (
	Enforced Enforcement = "enforced" // gantry: a network namespace with loopback and the declared targets only
	Declared Enforcement = "declared" // the owner's word; reports say "not enforced"
)

// Ignore is a rule for differences that are none.
type Ignore struct {
	Topic string `json:"topic,omitempty"` // "" = every output
	Path  string `json:"path"`            // of the JSON value, header:NAME, key, partition
	Why   string `json:"why"`
}

// Gates are what a shadow run must have shown before a cutover.
type Gates struct {
	Compared     int           `json:"compared"`     // outputs that were compared
	Different    float64       `json:"different"`    // share of them at most, as the upper bound at 95 %
	Keys         int           `json:"keys"`         // distinct keys
	HoursOfWeek  int           `json:"hoursOfWeek"`  // of 168 that were covered
	For          time.Duration `json:"forNs"`        // how long the shadow must have run
	AllowMissing int           `json:"allowMissing"` // outputs missing or extra
}

// Guards end what goes wrong by themselves. None may be absent.
type Guards struct {
	Unresolved time.Duration `json:"unresolvedNs"` // a batch that stands so long
	Errors     float64       `json:"errors"`       // share of failed invocations
	ErrorsOver int           `json:"errorsOver"`   // … over so many records
	LagFactor  float64       `json:"lagFactor"`    // × the old service's lag in time
	Watch      time.Duration `json:"watchNs"`      // how long they watch after a cutover
}

// Fence is how the old service is kept away from its group.
type Fence string

// The grades of a fence.
const (
	FenceStrong   Fence = "strong"   // gantry denies READ on the group and removes its members
	FenceOperator Fence = "operator" // an operator does, with the lines that gantry prints
	FenceWeak     Fence = "weak"     // no authorizer: stop hook, removal loop, watch
)

// Stop is how the old service is asked to stop.
type Stop struct {
	Hook  []string      `json:"hook,omitempty"`  // a command and its arguments; none = people do it
	Start []string      `json:"start,omitempty"` // the command that starts it again, in a rollback
	Wait  time.Duration `json:"waitNs"`          // for the group to be empty
}

// Handover is which group the functions read by.
type Handover string

// The hand-overs.
const (
	HandoverNew  Handover = "new"  // the old group stays frozen as the rollback token
	HandoverSame Handover = "same" // the old group's own name
)

// Rollback is where the old service goes on.
type Rollback string

// The rollbacks.
const (
	Resume Rollback = "resume" // behind what the functions did
	Replay Rollback = "replay" // where the old service had stopped: it does again what they did
)

// NewGroup is the group the functions read by after a cutover with HandoverNew.
func (p *Plan) NewGroup() string { return p.Service.Group + ".gantry" }

// ShadowGroup is the group they read by in shadow.
func (p *Plan) ShadowGroup() string { return p.Service.Group + ".shadow." + p.Name }

// ShadowTopic is where what a function writes to topic goes in shadow.
func (p *Plan) ShadowTopic(topic string) string { return topic + ".shadow." + p.Name }

// ShadowFailed is where records go that the functions give up in shadow.
func (p *Plan) ShadowFailed() string { return p.Service.Topics[0] + ".failed.shadow." + p.Name }

// CutoverGroup is the group that the functions own once they took over.
func (p *Plan) CutoverGroup() string {
	if p.Handover == HandoverSame {
		return p.Service.Group
	}
	return p.NewGroup()
}
