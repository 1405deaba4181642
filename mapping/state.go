package mapping

import "time"

// State is what AWS calls the state of an event source mapping.
type State string

// The states of a mapping.
const (
	Creating  State = "Creating"
	Enabling  State = "Enabling"
	Enabled   State = "Enabled"
	Disabling State = "Disabling"
	Disabled  State = "Disabled"
	Updating  State = "Updating"
	Deleting  State = "Deleting"
)

// moves is the state machine; docs/compatibility.md draws it from here. AWS publishes
// the names of the states and no diagram.
var moves = map[State][]State{
	Creating:  {Enabled, Disabled, Deleting},
	Enabling:  {Enabled, Disabling, Deleting},
	Enabled:   {Updating, Disabling, Deleting},
	Disabling: {Disabled, Enabling, Deleting},
	Disabled:  {Enabling, Updating, Deleting},
	Updating:  {Enabled, Disabled, Disabling, Deleting},
	Deleting:  {},
}

// May says whether a mapping in state s may move to state to.
func (s State) May(to State) bool {
	for _, t := range moves[s] {
		if t == to {
			return true
		}
	}
	return false
}

// Moves gives the states that may follow s.
func (s State) Moves() []State { return moves[s] }

// Status is what a process observed of a mapping it runs.
type Status struct {
	State            State
	Reason           string // StateTransitionReason
	ProcessingResult string // LastProcessingResult
	Detail           string // what happened and what to try, longer than AWS's text
	Since            time.Time
	Lost             []Loss // source loss that waits for accept-loss
	Version          int64  // version of the stored mapping that this speaks of; 0 = not known
}

// The texts AWS shows (Developer Guide, with-kafka-troubleshoot).
const (
	UserInitiated         = "USER_INITIATED"
	NoRecords             = "No records processed"
	OK                    = "OK"
	ProblemFunction       = "PROBLEM: Function call failed"
	ProblemAuthorize      = "PROBLEM: Cluster failed to authorize Lambda."
	ProblemSASL           = "PROBLEM: SASL authentication failed."
	ProblemServerAuth     = "PROBLEM: Server failed to authenticate Lambda."
	ProblemAuthServer     = "PROBLEM: Lambda failed to authenticate server."
	ProblemCertificate    = "PROBLEM: Provided certificate or private key is invalid."
	ProblemConnection     = "PROBLEM: Connection error. Please check your event source connection configuration."
	ProblemSourceLoss     = "PROBLEM: Records were lost at the source before they were read."     // gantry's own
	ProblemOversize       = "PROBLEM: A record is larger than an invocation can carry."           // gantry's own
	ProblemDestination    = "PROBLEM: A failed record could not be delivered to its destination." // gantry's own
	ProblemOutput         = "PROBLEM: The function's answer could not be written to its topic."   // gantry's own
	ReasonConfigNotValid  = "ESM_CONFIG_NOT_VALID"
	ReasonSourceAuthn     = "EVENT_SOURCE_AUTHN_ERROR"
	ReasonSourceAuthz     = "EVENT_SOURCE_AUTHZ_ERROR"
	ReasonFunctionInvalid = "FUNCTION_CONFIG_NOT_VALID"
)

// Loss is a run of records that left the source before they were read. The partition
// stands still until its owner accepts the loss.
type Loss struct {
	Topic     string
	Partition int32
	First     int64  // first missing offset
	Last      int64  // last missing offset
	Count     int64  // Last-First+1; an upper bound, offsets have holes
	Resume    int64  // where reading goes on once the loss is accepted
	Reason    string // out of range, truncated, topic recreated
	Since     time.Time
}
