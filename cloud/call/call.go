// Package call calls any AWS service by its public model: the service-2.json files that
// AWS's own Python client ships. One client stands for the package per service of an SDK.
//
// The flow: Open gives the model of a bundled service, Read that of a file. A Client
// checks an input against the model, fills idempotency tokens, encodes it in the
// service's protocol, signs it (SigV4), sends it once and reads the answer by the model.
//
// What holds: an input with a fault is never sent, and every fault of it is named at
// once. Nothing is tried again here: whoever calls knows what a repetition would do. No
// error text holds a value of the input.
//
// Protocols: json (1.0 and 1.1), rest-json and query. A service whose model prefers
// another (smithy-rpc-v2-cbor) and lists one of those is called in that one. Not
// supported, and said when asked for: rest-xml, ec2, event streams. Raw requests to any
// service go through Send.
package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// MaxAnswer bounds the body of an answer, in bytes.
const MaxAnswer = 32 << 20

// Options say how a service is reached, where the configuration does not.
type Options struct {
	Region   string // "" = the configuration's
	Endpoint string // URL; "" = the configuration's for the service, else AWS's own
}

// Client calls one service. Safe for use by many goroutines.
type Client struct {
	cfg    aws.Config
	model  *Model
	region string
	base   *url.URL
	given  bool // the endpoint was named by somebody: no prefix goes before its host
}

// New makes the client of a service. It calls nobody.
func New(ctx context.Context, cfg aws.Config, m *Model, o Options) (*Client, error) {
	c := &Client{cfg: cfg, model: m, region: o.Region}
	if c.region == "" {
		c.region = cfg.Region
	}
	if c.region == "" {
		return nil, fmt.Errorf("call %s: no region: set one in the settings, in aws: or in AWS_REGION", m.Name)
	}
	where, given, err := endpoint(ctx, cfg, m, c.region, o.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", m.Name, err)
	}
	c.base, c.given = where, given
	return c, nil
}

// Request is one call.
type Request struct {
	Operation string         // as the model names it, such as PutRecords
	Input     map[string]any // JSON values; also []byte for a blob and time.Time for a timestamp
	Token     string         // fills the members that are idempotency tokens, unless given
}

// Answer is what a service answered.
type Answer struct {
	Output    map[string]any // by the model: blobs are []byte, timestamps as they came
	RequestID string
}

// Call makes one call. The error is an *InputError when the input does not fit the model
// (nothing was sent), else an *Error.
func (c *Client) Call(ctx context.Context, r Request) (Answer, error) {
	op, err := c.model.Operation(r.Operation)
	if err != nil {
		return Answer{}, err
	}
	if op.Discovery.Required && !c.given {
		return Answer{}, fmt.Errorf("call %s %s: its endpoint is to be discovered, which is not supported: ask for it (DescribeEndpoints) and give it as the endpoint", c.model.Name, op.Name)
	}
	input := op.withToken(r.Input, r.Token)
	if err := c.model.Check(r.Operation, input); err != nil {
		return Answer{}, err
	}
	req, err := c.request(ctx, op, input)
	if err != nil {
		return Answer{}, err
	}
	resp, err := c.send(ctx, op, req)
	if err != nil {
		return Answer{}, err
	}
	out, err := op.decode(resp)
	if err != nil {
		return Answer{}, &Error{Service: c.model.Name, Operation: op.Name, Class: Unknown, Status: resp.Status, RequestID: resp.requestID(),
			Message: fmt.Sprintf("the service did it and its answer cannot be read: %v", err)}
	}
	return Answer{Output: out, RequestID: resp.requestID()}, nil
}

// message is a request in a protocol, before it is one of HTTP.
type message struct {
	method string
	path   string // escaped
	query  url.Values
	header http.Header
	body   []byte
}

// request makes the HTTP request of an input that passed Check.
func (c *Client) request(ctx context.Context, op *Operation, input map[string]any) (*http.Request, error) {
	m, err := op.encode(input)
	if err != nil {
		return nil, &InputError{Service: c.model.Name, Operation: op.Name, Faults: []string{err.Error()}}
	}
	where := *c.base
	if prefix := op.hostPrefix(input); prefix != "" && !c.given {
		where.Host = prefix + where.Host
	}
	where.RawPath = strings.TrimSuffix(where.EscapedPath(), "/") + m.path
	if where.Path, err = url.PathUnescape(where.RawPath); err != nil {
		return nil, fmt.Errorf("call %s %s: path: %w", c.model.Name, op.Name, err)
	}
	where.RawQuery = m.query.Encode()
	req, err := http.NewRequestWithContext(ctx, m.method, where.String(), bytes.NewReader(m.body))
	if err != nil {
		return nil, fmt.Errorf("call %s %s: %w", c.model.Name, op.Name, err)
	}
	req.URL = &where // String and Parse would normalise an escaped path
	for name, values := range m.header {
		req.Header[name] = values
	}
	if op.unsigned() {
		return req, nil
	}
	return req, sign(ctx, c.cfg, req, m.body, scope{service: c.model.signingName(), region: c.region})
}

// reply is an answer of HTTP.
type reply struct {
	Status int
	Header http.Header
	Body   []byte
}

func (r reply) requestID() string {
	for _, name := range []string{"X-Amzn-Requestid", "X-Amz-Request-Id", "X-Amzn-Request-Id"} {
		if id := r.Header.Get(name); id != "" {
			return id
		}
	}
	return ""
}

// send sends a request once.
func (c *Client) send(ctx context.Context, op *Operation, req *http.Request) (reply, error) {
	got, err := exchange(ctx, c.cfg, req)
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			e.Service, e.Operation = c.model.Name, op.Name
		}
		return reply{}, err
	}
	if got.Status >= 300 {
		return reply{}, op.refusal(c.model.Name, got)
	}
	return got, nil
}

// retryAfter is what a service asked for: seconds or a date, or milliseconds in AWS's own
// header.
func (r reply) retryAfter() time.Duration {
	if ms, err := strconv.Atoi(r.Header.Get("X-Amz-Retry-After")); err == nil && ms >= 0 {
		return time.Duration(ms) * time.Millisecond
	}
	after := r.Header.Get("Retry-After")
	if s, err := strconv.Atoi(after); err == nil && s >= 0 {
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(after); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// read reads a body that is not too long.
func read(body io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(body, MaxAnswer+1))
	if err == nil && len(b) > MaxAnswer {
		err = fmt.Errorf("the answer is longer than %d bytes", MaxAnswer)
	}
	return b, err
}
