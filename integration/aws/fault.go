package aws

import (
	"errors"
	"fmt"
	"net/http"

	"gantry/cloud/call"
	"gantry/sink"
)

// faultOf says how an error of a call is to be taken.
func faultOf(err error) error {
	if err == nil {
		return nil
	}
	var input *call.InputError
	if errors.As(err, &input) {
		return &sink.Fault{Cause: sink.Refused, Err: err}
	}
	var e *call.Error
	if !errors.As(err, &e) {
		return &sink.Fault{Cause: sink.Misconfigured, Err: err}
	}
	f := &sink.Fault{Cause: causeOf(e.Class), Err: err, Wait: e.RetryAfter}
	if e.Status == http.StatusServiceUnavailable {
		f.Cause = sink.Busy
	}
	return f
}

func causeOf(c call.Class) sink.Cause {
	switch c {
	case call.Throttled, call.Unreached:
		return sink.Busy
	case call.Denied, call.Impossible:
		return sink.Misconfigured
	case call.Refused:
		return sink.Refused
	default:
		return sink.Failed
	}
}

// entryFault is a failure of one entry in an answer that is a success. Codes are the
// service's; one that names no known cause is taken as passing, unless the service says
// that the sender is at fault.
func entryFault(code, message string, sender bool) error {
	cause := causeOf(call.ClassOf(code, 0))
	if cause == sink.Refused && !sender {
		cause = sink.Failed
	}
	return &sink.Fault{Cause: cause, Err: fmt.Errorf("the service did not take it (%s): %s", code, message)}
}

// each gives every entry the same error.
func each(list []*entry, err error) []error {
	errs := make([]error, len(list))
	for n := range errs {
		errs[n] = err
	}
	return errs
}

// byID sorts the failed entries of an answer whose entries have Ids: the place of the
// entry in the request.
func byID(list []*entry, out map[string]any) []error {
	errs := each(list, &sink.Fault{Cause: sink.Failed, Err: errors.New("the service's answer does not name it")})
	for _, one := range objects(out["Successful"]) {
		if n, ok := place(one["Id"], len(list)); ok {
			errs[n] = nil
		}
	}
	for _, one := range objects(out["Failed"]) {
		if n, ok := place(one["Id"], len(list)); ok {
			sender, _ := one["SenderFault"].(bool)
			errs[n] = entryFault(text(one["Code"]), text(one["Message"]), sender)
		}
	}
	return errs
}

// byPlace sorts the entries of an answer that lists one result an entry, in order.
func byPlace(list []*entry, results any, sender func(code string) bool) []error {
	answers := objects(results)
	if len(answers) != len(list) {
		return each(list, &sink.Fault{Cause: sink.Failed, Err: fmt.Errorf("the service answered for %d of %d entries", len(answers), len(list))})
	}
	errs := make([]error, len(list))
	for n, one := range answers {
		if code := text(one["ErrorCode"]); code != "" {
			errs[n] = entryFault(code, text(one["ErrorMessage"]), sender(code))
		}
	}
	return errs
}

func objects(v any) []map[string]any {
	list, _ := v.([]any)
	out := make([]map[string]any, 0, len(list))
	for _, one := range list {
		object, _ := one.(map[string]any)
		out = append(out, object)
	}
	return out
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func place(id any, of int) (int, bool) {
	var n int
	if _, err := fmt.Sscanf(text(id), "%d", &n); err != nil || n < 0 || n >= of {
		return 0, false
	}
	return n, true
}
