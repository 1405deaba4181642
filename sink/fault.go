package sink

import (
	"errors"
	"time"
)

// Cause says how a failure is to be taken.
type Cause uint8

// The causes of a failure.
const (
	// Failed: something went wrong that another attempt may cure; it may have been written.
	Failed Cause = iota
	// Busy: the service takes nothing now (it throttles, or can't be reached). Nothing was
	// written. It spends no attempt where nothing of the batch was written.
	Busy
	// Refused: the service will never take this record as it is (too large, not valid).
	// Those behind it go on; it comes again alone until its mapping gives it up.
	Refused
	// Misconfigured: it can't work as configured (no such bucket, not allowed). Nothing was
	// written. The records wait, and the mapping shows the problem.
	Misconfigured
)

func (c Cause) String() string {
	return [...]string{"failed", "busy", "refused", "misconfigured"}[c]
}

// Fault is an error that says how it is to be taken. Its text says what was attempted,
// what happened and what to try; it holds no secret.
type Fault struct {
	Cause Cause
	Err   error
	Wait  time.Duration // Busy: what the service asked for; 0 = it did not
}

func (f *Fault) Error() string { return f.Err.Error() }

// Unwrap gives the error behind it.
func (f *Fault) Unwrap() error { return f.Err }

// CauseOf gives the cause of an error of a Sink.
func CauseOf(err error) Cause {
	var f *Fault
	if errors.As(err, &f) {
		return f.Cause
	}
	return Failed
}

// waitOf gives what a busy service asked for.
func waitOf(err error) time.Duration {
	var f *Fault
	if errors.As(err, &f) {
		return f.Wait
	}
	return 0
}
