package schema

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

// Registry is one schema registry. Safe for use by many goroutines.
type Registry struct {
	cluster string
	cfg     Config
	secrets Secrets
	dial    Dial
	proxy   func(*http.Request) (*url.URL, error)

	mu     sync.Mutex
	client *sr.Client
	from   access // what client was made from
}

// access is who gantry is to a registry, and whom it trusts, in clear: never printed.
type access struct{ user, password, token, ca, cert, key string }

const (
	requestTimeout = 10 * time.Second
	idleTimeout    = 90 * time.Second
)

// Error is what keeps a registry from giving a schema. It is none of the function's
// fault: whoever needs the schema waits and asks again.
type Error struct {
	Attempted string
	Try       string
	Err       error
}

func (e *Error) Error() string {
	text := e.Attempted + ": " + e.Err.Error()
	if e.Try != "" {
		text += ". Try: " + e.Try
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// ask makes one request. A login that was refused is read again at its place the next
// time.
func (r *Registry) ask(ctx context.Context, attempted string, do func(context.Context, *sr.Client) error) error {
	client, err := r.open(ctx)
	if err == nil {
		err = do(ctx, client)
	}
	if err == nil {
		return nil
	}
	e := &Error{Attempted: fmt.Sprintf("%s at the schema registry of cluster %s", attempted, r.cluster), Err: err}
	var refused *sr.ResponseError
	switch {
	case !errors.As(err, &refused):
		e.Try = "is " + strings.Join(r.cfg.URLs, ", ") + " reachable from here? The records wait meanwhile"
	case refused.StatusCode == http.StatusUnauthorized || refused.StatusCode == http.StatusForbidden:
		r.forget()
		e.Try = "check the login of schemaRegistry and what it may do there"
	case sr.IsNotFoundError(refused.ErrorCode) || refused.StatusCode == http.StatusNotFound:
		e.Try = "register the schema, name another subject, or give the schema's file with register: true"
	case refused.StatusCode == http.StatusConflict:
		e.Try = "the subject's compatibility rule refuses this schema"
	}
	if refused != nil {
		e.Err = fmt.Errorf("HTTP %d: %w", refused.StatusCode, err)
	}
	return e
}

// open gives a client made with what the secrets hold now.
func (r *Registry) open(ctx context.Context) (*sr.Client, error) {
	now, err := r.access(ctx)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil && r.from == now {
		return r.client, nil
	}
	transport := &http.Transport{
		Proxy: r.proxy, IdleConnTimeout: idleTimeout, ForceAttemptHTTP2: true, TLSHandshakeTimeout: requestTimeout,
	}
	if r.dial != nil {
		transport.DialContext, transport.Proxy = r.dial, nil
	}
	if transport.TLSClientConfig, err = now.tls(); err != nil {
		return nil, err
	}
	options := []sr.ClientOpt{
		sr.URLs(r.cfg.URLs...), sr.UserAgent("gantry"),
		sr.HTTPClient(&http.Client{Transport: transport, Timeout: requestTimeout, CheckRedirect: stay}),
	}
	switch {
	case now.token != "":
		options = append(options, sr.BearerToken(now.token))
	case now.user != "":
		options = append(options, sr.BasicAuth(now.user, now.password))
	}
	client, err := sr.NewClient(options...)
	if err != nil {
		return nil, err
	}
	r.client, r.from = client, now
	return client, nil
}

// stay follows no redirect: a login belongs to the registry that is configured.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (r *Registry) access(ctx context.Context) (access, error) {
	var a access
	var errs []error
	for _, part := range []struct {
		ref string
		to  *string
	}{
		{r.cfg.Username, &a.user}, {r.cfg.Password, &a.password}, {r.cfg.Token, &a.token},
		{r.cfg.TLS.CA, &a.ca}, {r.cfg.TLS.Cert, &a.cert}, {r.cfg.TLS.Key, &a.key},
	} {
		if part.ref == "" {
			continue
		}
		var err error
		*part.to, err = r.secrets.Plain(ctx, part.ref)
		errs = append(errs, err)
	}
	if r.cfg.Secret != "" {
		fields, err := r.secrets.Fields(ctx, r.cfg.Secret)
		if err == nil && (fields["username"] == "" || fields["password"] == "") {
			err = fmt.Errorf("secret %s: want username and password", r.cfg.Secret)
		}
		a.user, a.password = fields["username"], fields["password"]
		errs = append(errs, err)
	}
	return a, errors.Join(errs...)
}

func (r *Registry) forget() {
	for _, ref := range []string{r.cfg.Secret, r.cfg.Username, r.cfg.Password, r.cfg.Token} {
		if ref != "" {
			r.secrets.Forget(ref)
		}
	}
}

func (a access) tls() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.ca != "" {
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM([]byte(a.ca)) {
			return nil, errors.New("schemaRegistry.tls.ca: holds no PEM certificate")
		}
	}
	if a.cert != "" {
		pair, err := tls.X509KeyPair([]byte(a.cert), []byte(a.key))
		if err != nil {
			return nil, fmt.Errorf("schemaRegistry.tls.cert: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}
