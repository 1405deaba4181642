package function

import (
	"context"
	"time"
)

// Invocation is one call of a function.
type Invocation struct {
	Payload       []byte // the event; owned by the caller, readable until Invoke returns
	RequestID     string // UUID; empty = the target makes one
	ClientContext string // base64, as X-Amz-Client-Context carries it
	TraceID       string // X-Amzn-Trace-Id
	TraceParent   string // W3C Trace Context, for services behind HTTP
	TraceState    string
	LogTail       bool // the caller wants the last 4 KB of the function's log
}

// Class says what an invocation came to. Each class has its own rule in settle; the
// text of an error is never looked at to find it.
type Class uint8

// The classes of an outcome.
const (
	Succeeded     Class = iota // the function answered
	Failed                     // it ran and failed: error answer, crash, timeout, failed init, 5xx, other 4xx
	Unknown                    // the request was written and no answer came: it may have run
	NotReached                 // it certainly did not run: refused, throttled, service error
	TooLarge                   // the event is over what the target takes (413)
	Misconfigured              // it can't work as configured: not there, not allowed, bad request
)

var classNames = [...]string{"succeeded", "failed", "unknown", "not-reached", "too-large", "misconfigured"}

func (c Class) String() string { return classNames[c] }

// Outcome is what became of one invocation.
type Outcome struct {
	Class           Class
	Answer          []byte        // the function's response; for Failed its error document, if it gave one
	RequestID       string        // the target's
	StatusCode      int           // HTTP status as Lambda's Invoke reports it; 0 = there was none
	FunctionError   string        // "Unhandled" for Failed answers of the Runtime API or AWS, else empty
	ExecutedVersion string        // "$LATEST" or a number, where known
	Message         string        // for people: what happened, with the thing attempted; no payload, no secret
	Problem         string        // for Misconfigured: AWS's LastProcessingResult, where one fits
	Log             []byte        // at most LogTailBytes, where asked for and known
	Throttled       bool          // NotReached because of a concurrency or rate limit
	RetryAfter      time.Duration // what the target asked for; 0 = it did not
	Elapsed         time.Duration
}

// Invoker runs one function once. Safe for use by many goroutines.
//
// What happened is in Outcome.Class. When ctx ends the call is cut: a process is
// killed, a request cancelled, and the outcome is Unknown or NotReached, never
// Succeeded, unless the answer had arrived before.
type Invoker interface {
	Invoke(ctx context.Context, in Invocation) Outcome
}
