package http

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"strconv"
	"strings"
	"time"

	"gantry/function"
	"gantry/mapping"
)

// classOf is the table of what a status means for a function behind HTTP.
func classOf(status int) function.Class {
	switch {
	case status >= 200 && status <= 299:
		return function.Succeeded
	case status >= 300 && status <= 399, status == 401, status == 403, status == 404:
		return function.Misconfigured
	case status == nethttp.StatusRequestEntityTooLarge:
		return function.TooLarge
	case status == nethttp.StatusTooManyRequests, status == nethttp.StatusServiceUnavailable:
		return function.NotReached
	case status == nethttp.StatusBadGateway, status == nethttp.StatusGatewayTimeout:
		return function.Unknown // said by a proxy: it may have passed the request on
	default:
		return function.Failed
	}
}

// answer turns a response into an outcome.
func (t *Target) answer(ctx context.Context, in function.Invocation, resp *nethttp.Response) function.Outcome {
	out := function.Outcome{Class: classOf(resp.StatusCode), StatusCode: resp.StatusCode, RequestID: requestID(in, resp)}
	body, err := readAll(resp)
	switch {
	case out.Class == function.Succeeded && errors.Is(err, errTooLong):
		return t.tooLong(out)
	case out.Class == function.Succeeded && err != nil:
		out.Class, out.StatusCode = function.Unknown, 0
		out.Message = t.message("the answer (%s) broke off (%v): the function has probably run", resp.Status, reason(ctx, err))
	case out.Class == function.Succeeded:
		out.Answer = orNull(body)
	default:
		if out.Class == function.Failed && err == nil && json.Valid(body) {
			out.Answer = body
		}
		t.explain(&out, resp)
	}
	return out
}

// explain fills in what an answer other than 2xx says besides its class.
func (t *Target) explain(out *function.Outcome, resp *nethttp.Response) {
	what := "the function failed; its own log says why"
	switch out.Class {
	case function.Misconfigured:
		out.Problem = mapping.ProblemFunction
		what = "the function can't be called like this; check its URL and what its server demands of a caller"
		if resp.StatusCode < 400 {
			what = "the server redirects, which gantry never follows; use the URL it names, if you trust it"
		}
	case function.TooLarge:
		what = fmt.Sprintf("the server takes no event of this size; lower the batch size or raise its limit (events have up to %d bytes)", function.MaxPayload)
	case function.NotReached:
		out.Throttled = resp.StatusCode == nethttp.StatusTooManyRequests
		out.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
		what = "the server takes no call now; it will be called again"
	case function.Failed:
		what = cmp.Or(ownWords(out.Answer), what)
	case function.Unknown:
		what = "a proxy on the way got no answer from the function, which may have run"
	}
	out.Message = t.message("%d %s: %s", resp.StatusCode, nethttp.StatusText(resp.StatusCode), what)
}

// mostWords bounds what of a function's own error is shown.
const mostWords = 1024

// ownWords is the error that an answer tells in Lambda's shape, "" where it is none.
func ownWords(answer []byte) string {
	var e struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}
	if json.Unmarshal(answer, &e) != nil || e.ErrorMessage == "" {
		return ""
	}
	text := e.ErrorMessage
	if e.ErrorType != "" {
		text = e.ErrorType + ": " + text
	}
	return strings.ToValidUTF8(text[:min(len(text), mostWords)], "")
}

// tooLong gives the answer AWS gives in place of one over its limit.
func (t *Target) tooLong(out function.Outcome) function.Outcome {
	text := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", function.MaxAnswer)
	out.Class = function.Failed
	out.Answer = fmt.Appendf(nil, `{"errorMessage":%q,"errorType":"Function.ResponseSizeTooLarge"}`, text)
	out.Message = t.message("the answer has more than %d bytes; the function has run", function.MaxAnswer)
	return out
}

var errTooLong = errors.New("the answer is over the limit")

// readAll reads an answer up to the limit, into a buffer of its size where that is told.
func readAll(resp *nethttp.Response) ([]byte, error) {
	if n := resp.ContentLength; n >= 0 {
		if n > function.MaxAnswer {
			return nil, errTooLong
		}
		body := make([]byte, n)
		_, err := io.ReadFull(resp.Body, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, function.MaxAnswer+1))
	if err == nil && len(body) > function.MaxAnswer {
		err = errTooLong
	}
	return body, err
}

func orNull(body []byte) []byte {
	if len(body) == 0 {
		return []byte("null")
	}
	return body
}

func requestID(in function.Invocation, resp *nethttp.Response) string {
	if id := resp.Header.Get("X-Amzn-Requestid"); id != "" {
		return id
	}
	return in.RequestID
}

// retryAfter reads a Retry-After header: seconds, or a date.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(max(seconds, 0), 24*60*60)) * time.Second
	}
	if at, err := nethttp.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
