package http

import (
	"context"
	"errors"
	"fmt"

	"gantry/function"
	"gantry/network/trip"
)

var errTimeout = errors.New("no answer within the function's timeout")

// noAnswer says what a request without a response came to: unknown as soon as a byte
// of it was written, for the function may have run.
func (t *Target) noAnswer(ctx context.Context, in function.Invocation, journey *trip.Trip, err error) function.Outcome {
	journey.Wait()
	out := function.Outcome{Class: function.NotReached, RequestID: in.RequestID}
	out.Message = t.message("the function was not reached: %v; is its server running there?", reason(ctx, err))
	if journey.Written() {
		out.Class = function.Unknown
		out.Message = t.message("the event was sent and no answer came: %v; the function may have run", reason(ctx, err))
	}
	return out
}

// reason prefers why the call was ended to what the connection said when it was.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// watch looks for calls that something on the path cuts. What gantry cut by itself,
// because of a timeout or because its caller had enough, is no sign of that.
func (t *Target) watch(ctx context.Context, out *function.Outcome) {
	switch {
	case out.Class == function.Succeeded || out.Class == function.Failed:
		t.cuts.Answered(out.Elapsed)
	case out.Class == function.Unknown && ctx.Err() == nil && out.Elapsed < t.timeout:
		out.Message += t.cuts.Lost(out.Elapsed)
	}
}

func (t *Target) message(format string, args ...any) string {
	return "POST " + t.shown + ": " + fmt.Sprintf(format, args...)
}
