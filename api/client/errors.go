package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
)

// Error is an answer of the API that is not 2xx.
type Error struct {
	Status    int
	Type      string // AWS's exception name (ResourceNotFoundException)
	Message   string
	RequestID string
	Hint      string // what to try, "" where the message says it all
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s", e.Type, e.Message)
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// maxErrorBody bounds what is read of an error: it may come from something else that
// happens to listen there.
const maxErrorBody = 64 << 10

func (c *Client) errorOf(q Request, res *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxErrorBody)) // what arrived is all there is to say
	var told struct {
		Type    string `json:"__type"`
		Message string // encoding/json takes "message" as well
	}
	_ = json.Unmarshal(body, &told) // not JSON: the text is shown below
	kind, _, _ := strings.Cut(res.Header.Get("X-Amzn-ErrorType"), ":")
	e := &Error{Status: res.StatusCode, Type: kind, Message: told.Message, RequestID: res.Header.Get("X-Amzn-RequestId")}
	if e.Type == "" {
		e.Type = told.Type
	}
	if e.Type == "" {
		e.Type = "HTTP " + res.Status
	}
	if e.Message == "" {
		e.Message = firstLine(body)
	}
	e.Hint = c.hint(e)
	return fmt.Errorf("%s %s: %w", q.Method, q.Path, e)
}

// hint says what to try when a signature was refused, which the server may not tell.
func (c *Client) hint(e *Error) string {
	switch e.Type {
	case "MissingAuthenticationTokenException":
		return "no key was found: name one with --key-file, or the data directory of that gantry with --data-dir"
	case "UnrecognizedClientException", "InvalidSignatureException":
		return fmt.Sprintf("the key came from %s: is it the key of the gantry at %s? name another with --key-file", c.source, c.endpoint)
	}
	return ""
}

func (c *Client) unreachable(q Request, err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s %s: nothing listens at %s: is gantry serve running? name another with --endpoint: %w", q.Method, q.Path, c.endpoint.Host, err)
	}
	return fmt.Errorf("%s %s: %w", q.Method, q.Path, err)
}

func firstLine(body []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if line == "" {
		return "the answer has no text"
	}
	return line
}
