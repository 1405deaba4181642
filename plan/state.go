package plan

// State is where a migration stands.
type State string

// The states. Canary has its place and no way to it yet.
const (
	Planned     State = "Planned"     // nothing was touched
	Shadowing   State = "Shadowing"   // the functions run beside the old service, without effect
	Shadowed    State = "Shadowed"    // the shadow ended; its report is in the ledger
	Canary      State = "Canary"      // the functions take a share; reserved
	CuttingOver State = "CuttingOver" // the old service stops, is fenced, and hands over
	Watching    State = "Watching"    // the functions own the work, guards watch
	Moved       State = "Moved"       // it is over; the old group is the rollback token until it is released
	RollingBack State = "RollingBack" // the functions stop and hand back
	RolledBack  State = "RolledBack"  // the old service owns the work again
	Released    State = "Released"    // the fence is gone or the old principal retired; no way back
)

var moves = map[State][]State{
	Planned:     {Shadowing, CuttingOver, Released},
	Shadowing:   {Shadowed, Planned},
	Shadowed:    {Shadowing, Canary, CuttingOver, Released},
	Canary:      {CuttingOver, RollingBack},
	CuttingOver: {Watching, RollingBack},
	Watching:    {Moved, RollingBack},
	Moved:       {Released, RollingBack},
	RollingBack: {RolledBack},
	RolledBack:  {Shadowing, CuttingOver, Released},
	Released:    {},
}

// May says whether a migration in state s may move to state to.
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

// Owner says who owns the service's records in a state: the old service, or the functions.
func (s State) Owner() string {
	switch s {
	case Watching, Moved, Released:
		return "functions"
	case CuttingOver, RollingBack:
		return "nobody for a moment"
	default:
		return "old service"
	}
}
