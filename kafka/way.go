package kafka

import (
	"errors"

	"gantry/mapping"
)

// wayError is a dialer's own account of a connection it did not make: gantry's egress
// rules refused it, or a proxy or jump host did not carry it (network.Error).
type wayError interface {
	error
	Explain() (cause, try string)
}

// ofWay comes before the other rules: what a dialer says of itself is about the way, and
// never about the broker.
func ofWay(err error) (Diagnosis, bool) {
	var way wayError
	if !errors.As(err, &way) {
		return Diagnosis{}, false
	}
	cause, try := way.Explain()
	return Diagnosis{Problem: mapping.ProblemConnection, Cause: cause, Try: try}, true
}
