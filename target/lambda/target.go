// Package lambda invokes functions in AWS Lambda by their ARN.
//
// Flow: one Invoke of the AWS SDK for each invocation, without the SDK's own retries
// (whether and when to repeat is settle's decision), sent along a trip that knows what
// was written; classify.go turns what came back into an Outcome.
//
// Invariants: a request is sent at most once, a redirect is never followed, and nobody
// reads the payload after Invoke has returned.
package lambda

import (
	"context"
	"errors"
	"fmt"
	"net"
	nethttp "net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"gantry/function"
	"gantry/network/trip"
)

// Config shapes a target. AWS brings credentials, proxy and CA bundle; its region and
// retry settings are not used.
type Config struct {
	AWS      aws.Config
	Endpoint string        // a URL in place of AWS's own, for emulators and VPC endpoints
	Timeout  time.Duration // the function's, 0 = function.MaxTimeout
	Margin   time.Duration // what a call may take beyond it, 0 = 10 s: a cold start counts apart
	Conns    int           // idle connections kept, 0 = 100
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

const defaultMargin = 10 * time.Second

// Target is one function in AWS. It implements function.Invoker.
type Target struct {
	arn       string
	client    *lambda.Client
	timeout   time.Duration // with the margin
	transport *trip.Transport
	cuts      trip.Cuts
}

var _ function.Invoker = (*Target)(nil)

// New makes the target of a function's ARN, with or without a qualifier. The region is
// the ARN's. It does not connect.
func New(functionARN string, c Config) (*Target, error) {
	name, arnErr := parse(functionARN)
	base, clientErr := baseTransport(c.AWS.HTTPClient)
	if err := errors.Join(arnErr, clientErr, c.validate()); err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = function.MaxTimeout
	}
	if c.Margin == 0 {
		c.Margin = defaultMargin
	}
	if c.Dial != nil {
		base.Proxy = nil // the way is the dialer's
	}
	t := &Target{
		arn: functionARN, timeout: c.Timeout + c.Margin,
		transport: trip.New(base, trip.Config{Conns: c.Conns, Dial: c.Dial}),
	}
	t.client = lambda.NewFromConfig(c.AWS, func(o *lambda.Options) {
		o.Region = name.Region
		o.Retryer = aws.NopRetryer{}
		o.HTTPClient = &nethttp.Client{Transport: t.transport, CheckRedirect: stay}
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
	})
	return t, nil
}

func parse(functionARN string) (arn.ARN, error) {
	a, err := arn.Parse(functionARN)
	if err != nil || a.Service != "lambda" || a.Region == "" || !strings.HasPrefix(a.Resource, "function:") {
		return a, fmt.Errorf("lambda: %q is not the ARN of a function;"+
			" write it as arn:aws:lambda:REGION:ACCOUNT:function:NAME or …:NAME:QUALIFIER", functionARN)
	}
	return a, nil
}

// baseTransport takes proxy and TLS settings over from the SDK's configuration.
func baseTransport(client aws.HTTPClient) (*nethttp.Transport, error) {
	switch c := client.(type) {
	case nil:
		return awshttp.NewBuildableClient().GetTransport(), nil
	case *awshttp.BuildableClient:
		return c.GetTransport(), nil
	default:
		return nil, fmt.Errorf("lambda: the AWS configuration has an HTTP client of type %T;"+
			" only the SDK's own can be made to tell whether a request was written", client)
	}
}

func (c Config) validate() error {
	var errs []error
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("lambda: timeout: %v is negative", c.Timeout))
	}
	if c.Margin < 0 {
		errs = append(errs, fmt.Errorf("lambda: margin: %v is negative", c.Margin))
	}
	if c.Conns < 0 {
		errs = append(errs, fmt.Errorf("lambda: conns: %d is negative", c.Conns))
	}
	return errors.Join(errs...)
}

// stay makes a redirect an answer like any other.
func stay(*nethttp.Request, []*nethttp.Request) error { return nethttp.ErrUseLastResponse }

// Close closes idle connections; calls in flight go on.
func (t *Target) Close() { t.transport.CloseIdleConnections() }
