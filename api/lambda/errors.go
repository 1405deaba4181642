package lambda

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"gantry/store"
	"gantry/store/code"
)

// apiError is a failure that already knows its exception.
type apiError struct {
	exception  string
	message    string
	reason     string        // TooManyRequestsException only
	retryAfter time.Duration // TooManyRequestsException only
}

func (e *apiError) Error() string { return e.exception + ": " + e.message }

// statuses is the table of exceptions: their status, and whether their text travels as
// "Message" (AWS is not of one mind; clients read both).
var statuses = map[string]struct {
	status  int
	capital bool
}{
	"InvalidParameterValueException": {status: 400},
	"ValidationException":            {status: 400},
	"SerializationException":         {status: 400, capital: true},
	"InvalidRequestContentException": {status: 400},
	"ResourceInUseException":         {status: 400, capital: true},
	"AccessDeniedException":          {status: 403, capital: true},
	"ResourceNotFoundException":      {status: 404, capital: true},
	"UnknownOperationException":      {status: 404, capital: true},
	"ResourceConflictException":      {status: 409},
	"PreconditionFailedException":    {status: 412},
	"PolicyLengthExceededException":  {status: 400},
	"RequestTooLargeException":       {status: 413},
	"TooManyRequestsException":       {status: 429},
	"ServiceException":               {status: 500, capital: true},
}

// fail writes an error and is the one place that logs those which are ours.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, operation string, err error) {
	e := s.exceptionOf(r.Context(), operation, err)
	if e.exception == "AccessDeniedException" {
		s.cfg.Log.WarnContext(r.Context(), "request refused", "reason", e.exception, "operation", operation,
			"actor", s.cfg.Actor(r.Context()), "requestId", callOf(r.Context()).requestID)
	}
	row := statuses[e.exception]
	body := map[string]string{"Type": "User"}
	if row.status >= 500 {
		body["Type"] = "Service"
	}
	if row.capital {
		body["Message"] = e.message
	} else {
		body["message"] = e.message
	}
	if e.reason != "" {
		body["Reason"] = e.reason
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(e.retryAfter.Seconds())))))
	}
	w.Header().Set("X-Amzn-ErrorType", e.exception)
	writeJSON(w, row.status, body)
}

// exceptionOf is the table that turns errors into exceptions.
func (s *Server) exceptionOf(ctx context.Context, operation string, err error) *apiError {
	var known *apiError
	var unusable *code.RefusedError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &unusable):
		return invalid("%v", unusable)
	case errors.Is(err, store.ErrConflict):
		return conflict("The resource was changed by another request meanwhile. Read it again and repeat the operation.")
	case errors.Is(err, store.ErrNotFound):
		return notFound("The resource you requested does not exist.")
	}
	id := callOf(ctx).requestID
	s.cfg.Log.ErrorContext(ctx, "an API request failed", "operation", operation, "requestId", id, "error", err)
	return &apiError{exception: "ServiceException",
		message: fmt.Sprintf("%s failed inside gantry; its log has the cause under request id %s", operation, id)}
}

func invalid(format string, args ...any) *apiError {
	return &apiError{exception: "InvalidParameterValueException", message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) *apiError {
	return &apiError{exception: "ResourceNotFoundException", message: fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) *apiError {
	return &apiError{exception: "ResourceConflictException", message: fmt.Sprintf(format, args...)}
}

func inUse(format string, args ...any) *apiError {
	return &apiError{exception: "ResourceInUseException", message: fmt.Sprintf(format, args...)}
}

func malformed(exception, format string, args ...any) *apiError {
	return &apiError{exception: exception, message: fmt.Sprintf(format, args...)}
}

func tooLarge(operation string, limit int64) *apiError {
	if operation == "Invoke" {
		operation = "InvokeFunction" // so AWS calls it in this text
	}
	return &apiError{exception: "RequestTooLargeException",
		message: fmt.Sprintf("Request must be smaller than %d bytes for the %s operation", limit, operation)}
}

func unknownOperation(method, path string) *apiError {
	return &apiError{exception: "UnknownOperationException", message: fmt.Sprintf(
		"%s %s is not an operation of Lambda's API that gantry answers; docs/compatibility.md lists those it does", method, path)}
}
