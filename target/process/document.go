package process

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"gantry/function"
)

// faultDocument is the error document Lambda writes for faults that no runtime reports.
type faultDocument struct {
	ErrorType    string `json:"errorType"`
	ErrorMessage string `json:"errorMessage"`
}

func newRequestID() string { return uuid.NewString() }

// fault makes a failed result with Lambda's document: RequestId: … Error: ….
func fault(kind, requestID, text string) result {
	doc, _ := json.Marshal(faultDocument{kind, fmt.Sprintf("RequestId: %s Error: %s", requestID, text)}) // two strings: cannot fail
	return result{class: function.Failed, answer: doc, message: fmt.Sprintf("%s: %s", kind, text)}
}

// verdict says what an event, or an init phase, came to whose process ended before an
// answer.
func (w *worker) verdict(x exit, why cause, id string) result {
	switch {
	case x.unstartable != nil:
		return fault("Runtime.InvalidEntrypoint", id, x.unstartable.Error())
	case why == causeTimeout:
		text := fmt.Sprintf("Task timed out after %.2f seconds", w.pool.fn.Timeout.Seconds())
		w.out.platform(id + " " + text)
		return fault("Sandbox.Timedout", id, text)
	case why == causeMemory:
		r := fault("Runtime.OutOfMemory", id, "Runtime exited with error: signal: killed")
		r.message = fmt.Sprintf("killed: it used %d MB, and may use %d MB (memory)", w.overUsed, w.pool.fn.Memory)
		w.out.platform(fmt.Sprintf("RequestId: %s Error: %s", id, r.message))
		return r
	case why == causeCut || why == causeShutdown:
		return result{class: function.Unknown, message: "cut while it ran: the process was killed, and may have done its work"}
	}
	text := "Runtime exited without providing a reason"
	if x.text != "" {
		text = "Runtime exited with error: " + x.text
	}
	w.out.platform(fmt.Sprintf("RequestId: %s Error: %s", id, text))
	return fault("Runtime.ExitError", id, text)
}

// tooLarge is Lambda's answer to a result over the limit.
func tooLarge() result {
	doc, _ := json.Marshal(faultDocument{"Function.ResponseSizeTooLarge",
		fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", function.MaxAnswer)})
	return result{class: function.Failed, answer: doc, message: "its answer is over the limit of 6 MB"}
}

// reported is the failure a runtime posted, with its own document.
func reported(kind string, doc []byte) result {
	var head faultDocument
	if json.Unmarshal(doc, &head) == nil && head.ErrorType != "" {
		kind = head.ErrorType
	}
	if kind == "" {
		kind = "Runtime.Unknown"
	}
	if len(doc) == 0 {
		doc, _ = json.Marshal(faultDocument{ErrorType: kind})
	}
	return result{class: function.Failed, answer: doc, message: "it answered with an error of type " + kind}
}
