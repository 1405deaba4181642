package kafka

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// oauthIdentity is who the section sasl.oauth says one is.
func (e entrance) oauthIdentity(c OAuthConfig) identity {
	b := bearer{extensions: c.Extensions}
	switch {
	case c.Token != "":
		b.tokenSource = readyTokens{ref: c.Token, secrets: e.Secrets}
	case c.WebIdentity:
		b.tokenSource = keep(webIdentity{audience: c.Audience, load: e.awsConfig("")})
	default:
		load := func(ctx context.Context) (tokenRequest, error) { return c.request(ctx, e.Secrets) }
		b.tokenSource = keep(endpointTokens{load: load, stale: e.stale(c.refs()...), via: e.via()})
	}
	return b
}

func (e entrance) via() via {
	if e.way.dial != nil {
		return via{dial: e.way.dial} // the way that was given is the whole way
	}
	return via{proxy: e.Proxy}
}

// stale makes secrets be read again at their places.
func (e entrance) stale(refs ...string) func() {
	return func() {
		for _, ref := range refs {
			if ref != "" {
				e.Secrets.Forget(ref)
			}
		}
	}
}

// refs are the references the section reads.
func (c *OAuthConfig) refs() []string {
	return []string{c.CA, c.ClientSecret, c.PrivateKey, c.PrivateKeyPassword, c.Assertion, c.Token}
}

// request reads the secrets a request for a token is made of.
func (c OAuthConfig) request(ctx context.Context, s Secrets) (tokenRequest, error) {
	q := tokenRequest{
		endpoint: c.TokenEndpoint, clientID: c.ClientID, inBody: c.ClientAuth == ClientAuthPost, scope: c.Scope, audience: c.Audience,
	}
	var errs []error
	if c.CA != "" {
		text, err := s.Plain(ctx, c.CA)
		if err == nil {
			q.roots, err = roots(text)
		}
		errs = append(errs, secretError("the token endpoint's CA", err))
	}
	var err error
	switch {
	case c.Assertion != "":
		q.assertion, err = readyAssertion(ctx, s, c.Assertion)
	case c.PrivateKey != "":
		q.assertion, err = c.signer(ctx, s)
	default:
		q.secret, err = s.Plain(ctx, c.ClientSecret)
		if err == nil && q.secret == "" {
			err = errors.New("the client's secret is empty")
		}
	}
	errs = append(errs, secretError("the login", err))
	return q, errors.Join(errs...)
}

func secretError(what string, err error) error {
	var known *SecretError
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &SecretError{What: what, Err: err}
}

func (c OAuthConfig) signer(ctx context.Context, s Secrets) (func() (string, error), error) {
	key, err1 := s.Plain(ctx, c.PrivateKey)
	var password string
	var err2 error
	if c.PrivateKeyPassword != "" {
		password, err2 = s.Plain(ctx, c.PrivateKeyPassword)
	}
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	private, err := signingKey(key, password)
	a := assertion{
		key: private, keyID: c.KeyID, issuer: cmp.Or(c.Issuer, c.ClientID), subject: cmp.Or(c.Subject, c.ClientID),
		audience: cmp.Or(c.AssertionAudience, c.TokenEndpoint), lifetime: cmp.Or(c.AssertionLifetime, DefaultAssertionLifetime),
	}
	return a.sign, err
}

// readyAssertion is read again at its place when it has come to its end.
func readyAssertion(ctx context.Context, s Secrets, ref string) (func() (string, error), error) {
	t, err := readyTokens{ref: ref, secrets: s}.get(ctx, "")
	return func() (string, error) { return t.text, nil }, err
}

// The members of AWS's secret for OAUTHBEARER_AUTH.
const (
	fieldEndpoint = "oauthTokenEndpointUrl"
	fieldClient   = "oauthClientId"
	fieldSecret   = "oauthClientSecret"
	fieldEmail    = "oauthClientEmail"
	fieldKey      = "oauthPrivateKey"
	fieldLifetime = "oauthTokenExpirationSeconds"
	fieldCA       = "oauthIdpCaCertificate"
)

// secretOAuth is the identity of one secret in AWS's words; scope, audience and
// extensions are those of extra. The secret is read for every request, so that a
// rotated one counts at once.
func (e entrance) secretOAuth(ref string, extra OAuthConfig) identity {
	load := func(ctx context.Context) (tokenRequest, error) {
		fields, err := fieldsOf(ctx, e.Secrets, ref, fieldEndpoint, fieldClient)
		if err != nil {
			return tokenRequest{}, loginError(err)
		}
		q, err := awsRequest(ref, fields)
		q.scope, q.audience = extra.Scope, extra.Audience
		return q, secretError("the login", err)
	}
	return bearer{tokenSource: keep(endpointTokens{load: load, stale: e.stale(ref), via: e.via()}), extensions: extra.Extensions}
}

// awsRequest: the fields decide the grant, those of both are a fault.
func awsRequest(ref string, fields map[string]string) (tokenRequest, error) {
	q := tokenRequest{endpoint: fields[fieldEndpoint], clientID: fields[fieldClient], secret: fields[fieldSecret]}
	errs := []error{checkEndpoint(q.endpoint)}
	fault := func(text string) { errs = append(errs, errors.New("the secret "+ref+" "+text)) }
	bearer := fields[fieldKey] != "" || fields[fieldEmail] != ""
	switch {
	case bearer && q.secret != "":
		fault("has fields of both grants: " + fieldSecret + " is for client credentials, " + fieldEmail + " and " + fieldKey + " are for the JWT bearer grant")
	case bearer && (fields[fieldKey] == "" || fields[fieldEmail] == ""):
		fault("is half of a JWT bearer grant; want both " + fieldEmail + " and " + fieldKey)
	case bearer:
		key, err := signingKey(fields[fieldKey], "")
		life, err2 := assertionLife(fields[fieldLifetime])
		a := assertion{key: key, issuer: fields[fieldEmail], subject: fields[fieldEmail], audience: q.endpoint, lifetime: life}
		q.assertion = a.sign
		errs = append(errs, err, err2)
	case q.secret == "":
		fault("has neither " + fieldSecret + " nor " + fieldKey)
	}
	if text := fields[fieldCA]; text != "" {
		var err error
		q.roots, err = roots(text)
		errs = append(errs, err)
	}
	return q, errors.Join(errs...)
}

func assertionLife(text string) (time.Duration, error) {
	if text == "" {
		return DefaultAssertionLifetime, nil
	}
	life, err := time.ParseDuration(text + "s")
	if err != nil || life < time.Second || life > 24*time.Hour {
		return 0, errors.New(fieldLifetime + ": want a number of seconds within 1..86400")
	}
	return life, nil
}
