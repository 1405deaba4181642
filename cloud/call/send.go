package call

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// scope is what a signature is good for.
type scope struct{ service, region string }

// hashed are the services that want the hash of the body in a header of its own.
var hashed = map[string]bool{"s3": true, "s3-object-lambda": true, "aoss": true, "es": true, "glacier": true}

// sign signs a request (SigV4).
func sign(ctx context.Context, cfg aws.Config, req *http.Request, body []byte, s scope) error {
	if cfg.Credentials == nil {
		return &Error{Service: s.service, Operation: req.Method, Class: Denied, Message: "there are no credentials for AWS: set aws: or AWS's variables"}
	}
	credentials, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return &Error{Service: s.service, Operation: req.Method, Class: Denied, Message: err.Error(), Cause: err}
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	if hashed[s.service] {
		req.Header.Set("X-Amz-Content-Sha256", hash)
	}
	err = v4.NewSigner().SignHTTP(ctx, credentials, req, hash, s.service, s.region, time.Now(), func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = s.service == "s3"
	})
	if err != nil {
		return fmt.Errorf("sign the request to %s: %w", s.service, err)
	}
	return nil
}

// exchange sends a request once and reads its answer. The error is an *Error of class
// Unreached or Unknown.
func exchange(ctx context.Context, cfg aws.Config, req *http.Request) (reply, error) {
	var wrote atomic.Bool
	trace := &httptrace.ClientTrace{WroteHeaders: func() { wrote.Store(true) }}
	req = req.WithContext(httptrace.WithClientTrace(ctx, trace))
	var client aws.HTTPClient = http.DefaultClient
	if cfg.HTTPClient != nil {
		client = cfg.HTTPClient
	}
	resp, err := client.Do(req)
	if err != nil {
		e := &Error{Class: Unreached, Message: fmt.Sprintf("%s is not reached: %v", req.URL.Host, err), Cause: err}
		if wrote.Load() {
			e.Class, e.Message = Unknown, fmt.Sprintf("%s gave no answer: %v", req.URL.Host, err)
		}
		return reply{}, e
	}
	defer resp.Body.Close()
	body, err := read(resp.Body)
	if err != nil {
		return reply{}, &Error{Class: Unknown, Status: resp.StatusCode, Message: fmt.Sprintf("the answer of %s was cut: %v", req.URL.Host, err), Cause: err}
	}
	return reply{resp.StatusCode, resp.Header, body}, nil
}

// Raw is a request to any service, signed and sent as it is.
type Raw struct {
	Method  string
	URL     *url.URL
	Header  http.Header
	Body    []byte
	Service string // the name signed for, such as managedblockchain
	Region  string // "" = the configuration's
}

// Response is the answer to a Raw; a status of 4xx or 5xx is an *Error instead.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Send signs and sends a raw request once.
func Send(ctx context.Context, cfg aws.Config, r Raw) (Response, error) {
	region := r.Region
	if region == "" {
		region = cfg.Region
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL.String(), bytes.NewReader(r.Body))
	if err != nil {
		return Response{}, fmt.Errorf("call %s: %w", r.Service, err)
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	if err := sign(ctx, cfg, req, r.Body, scope{r.Service, region}); err != nil {
		return Response{}, err
	}
	got, err := exchange(ctx, cfg, req)
	if e, ok := err.(*Error); ok { //nolint:errorlint // exchange gives no other
		e.Service, e.Operation = r.Service, r.Method
		return Response{}, e
	}
	if got.Status >= 300 {
		e := &Error{Service: r.Service, Operation: r.Method, Status: got.Status, RequestID: got.requestID(), RetryAfter: got.retryAfter()}
		e.Code, e.Message = jsonFault(got)
		if e.Message == "" {
			e.Message = fmt.Sprintf("%s answered status %d", r.URL.Host, got.Status)
		}
		e.Class = ClassOf(e.Code, got.Status)
		return Response{}, e
	}
	return Response(got), nil
}
