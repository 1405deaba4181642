package async

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"gantry/function"
)

// Event is an invocation that somebody asked for and does not wait for.
type Event struct {
	ID            string // the request's; every attempt carries it, as in AWS
	Payload       []byte
	ClientContext string
	TraceID       string
	Accepted      time.Time
	Failures      int     `json:",omitempty"` // attempts that the function failed
	Letter        *Letter `json:",omitempty"` // the function is done with it; only this is left to do
}

// Letter is what a destination is sent.
type Letter struct {
	To       string
	Document json.RawMessage
}

// How an event may end; AWS's words where AWS has them.
const (
	success          = "Success"
	retriesExhausted = "RetriesExhausted"
	ageExceeded      = "EventAgeExceeded"
	noConcurrency    = "ZeroReservedConcurrency"
	functionGone     = "FunctionNotFound" // it was deleted meanwhile, its destination with it
)

// document is what AWS sends to a destination (Developer Guide, invocation-async-retain-records).
type document struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  requestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

const isoMillis = "2006-01-02T15:04:05.000Z"

// ending is how an event ended; out is nil where the function did not run at last.
type ending struct {
	condition string
	invoked   int
	out       *function.Outcome
}

// documentOf is AWS's document about an event that ended.
func documentOf(ev *Event, arn string, end ending, at time.Time) ([]byte, error) {
	d := document{
		Version: "1.0", Timestamp: at.UTC().Format(isoMillis), RequestPayload: ev.Payload,
		RequestContext: requestContext{RequestID: ev.ID, FunctionARN: arn, Condition: end.condition, ApproximateInvokeCount: end.invoked},
	}
	if end.out != nil {
		d.ResponseContext = &responseContext{StatusCode: end.out.StatusCode, ExecutedVersion: end.out.ExecutedVersion, FunctionError: end.out.FunctionError}
		d.ResponsePayload = answerOf(end.out)
	}
	return encode(d)
}

func (ev *Event) encode() ([]byte, error) {
	body, err := encode(ev)
	if err != nil {
		return nil, fmt.Errorf("keep the event: %w", err)
	}
	return body, nil
}

// encode leaves < and & in payloads as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// answerOf is what the function answered, or a document of what is known where it gave none.
func answerOf(out *function.Outcome) json.RawMessage {
	switch {
	case json.Valid(out.Answer):
		return out.Answer
	case len(out.Answer) > 0:
		text, _ := json.Marshal(string(out.Answer)) // a string always encodes
		return text
	case out.Class != function.Succeeded:
		text, _ := json.Marshal(map[string]string{"errorMessage": out.Message}) // so does a map of strings
		return text
	}
	return json.RawMessage("null")
}
