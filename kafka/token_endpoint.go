package kafka

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// tokenTimeout bounds one request for a token, from the name's resolution to the answer.
const tokenTimeout = 15 * time.Second

// TokenError is a token that could not be had. Its text holds nothing of the request and
// of the answer no more than the error the endpoint names (RFC 6749, 5.2).
type TokenError struct {
	Where       string // the endpoint, or what else tokens come from
	Status      int    // of the HTTP answer; 0 = there was none
	Code        string // invalid_client, invalid_scope, …; "" = none was named
	Description string
	Err         error // nil when the endpoint answered
}

func (e *TokenError) Error() string {
	text := "get a token from " + e.Where + ": "
	switch {
	case e.Err != nil:
		return text + e.Err.Error()
	case e.Code == "":
		return fmt.Sprintf("%sit answered %d %s without naming an error", text, e.Status, http.StatusText(e.Status))
	case e.Description != "":
		return text + e.Code + " (" + e.Description + ")"
	}
	return text + e.Code
}

func (e *TokenError) Unwrap() error { return e.Err }

// endpointTokens fetches tokens over HTTP.
type endpointTokens struct {
	load  func(ctx context.Context) (tokenRequest, error) // reads the secrets
	stale func()                                          // drops them from memory
	via   via
}

// via is how a token endpoint is reached.
type via struct {
	dial  Dialer                                // nil = direct
	proxy func(*http.Request) (*url.URL, error) // nil = none
}

// tokenRequest is what a request for a token is made of, secrets read.
type tokenRequest struct {
	endpoint         string
	roots            *x509.CertPool // nil = the system's
	clientID, secret string
	inBody           bool // the client's secret goes into the body, not into the header
	scope, audience  string
	assertion        func() (string, error) // nil = client credentials
}

func (e endpointTokens) check(ctx context.Context) error {
	_, err := e.load(ctx)
	return err
}

func (e endpointTokens) forget() {} // a broker's refusal says nothing of the secrets

func (e endpointTokens) get(ctx context.Context, _ string) (token, error) {
	r, err := e.load(ctx)
	if err != nil {
		return token{}, err
	}
	cfg, err := r.config()
	if err != nil {
		return token{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	got, err := cfg.Token(context.WithValue(ctx, oauth2.HTTPClient, e.via.client(r.roots)))
	if err != nil {
		e.stale() // a secret, a key or a CA may have been replaced
		return token{}, r.failure(err)
	}
	return newToken(got.AccessToken, got.Expiry), nil
}

// config is the request in the library's words.
func (r tokenRequest) config() (*clientcredentials.Config, error) {
	c := &clientcredentials.Config{
		ClientID: r.clientID, ClientSecret: r.secret, TokenURL: r.endpoint, Scopes: strings.Fields(r.scope),
		EndpointParams: url.Values{}, AuthStyle: oauth2.AuthStyleInHeader,
	}
	if r.inBody || r.assertion != nil {
		c.AuthStyle = oauth2.AuthStyleInParams
	}
	if r.audience != "" {
		c.EndpointParams.Set("audience", r.audience)
	}
	if r.assertion != nil {
		text, err := r.assertion()
		if err != nil {
			return nil, loginError(fmt.Errorf("sign the assertion: %w", err))
		}
		c.EndpointParams.Set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
		c.EndpointParams.Set("assertion", text)
	}
	return c, nil
}

// client makes a client for one request.
func (v via) client(roots *x509.CertPool) *http.Client {
	dial := v.dial
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: keepAlive}).DialContext
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dial, Proxy: v.proxy, DisableKeepAlives: true,
			TLSHandshakeTimeout: connectTimeout,
			TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		},
		// The secret is for the endpoint that was named, and for no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// failure keeps of the library's error what may be shown: its own text quotes the answer.
func (r tokenRequest) failure(err error) error {
	e := &TokenError{Where: r.endpoint}
	var answer *oauth2.RetrieveError
	var request *url.Error
	switch {
	case errors.As(err, &answer):
		e.Code, e.Description = printable(answer.ErrorCode), printable(answer.ErrorDescription)
		if answer.Response != nil {
			e.Status = answer.Response.StatusCode
		}
	case errors.As(err, &request):
		e.Err = cmp.Or(request.Err, err)
	default:
		e.Err = errors.New("the answer holds no access_token")
	}
	return e
}
