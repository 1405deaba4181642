package lambda

import (
	"context"
	"errors"
	"fmt"
	nethttp "net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"gantry/function"
	"gantry/mapping"
	"gantry/network/trip"
)

// classOf is the table of what an error status of Lambda's Invoke means. Whatever has
// one, the function did not run: its own failures come as 200.
func classOf(status int) function.Class {
	switch {
	case status == nethttp.StatusRequestEntityTooLarge:
		return function.TooLarge
	case status >= 500, status == 408, status == 410, status == 429:
		return function.NotReached
	default: // 3xx, 400, 402, 403, 404, 409, 415 and what Lambda does not send
		return function.Misconfigured
	}
}

// classify turns an error of the SDK into an outcome.
func (t *Target) classify(ctx context.Context, journey *trip.Trip, err error) function.Outcome {
	var response *smithyhttp.ResponseError
	switch {
	case errors.As(err, &response) && response.HTTPStatusCode() >= 300:
		return t.refused(journey, response, err)
	case errors.As(err, &response) && errors.Is(err, errTooLong):
		return t.tooLong()
	case journey.Written():
		return function.Outcome{Class: function.Unknown,
			Message: t.message("the event was sent and no whole answer came: %v; the function may have run", reason(ctx, err))}
	case ctx.Err() != nil || errors.As(err, new(*smithyhttp.RequestSendError)):
		return function.Outcome{Class: function.NotReached,
			Message: t.message("Lambda was not reached: %v; check the network, proxy and endpoint settings", reason(ctx, err))}
	default:
		return function.Outcome{Class: function.Misconfigured, Problem: mapping.ProblemFunction,
			Message: t.message("the call could not be made: %v; check gantry's AWS credentials", cause(err))}
	}
}

// refused is an error status, of Lambda or of something on the path to it.
func (t *Target) refused(journey *trip.Trip, response *smithyhttp.ResponseError, err error) function.Outcome {
	status, header := response.HTTPStatusCode(), response.Response.Header
	out := function.Outcome{Class: classOf(status), StatusCode: status, RequestID: requestID(header)}
	if out.RequestID == "" && (status == 502 || status == 504) && journey.Written() {
		// No sign of Lambda: a proxy says it got no answer to what it passed on.
		out.Class = function.Unknown
		out.Message = t.message("%d from a proxy on the way, not from Lambda: the function may have run", status)
		return out
	}
	what := "Lambda takes no call now; it will be called again"
	switch out.Class {
	case function.Misconfigured:
		out.Problem = mapping.ProblemFunction
		what = "check the function's ARN and state, and that gantry's credentials may lambda:InvokeFunction it"
	case function.TooLarge:
		what = "lower the batch size"
	}
	if status == nethttp.StatusTooManyRequests {
		out.Throttled, out.RetryAfter = true, retryAfter(header, err)
	}
	out.Message = t.message("%d %s; %s", status, describe(err), what)
	return out
}

// describe names an error of a service by its code and text.
func describe(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return fmt.Sprintf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	return cause(err).Error()
}

func requestID(h nethttp.Header) string {
	if id := h.Get("X-Amzn-Requestid"); id != "" {
		return id
	}
	return h.Get("X-Amz-Request-Id")
}

// retryAfter is what a throttle asks for, in seconds.
func retryAfter(h nethttp.Header, err error) time.Duration {
	value := h.Get("Retry-After")
	var throttled *types.TooManyRequestsException
	if value == "" && errors.As(err, &throttled) {
		value = aws.ToString(throttled.RetryAfterSeconds)
	}
	seconds, err := strconv.ParseFloat(value, 64)
	if err != nil || !(seconds > 0 && seconds <= 24*60*60) {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// tooLong gives the answer Lambda itself would have given.
func (t *Target) tooLong() function.Outcome {
	text := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", function.MaxAnswer)
	return function.Outcome{
		Class: function.Failed, StatusCode: nethttp.StatusOK, FunctionError: "Unhandled",
		Answer:  fmt.Appendf(nil, `{"errorMessage":%q,"errorType":"Function.ResponseSizeTooLarge"}`, text),
		Message: t.message("the answer has more than %d bytes; the function has run", function.MaxAnswer),
	}
}

// reason prefers why the call was ended to what the connection said when it was.
func reason(ctx context.Context, err error) error {
	if ended := context.Cause(ctx); ended != nil {
		return ended
	}
	return cause(err)
}

// cause takes the SDK's wrapping off: the operation is in the message already.
func cause(err error) error {
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		return operation.Err
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
	return "Invoke " + t.arn + ": " + fmt.Sprintf(format, args...)
}
