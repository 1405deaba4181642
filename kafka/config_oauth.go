package kafka

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// OAuthConfig says where tokens for OAUTHBEARER come from, and which. The members that
// are given decide the way (grant):
//
//   - ClientSecret: client credentials (RFC 6749, 4.4);
//   - PrivateKey or Assertion: JWT bearer (RFC 7523, 2.1), with an assertion that is
//     signed here for each token, or one that somebody else signed;
//   - Token: a token that somebody else fetched, such as a file Kubernetes mounts;
//   - WebIdentity: AWS's own token of the role gantry runs as (sts:GetWebIdentityToken).
//
// More than one of them is a fault. Tokens are fetched for an authentication, kept until
// shortly before they expire, and forgotten when a broker refuses one.
type OAuthConfig struct {
	TokenEndpoint string `yaml:"tokenEndpoint"` // https://…; http:// on loopback only
	CA            string `yaml:"ca"`            // ref: PEM roots of the token endpoint, instead of the system's
	ClientID      string `yaml:"clientId"`      // as it is, no reference
	ClientSecret  string `yaml:"clientSecret"`  // ref
	ClientAuth    string `yaml:"clientAuth"`    // how id and secret are sent: ClientAuthBasic ("" too) or ClientAuthPost
	Scope         string `yaml:"scope"`         // one or more, separated by spaces; goes into the request
	Audience      string `yaml:"audience"`      // goes into the request; WebIdentity: required

	PrivateKey         string        `yaml:"privateKey"`         // ref: PEM, RSA or EC P-256, encrypted or not; signs the assertion
	PrivateKeyPassword string        `yaml:"privateKeyPassword"` // ref, for an encrypted key
	Issuer             string        `yaml:"issuer"`             // iss of the assertion; "" = ClientID
	Subject            string        `yaml:"subject"`            // sub of the assertion; "" = ClientID
	AssertionAudience  string        `yaml:"assertionAudience"`  // aud of the assertion; "" = TokenEndpoint
	AssertionLifetime  time.Duration `yaml:"assertionLifetime"`  // 0 = DefaultAssertionLifetime
	KeyID              string        `yaml:"keyId"`              // kid of the assertion's header; "" = none
	Assertion          string        `yaml:"assertion"`          // ref: a ready assertion

	Token       string `yaml:"token"`       // ref: a ready token
	WebIdentity bool   `yaml:"webIdentity"` // AWS's token of gantry's own identity

	// Extensions go to the broker beside the token (KIP-342), such as logicalCluster and
	// identityPoolId of Confluent Cloud.
	Extensions map[string]string `yaml:"extensions"`
}

// How a client shows its secret to the token endpoint (RFC 6749, 2.3.1). In the header id
// and secret are percent-encoded as the RFC has it; an endpoint that does not decode them
// wants the body.
const (
	ClientAuthBasic = "basic" // in the header Authorization
	ClientAuthPost  = "post"  // as client_id and client_secret in the body
)

// DefaultAssertionLifetime is how long a signed assertion holds, as Kafka's own client
// has it (sasl.oauthbearer.assertion.claim.exp.seconds).
const DefaultAssertionLifetime = 5 * time.Minute

// RFC 7628, 3.1: what a key and a value of an extension may consist of.
var (
	extensionKey   = regexp.MustCompile(`^[A-Za-z]+$`)
	extensionValue = regexp.MustCompile(`^[\x20-\x7e\t\r\n]+$`)
)

func (c *OAuthConfig) faults() []error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("sasl.oauth."+format, args...)) }
	ways := c.ways()
	switch {
	case len(ways) == 0:
		fault("clientSecret: is missing; give clientSecret, privateKey, assertion, token or webIdentity")
	case len(ways) > 1:
		fault("%s: contradicts %s; keep one of them", ways[0], strings.Join(ways[1:], " and "))
	}
	if !slices.Contains([]string{"", ClientAuthBasic, ClientAuthPost}, c.ClientAuth) {
		fault("clientAuth: %q is not known; want %s or %s", c.ClientAuth, ClientAuthBasic, ClientAuthPost)
	}
	for _, err := range c.requestFaults() {
		fault("%w", err)
	}
	if c.PrivateKeyPassword != "" && c.PrivateKey == "" {
		fault("privateKeyPassword: there is no key it could open")
	}
	if c.PrivateKey == "" && (c.Issuer != "" || c.Subject != "" || c.AssertionAudience != "" || c.KeyID != "" || c.AssertionLifetime != 0) {
		fault("privateKey: is missing; issuer, subject, assertionAudience, assertionLifetime and keyId are of the assertion it signs")
	}
	if c.AssertionLifetime < 0 || c.AssertionLifetime > 24*time.Hour {
		fault("assertionLifetime: %s is not within 1s..24h", c.AssertionLifetime)
	}
	return append(errs, c.extensionFaults()...)
}

func (c *OAuthConfig) extensionFaults() []error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Extensions)) {
		if !extensionKey.MatchString(name) || name == "auth" || !extensionValue.MatchString(c.Extensions[name]) {
			errs = append(errs, fmt.Errorf("sasl.oauth.extensions: %q cannot be sent; a name has letters alone and is not auth, a value has printable ASCII alone", name))
		}
	}
	return errs
}

// ways are the members given that each decide where tokens come from.
func (c *OAuthConfig) ways() []string {
	var ways []string
	for _, way := range []struct {
		name  string
		given bool
	}{
		{"clientSecret", c.ClientSecret != ""},
		{"privateKey", c.PrivateKey != ""},
		{"assertion", c.Assertion != ""},
		{"token", c.Token != ""},
		{"webIdentity", c.WebIdentity},
	} {
		if way.given {
			ways = append(ways, way.name)
		}
	}
	return ways
}

// requestFaults checks what the request for a token is made of.
func (c *OAuthConfig) requestFaults() []error {
	var errs []error
	asks := c.ClientSecret != "" || c.PrivateKey != "" || c.Assertion != ""
	switch {
	case asks && c.TokenEndpoint == "":
		errs = append(errs, errors.New("tokenEndpoint: is missing; want the URL tokens are fetched from"))
	case asks:
		errs = append(errs, checkEndpoint(c.TokenEndpoint))
	case c.TokenEndpoint != "" || c.CA != "" || c.ClientID != "" || c.Scope != "":
		errs = append(errs, errors.New("tokenEndpoint: nothing is fetched there; leave out tokenEndpoint, ca, clientId and scope"))
	}
	switch {
	case c.ClientID == "" && c.ClientSecret != "":
		errs = append(errs, errors.New("clientId: is missing; a client secret belongs to a client id"))
	case c.ClientID == "" && c.PrivateKey != "" && (c.Issuer == "" || c.Subject == ""):
		errs = append(errs, errors.New("clientId: is missing; or give both issuer and subject of the assertion"))
	}
	if c.WebIdentity && c.Audience == "" {
		errs = append(errs, errors.New("audience: is missing; a token of AWS's web identity is for an audience"))
	}
	if c.Token != "" && c.Audience != "" {
		errs = append(errs, errors.New("audience: a ready token has its audience already; leave it out"))
	}
	return dropNil(errs)
}

// checkEndpoint refuses to send a secret over a connection without TLS.
func checkEndpoint(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return errors.New("tokenEndpoint: it is no URL of the form https://host/path")
	case u.Scheme == "https" || (u.Scheme == "http" && onlyLoopback([]string{u.Hostname() + ":80"}) == nil):
		return nil
	}
	return fmt.Errorf("tokenEndpoint: %q would carry the client's secret without TLS; want https://", u.Redacted())
}

func dropNil(errs []error) []error {
	var kept []error
	for _, err := range errs {
		if err != nil {
			kept = append(kept, err)
		}
	}
	return kept
}
