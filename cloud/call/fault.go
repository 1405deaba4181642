package call

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// Class says what became of a call that failed.
type Class uint8

// The classes of a failed call.
const (
	Refused    Class = iota // the service refused it, and would again: a client fault
	Denied                  // the credentials are not good for it, or there are none
	Throttled               // a rate or capacity limit: it was not done
	Unreached               // it was never sent
	Failed                  // the service failed (5xx): it may have been done
	Unknown                 // it was sent and no answer came: it may have been done
	Impossible              // it is gone or not there: a queue, a table, a stream
)

var classes = [...]string{"refused", "denied", "throttled", "not reached", "failed", "unknown", "not there"}

func (c Class) String() string { return classes[c] }

// Error is a call that failed.
type Error struct {
	Service, Operation string
	Class              Class
	Code               string // the service's, such as ThrottlingException; "" = it gave none
	Message            string // the service's, or what happened on the way
	Status             int    // of HTTP; 0 = no answer
	RequestID          string
	RetryAfter         time.Duration // what the service asked for; 0 = it did not
	Cause              error         // of the way
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s %s: %s", e.Service, e.Operation, e.Class)
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	text += ": " + e.Message
	if e.RequestID != "" {
		text += " [request " + e.RequestID + "]"
	}
	return text
}

func (e *Error) Unwrap() error { return e.Cause }

// Again says whether the same call may do better later.
func (e *Error) Again() bool {
	return e.Class == Throttled || e.Class == Unreached || e.Class == Failed || e.Class == Unknown
}

// Throttle says whether the call was refused for a rate or capacity limit only.
func (e *Error) Throttle() bool { return e.Class == Throttled }

// After is how long the service asked to wait.
func (e *Error) After() time.Duration { return e.RetryAfter }

// Code is the service's code in an error, "" where there is none.
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// ClassOf sorts a code and status of AWS.
func ClassOf(code string, status int) Class {
	_, throttle := retry.DefaultThrottleErrorCodes[code]
	_, again := retry.DefaultRetryableErrorCodes[code]
	switch {
	case throttle || status == http.StatusTooManyRequests || slices.Contains(throttles, code):
		return Throttled
	case slices.Contains(denials, code), status == http.StatusUnauthorized, status == http.StatusForbidden && code == "":
		return Denied
	case strings.Contains(code, "NotFound") || strings.HasSuffix(code, "DoesNotExist") || strings.Contains(code, "NonExistent"):
		return Impossible
	case again || status >= 500 || status == http.StatusRequestTimeout || slices.Contains(failures, code):
		return Failed
	default:
		return Refused
	}
}

// throttles are codes of single services beside those the SDK knows: Step Functions
// (ExecutionLimitExceeded), SQS's and SNS's batches, Kinesis and Firehose.
var throttles = []string{"ExecutionLimitExceeded", "KMSThrottlingException", "KmsThrottled", "KMSThrottling", "ServiceUnavailableException",
	"Throttled", "OverLimit", "ThrottledException", "ModelNotReadyException", "ModelNotReady"}

var failures = []string{"InternalFailure", "InternalError", "InternalServerError", "InternalException", "InternalServiceError",
	"InternalServerException", "ServiceUnavailable", "RequestTimeoutException", "ModelTimeoutException"}

var denials = []string{"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException", "UnrecognizedClientException",
	"InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidSignatureException", "ExpiredToken", "ExpiredTokenException", "MissingAuthenticationToken",
	"IncompleteSignature", "OptInRequired", "NotAuthorized", "RequestExpired"}

// refusal reads an answer that is an error.
func (op *Operation) refusal(service string, r reply) *Error {
	e := &Error{Service: service, Operation: op.Name, Status: r.Status, RequestID: r.requestID(), RetryAfter: r.retryAfter()}
	if op.model.Metadata.Protocol == protocolQuery {
		e.Code, e.Message = queryFault(r.Body)
	}
	if e.Code == "" {
		e.Code, e.Message = jsonFault(r)
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("it answered status %d", r.Status)
	}
	e.Class = ClassOf(e.Code, r.Status)
	return e
}

// jsonFault reads the code and message of an error in JSON. A code may come as
// namespace#Code, and with :URL behind it.
func jsonFault(r reply) (code, message string) {
	code = r.Header.Get("X-Amzn-Errortype")
	body, _ := unmarshal(r.Body)
	doc, _ := body.(map[string]any)
	for _, name := range []string{"__type", "code", "Code"} {
		if text, ok := doc[name].(string); ok && code == "" {
			code = text
		}
	}
	for _, name := range []string{"message", "Message", "errorMessage"} {
		if text, ok := doc[name].(string); ok && message == "" {
			message = text
		}
	}
	code, _, _ = strings.Cut(code, ":")
	return code[strings.LastIndex(code, "#")+1:], message
}

// queryFault reads <ErrorResponse><Error><Code/><Message/></Error></ErrorResponse>.
func queryFault(body []byte) (code, message string) {
	root, err := parseXML(body)
	if err != nil {
		return "", ""
	}
	fault := root.child("Error")
	if fault == nil {
		fault = root
	}
	if c := fault.child("Code"); c != nil {
		code = c.text
	}
	if m := fault.child("Message"); m != nil {
		message = m.text
	}
	return code, message
}
