// Package inprocess invokes functions that are Go code inside gantry: the ready-made
// integrations. A handler has the signature of a Go Lambda function, so the same code
// runs in AWS.
//
// Flow: Invoke takes a slot, hands the handler its own copy of the event, and waits for
// the answer, the function's timeout or the caller's end, whichever comes first.
//
// Invariants: a handler that does not return in time is abandoned, never killed: Go can
// not. Its slot stays taken and its copy of the event its own until it returns, so it
// can neither pile up unseen nor read another event.
package inprocess

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/uuid"

	"gantry/function"
)

// Config shapes a target. The zero value is usable.
type Config struct {
	ARN         string        // what the handler finds in its context
	Timeout     time.Duration // the function's, 0 = function.DefaultTimeout
	Concurrency int           // slots, 0 = 2 × cores
}

// Target is one function inside gantry. It implements function.Invoker.
type Target struct {
	name      string
	arn       string
	timeout   time.Duration
	slots     chan lambda.Handler // free slots; each has a handler of its own, see slot.go
	abandoned atomic.Int64
}

var _ function.Invoker = (*Target)(nil)

// New makes the target of a handler: anything lambda.Start of aws-lambda-go accepts.
func New(name string, handler any, c Config) (*Target, error) {
	var errs []error
	if err := checkHandler(handler); err != nil {
		errs = append(errs, fmt.Errorf("inprocess: %s: %w", name, err))
	}
	if c.Timeout < 0 || c.Timeout > function.MaxAPITimeout {
		errs = append(errs, fmt.Errorf("inprocess: %s: timeout: %v is not within 0..%v", name, c.Timeout, function.MaxAPITimeout))
	}
	if c.Concurrency < 0 {
		errs = append(errs, fmt.Errorf("inprocess: %s: concurrency: %d is negative", name, c.Concurrency))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = function.DefaultTimeout
	}
	if c.Concurrency == 0 {
		c.Concurrency = 2 * runtime.GOMAXPROCS(0)
	}
	return &Target{name: name, arn: c.ARN, timeout: c.Timeout, slots: newSlots(handler, c.Concurrency)}, nil
}

// Invoke implements function.Invoker.
func (t *Target) Invoke(ctx context.Context, in function.Invocation) function.Outcome {
	began := time.Now()
	if in.RequestID == "" {
		in.RequestID = uuid.NewString()
	}
	out := t.invoke(ctx, in)
	out.RequestID, out.Elapsed = in.RequestID, time.Since(began)
	return out
}

func (t *Target) invoke(ctx context.Context, in function.Invocation) function.Outcome {
	if ctx.Err() != nil {
		return function.Outcome{Class: function.NotReached, Message: t.message("not started: %v", context.Cause(ctx))}
	}
	var slot lambda.Handler
	select {
	case slot = <-t.slots:
	default:
		return function.Outcome{Class: function.NotReached, Throttled: true, StatusCode: 429,
			Message: t.message("all %d slots are taken, %d of them by calls that did not end at their timeout;"+
				" raise its concurrency, or see why its handler hangs", cap(t.slots), t.abandoned.Load())}
	}
	limited, cancel := context.WithTimeoutCause(ctx, t.timeout, errTimeout)
	defer cancel()
	call := t.start(limited, slot, in)
	select {
	case <-call.done:
	case <-limited.Done():
		call.abandon()
	}
	return t.outcome(limited, in, call)
}

// Abandoned counts the handlers that are still running after their call was given up.
func (t *Target) Abandoned() int { return int(t.abandoned.Load()) }

func (t *Target) message(format string, args ...any) string {
	return "function " + t.name + ": " + fmt.Sprintf(format, args...)
}

// handlerContext is what a handler finds in AWS: the request, the function and a
// deadline.
func (t *Target) handlerContext(ctx context.Context, in function.Invocation) context.Context {
	return lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID: in.RequestID, InvokedFunctionArn: t.arn,
	})
}
