package inprocess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"runtime"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"gantry/function"
	"gantry/mapping"
	"gantry/sink"
)

var errTimeout = errors.New("the function's timeout")

const unhandled = "Unhandled"

// answered says what an ended handler came to.
func (t *Target) answered(ctx context.Context, in function.Invocation, c *call) function.Outcome {
	switch {
	case c.err == nil && len(c.answer) > function.MaxAnswer:
		return t.failed(&messages.InvokeResponse_Error{Type: "Function.ResponseSizeTooLarge",
			Message: fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", function.MaxAnswer)})
	case c.err == nil:
		return t.succeeded(c.answer)
	case errors.Is(context.Cause(ctx), errTimeout) && errors.Is(c.err, context.DeadlineExceeded):
		return t.timedOut(in) // the handler has seen the deadline, too
	case ctx.Err() != nil && !errors.Is(context.Cause(ctx), errTimeout):
		return function.Outcome{Class: function.Unknown,
			Message: t.message("cut short: %v; it may have done part of its work", context.Cause(ctx))}
	default:
		return t.fault(c.err)
	}
}

// fault is a handler's error. An integration says by it that it did nothing, and why.
func (t *Target) fault(err error) function.Outcome {
	var fault *sink.Fault
	if !errors.As(err, &fault) {
		return t.failed(document(err))
	}
	out := function.Outcome{Message: t.message("%v", fault)}
	switch fault.Cause {
	case sink.Busy:
		out.Class, out.Throttled, out.RetryAfter = function.NotReached, true, fault.Wait
	case sink.Misconfigured:
		out.Class, out.Problem = function.Misconfigured, mapping.ProblemFunction
	default:
		out = t.failed(document(fault.Err))
		out.Message = t.message("%v", fault)
	}
	return out
}

func (t *Target) succeeded(answer []byte) function.Outcome {
	if len(answer) == 0 {
		answer = []byte("null")
	}
	return function.Outcome{Class: function.Succeeded, Answer: answer, StatusCode: http.StatusOK, ExecutedVersion: function.LatestVersion}
}

// failed is what Lambda's Invoke reports for a function's error.
func (t *Target) failed(d *messages.InvokeResponse_Error) function.Outcome {
	answer, err := json.Marshal(d)
	if err != nil { // only text and numbers: can't happen
		answer = nil
	}
	return function.Outcome{
		Class: function.Failed, Answer: answer, StatusCode: http.StatusOK, FunctionError: unhandled,
		ExecutedVersion: function.LatestVersion, Message: t.message("its handler failed (%s)", d.Type),
	}
}

func (t *Target) timedOut(in function.Invocation) function.Outcome {
	out := t.failed(&messages.InvokeResponse_Error{Type: "Sandbox.Timedout",
		Message: fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", in.RequestID, t.timeout.Seconds())})
	out.Message = t.message("no answer within its timeout of %v; raise the timeout or lower the batch size", t.timeout)
	return out
}

// document is the error document aws-lambda-go makes of an error.
func document(err error) *messages.InvokeResponse_Error {
	if d, ok := err.(messages.InvokeResponse_Error); ok { //nolint:errorlint // as aws-lambda-go: only the error itself
		return &d
	}
	return &messages.InvokeResponse_Error{Message: err.Error(), Type: typeName(err)}
}

// panicked is the error document of a panic, with the frames from the panic down.
func panicked(p any) messages.InvokeResponse_Error {
	if d, ok := p.(messages.InvokeResponse_Error); ok {
		return d
	}
	d := messages.InvokeResponse_Error{Message: fmt.Sprint(p), Type: typeName(p)}
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(4, callers)]) // runtime.Callers, panicked, the deferred function, gopanic
	for {
		f, more := frames.Next()
		d.StackTrace = append(d.StackTrace, &messages.InvokeResponse_Error_StackFrame{Path: f.File, Line: int32(f.Line), Label: f.Function})
		if !more {
			return d
		}
	}
}

func typeName(v any) string {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}
