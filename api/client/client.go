// Package client speaks to gantry's HTTP API: Lambda's paths and /gantry/v1 alike. A
// request is signed as AWS's clients sign (sign.go), with the key pair that is found
// first (credentials.go), and an answer other than 2xx is an *Error.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// DefaultEndpoint is where gantry serve listens unless it is told otherwise.
const DefaultEndpoint = "http://127.0.0.1:9400"

// Config says whom to speak to, and as whom.
type Config struct {
	Endpoint string                   // "" = DefaultEndpoint
	Region   string                   // that the signature names; "" = us-east-1, gantry takes any
	KeyFile  string                   // an AWS credentials file (--key-file)
	DataDir  string                   // whose key pair is used without a key file
	CAFile   string                   // PEM roots that the server's certificate is held against; "" = the system's
	CertFile string                   // PEM of the client's own certificate and its key, where the server asks for one
	Getenv   func(name string) string // for AWS's variables; nil = they are not asked
	HTTP     *http.Client             // nil = one that never follows redirects
}

// Client is a client of one gantry. Safe for use by many goroutines.
type Client struct {
	endpoint *url.URL
	region   string
	who      aws.Credentials
	source   string // where the credentials came from, "" = there are none
	http     *http.Client
}

// New finds the credentials and gives a client. It does not connect yet.
func New(ctx context.Context, cfg Config) (*Client, error) {
	if cfg.Endpoint == "" {
		cfg.Endpoint = DefaultEndpoint
	}
	endpoint, err := url.Parse(cfg.Endpoint)
	if err != nil || endpoint.Host == "" || endpoint.Scheme != "http" && endpoint.Scheme != "https" {
		return nil, fmt.Errorf("endpoint %q: give a URL such as %s", cfg.Endpoint, DefaultEndpoint)
	}
	who, source, err := findCredentials(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if cfg.HTTP == nil {
		if cfg.HTTP, err = httpClient(cfg); err != nil {
			return nil, err
		}
	}
	return &Client{endpoint: endpoint, region: cfg.Region, who: who, source: source, http: cfg.HTTP}, nil
}

// Request is one call. Path is escaped as it goes over the wire: the caller escapes its
// parts with url.PathEscape.
type Request struct {
	Method string
	Path   string
	Query  url.Values
	Header http.Header
	Body   []byte

	plain bool // it is not signed
}

// Response is a whole answer with a 2xx status.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends in as JSON ([]byte and json.RawMessage as they are, nil as no body) and
// reads the answer into out (*[]byte as it is, nil to ignore it).
func (c *Client) Do(ctx context.Context, method, path string, query url.Values, in, out any) error {
	body, err := encode(in)
	if err != nil {
		return fmt.Errorf("%s %s: write the request: %w", method, path, err)
	}
	res, err := c.Send(ctx, Request{Method: method, Path: path, Query: query, Body: body})
	if err != nil {
		return err
	}
	if err := decode(res.Body, out); err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	return nil
}

// Send sends a request and reads the whole answer. An answer other than 2xx is an *Error.
func (c *Client) Send(ctx context.Context, q Request) (*Response, error) {
	res, err := c.open(ctx, q)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: the answer broke off: %w", q.Method, q.Path, err)
	}
	return &Response{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

// Stream sends a request and hands on the answer as it comes, for what is followed until
// ctx ends. The caller closes it.
func (c *Client) Stream(ctx context.Context, q Request) (io.ReadCloser, error) {
	res, err := c.open(ctx, q)
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// Plain reads what needs no signature, such as a URL that is signed already.
func (c *Client) Plain(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	res, err := c.open(ctx, Request{Method: http.MethodGet, Path: path, Query: query, plain: true})
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// open gives an answer with a 2xx status, whose body is still to be read and closed.
func (c *Client) open(ctx context.Context, q Request) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, q.Method, strings.TrimRight(c.endpoint.String(), "/")+q.Path, bytes.NewReader(q.Body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", q.Method, q.Path, err)
	}
	r.URL.RawQuery = q.Query.Encode()
	for name, values := range q.Header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	if len(q.Body) > 0 && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if !q.plain {
		err = c.sign(r, q.Body, time.Now())
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: sign the request: %w", q.Method, q.Path, err)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreachable(q, err)
	}
	if res.StatusCode/100 == 2 {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	return nil, c.errorOf(q, res)
}

func encode(in any) ([]byte, error) {
	switch in := in.(type) {
	case nil:
		return nil, nil
	case []byte:
		return in, nil
	case json.RawMessage:
		return in, nil
	}
	return json.Marshal(in)
}

func decode(body []byte, out any) error {
	switch out := out.(type) {
	case nil:
		return nil
	case *[]byte:
		*out = body
		return nil
	}
	if len(body) == 0 {
		return errors.New("it is empty")
	}
	return json.Unmarshal(body, out)
}
