package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"gantry/engine/async"
	"gantry/function"
	"gantry/store"
)

// maxClientContext is AWS's limit of X-Amz-Client-Context, in base64.
const maxClientContext = 3583

type invokeInput struct {
	oneFunctionInput
	payload       []byte
	invocation    string
	logType       string
	clientContext string
	traceID       string
	notYet        map[string]string // members in headers that are refused by name
}

func (in *invokeInput) body(b []byte) { in.payload = b }

func (in *invokeInput) read(r *http.Request) {
	in.oneFunctionInput.read(r)
	in.invocation = orElse(r.Header.Get("X-Amz-Invocation-Type"), "RequestResponse")
	in.logType = orElse(r.Header.Get("X-Amz-Log-Type"), "None")
	in.clientContext = r.Header.Get("X-Amz-Client-Context")
	in.traceID = r.Header.Get("X-Amzn-Trace-Id")
	in.notYet = map[string]string{
		"DurableExecutionName": r.Header.Get("X-Amz-Durable-Execution-Name"),
		"TenantId":             r.Header.Get("X-Amz-Tenant-Id"),
	}
}

func (in *invokeInput) check(ctx context.Context, s *Server, f *faults) error {
	f.text("invocationType", &in.invocation, oneOf("Event", "RequestResponse", "DryRun"))
	f.text("logType", &in.logType, oneOf("None", "Tail"))
	for _, m := range membersOf("Invoke") {
		if in.notYet[m.Name] != "" {
			f.refuse("%s", m.refusal())
		}
	}
	if len(in.clientContext) > maxClientContext {
		f.refuse("ClientContext: %d bytes are more than %d", len(in.clientContext), maxClientContext)
	} else if _, err := base64.StdEncoding.DecodeString(in.clientContext); err != nil {
		f.refuse("ClientContext is not base64: %v", err)
	}
	if err := in.oneFunctionInput.check(ctx, s, f); err != nil || f.err() != nil {
		return err
	}
	if n := len(in.payload); in.invocation == "Event" && n > eventLimit {
		return malformed("RequestTooLargeException", "%d byte payload is too large for the Event invocation type (limit %d bytes)", n, eventLimit)
	}
	return in.payloadFault()
}

func (in *invokeInput) payloadFault() error {
	if len(in.payload) == 0 {
		in.payload = []byte("{}") // what AWS hands a function that is invoked without a payload
	}
	if !json.Valid(in.payload) {
		var v any
		return malformed("InvalidRequestContentException", "Could not parse request body into json: %v", json.Unmarshal(in.payload, &v))
	}
	return nil
}

// invokeOutput is the function's answer as it came, with AWS's headers around it.
type invokeOutput struct {
	outcome function.Outcome
	tail    bool
}

func (o *invokeOutput) respond(w http.ResponseWriter) error {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("X-Amz-Executed-Version", orElse(o.outcome.ExecutedVersion, latest))
	if o.outcome.Class == function.Failed {
		header.Set("X-Amz-Function-Error", orElse(o.outcome.FunctionError, "Unhandled"))
	}
	if o.tail {
		header.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(lastBytes(o.outcome.Log, function.LogTailBytes)))
	}
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(o.answer())
	return err
}

// answer is never empty: a function that ends without a value answers null, and one that
// failed without a document gets one that says what is known.
func (o *invokeOutput) answer() []byte {
	switch {
	case len(o.outcome.Answer) > 0:
		return o.outcome.Answer
	case o.outcome.Class == function.Failed:
		document, _ := json.Marshal(map[string]string{"errorMessage": o.outcome.Message}) // a map of strings always encodes
		return document
	}
	return []byte("null")
}

func lastBytes(b []byte, most int) []byte { return b[max(0, len(b)-most):] }

// invoke runs a function once for the caller.
func (s *Server) invoke(ctx context.Context, in *invokeInput) (responder, error) {
	switch in.invocation {
	case "DryRun":
		return noContent{}, nil
	case "Event":
		return s.invokeLater(ctx, in)
	}
	outcome, err := s.cfg.Engine.Invoke(ctx, in.current.Name, function.Invocation{
		Payload: in.payload, RequestID: callOf(ctx).requestID, ClientContext: in.clientContext,
		TraceID: in.traceID, LogTail: in.logType == "Tail",
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, notFound("Function not found: %s", s.functionARN(in.current.Name, ""))
	case err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, invalid("%s can't be invoked as it is configured: %v", in.current.Name, err)
	}
	if outcome.Class != function.Succeeded && outcome.Class != function.Failed {
		return nil, notInvoked(&in.current, outcome)
	}
	return &invokeOutput{outcome: outcome, tail: in.logType == "Tail"}, nil
}

// invokeLater keeps an event for a caller who does not wait for what becomes of it.
func (s *Server) invokeLater(ctx context.Context, in *invokeInput) (responder, error) {
	err := s.cfg.Engine.Accept(ctx, in.current.Name, async.Event{
		ID: callOf(ctx).requestID, Payload: in.payload, ClientContext: in.clientContext, TraceID: in.traceID, Accepted: s.cfg.Now(),
	})
	if errors.Is(err, async.ErrFull) {
		return nil, &apiError{exception: "TooManyRequestsException", message: "Rate Exceeded. The event was not accepted: " + err.Error(),
			reason: "CallerRateLimitExceeded", retryAfter: time.Second}
	}
	if err != nil {
		return nil, err
	}
	return nothing(http.StatusAccepted), nil
}

// notInvoked is the exception of an invocation that gave no answer.
func notInvoked(fn *function.Function, o function.Outcome) error {
	switch {
	case o.Throttled:
		reason := "ConcurrentInvocationLimitExceeded"
		if fn.Concurrency != nil {
			reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
		}
		return &apiError{exception: "TooManyRequestsException", message: "Rate Exceeded.", reason: reason, retryAfter: o.RetryAfter}
	case o.Class == function.TooLarge:
		return tooLarge("Invoke", invokeLimit)
	case o.Class == function.Misconfigured:
		return invalid("%s can't be invoked as it is configured: %s", fn.Name, o.Message)
	case o.Class == function.Unknown:
		return &apiError{exception: "ServiceException", message: fn.Name + " gave no answer, it may have run: " + o.Message}
	}
	return &apiError{exception: "ServiceException", message: fn.Name + " could not be reached, it did not run: " + o.Message}
}
