// Package http invokes functions that are services behind a URL: the event is POSTed
// and the answer is the body of a 2xx response.
//
// Flow: one request for each invocation, sent along a trip that knows what was written;
// classify.go turns a response, outcome.go a missing one into an Outcome.
//
// Invariants: a request is sent at most once, a redirect is never followed, and nobody
// reads the payload after Invoke has returned.
package http

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	nethttp "net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"gantry/function"
	"gantry/network/trip"
)

// Config shapes a target. The zero value is usable.
type Config struct {
	Timeout time.Duration // the function's, 0 = function.MaxTimeout
	Margin  time.Duration // what a call may take beyond it, 0 = 5 s
	Conns   int           // idle connections kept, 0 = 100
	Idle    time.Duration // how long one is kept, 0 = 4 s, see below
	TLS     *tls.Config
	Proxy   func(*nethttp.Request) (*url.URL, error)
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

const (
	defaultMargin = 5 * time.Second
	// A server that closes an idle connection while a request is on its way leaves the
	// outcome unknown. Node.js closes after 5 s, most others later; dialling again
	// costs less than an attempt.
	defaultIdle = 4 * time.Second
)

// Target is one function behind HTTP. It implements function.Invoker.
type Target struct {
	url       *url.URL
	shown     string // the URL without what may be secret
	header    nethttp.Header
	timeout   time.Duration // with the margin
	transport *trip.Transport
	cuts      trip.Cuts
}

var _ function.Invoker = (*Target)(nil)

// New makes the target of a URL. It does not connect.
func New(rawURL string, c Config) (*Target, error) {
	u, err := url.Parse(rawURL)
	if err := errors.Join(checkURL(u, err), c.validate()); err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = function.MaxTimeout
	}
	if c.Margin == 0 {
		c.Margin = defaultMargin
	}
	if c.Idle == 0 {
		c.Idle = defaultIdle
	}
	base := &nethttp.Transport{
		TLSClientConfig: c.TLS, Proxy: c.Proxy, DisableCompression: true, TLSHandshakeTimeout: 10 * time.Second,
	}
	return &Target{
		url: u, shown: shown(u), header: header(u), timeout: c.Timeout + c.Margin,
		transport: trip.New(base, trip.Config{Conns: c.Conns, Idle: c.Idle, Dial: c.Dial}),
	}, nil
}

// checkURL does not repeat the URL where it could not be parsed: it may hold a password.
func checkURL(u *url.URL, err error) error {
	if err != nil {
		return errors.New("http: the URL of the function can't be read; write it as http://host:port/path")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("http: %q is not the URL of a function; write it as http://host:port/path", shown(u))
	}
	return nil
}

func (c Config) validate() error {
	var errs []error
	for name, d := range map[string]time.Duration{"timeout": c.Timeout, "margin": c.Margin, "idle": c.Idle} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("http: %s: %v is negative", name, d))
		}
	}
	if c.Conns < 0 {
		errs = append(errs, fmt.Errorf("http: conns: %d is negative", c.Conns))
	}
	return errors.Join(errs...)
}

// shown leaves out user, password and query: each may be a key.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

func header(u *url.URL) nethttp.Header {
	h := nethttp.Header{"Content-Type": {"application/json"}, "User-Agent": {"gantry"}}
	if u.User != nil {
		password, _ := u.User.Password()
		r := nethttp.Request{Header: h}
		r.SetBasicAuth(u.User.Username(), password)
	}
	return h
}

// Invoke implements function.Invoker.
func (t *Target) Invoke(ctx context.Context, in function.Invocation) function.Outcome {
	began := time.Now()
	if in.RequestID == "" {
		in.RequestID = uuid.NewString()
	}
	limited, cancel := context.WithTimeoutCause(ctx, t.timeout, errTimeout)
	defer cancel()
	out := t.call(limited, in)
	out.Elapsed = time.Since(began)
	t.watch(ctx, &out)
	return out
}

// call sends one request and reads its answer.
func (t *Target) call(ctx context.Context, in function.Invocation) function.Outcome {
	ctx, journey := trip.Start(ctx)
	defer journey.Wait()
	resp, err := t.transport.RoundTrip(t.request(ctx, in, journey))
	if err != nil {
		return t.noAnswer(ctx, in, journey, err)
	}
	defer resp.Body.Close()
	return t.answer(ctx, in, resp)
}

func (t *Target) request(ctx context.Context, in function.Invocation, journey *trip.Trip) *nethttp.Request {
	h := make(nethttp.Header, len(t.header)+3)
	for name, values := range t.header {
		h[name] = values
	}
	h["X-Amzn-Requestid"] = []string{in.RequestID}
	if in.TraceID != "" {
		h["X-Amzn-Trace-Id"] = []string{in.TraceID}
	}
	if in.TraceParent != "" {
		h["Traceparent"] = []string{in.TraceParent}
		if in.TraceState != "" {
			h["Tracestate"] = []string{in.TraceState}
		}
	}
	if in.ClientContext != "" {
		h["X-Amz-Client-Context"] = []string{in.ClientContext}
	}
	r := &nethttp.Request{
		Method: nethttp.MethodPost, URL: t.url, Host: t.url.Host, Header: h,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if len(in.Payload) > 0 {
		r.Body, r.ContentLength = journey.Payload(in.Payload), int64(len(in.Payload))
	}
	return r.WithContext(ctx)
}

// Close closes idle connections; calls in flight go on.
func (t *Target) Close() { t.transport.CloseIdleConnections() }
