package kafka

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
)

// token is a bearer token. Printing it shows its claims alone.
type token struct {
	text    string
	got     time.Time
	expires time.Time // zero = not known
}

func (t token) String() string { return "token (hidden) " + t.claims() }

// Format keeps the token from every verb.
func (t token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue keeps the token from structured logs.
func (t token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// tokenSource is where bearer tokens come from. Safe for use by many goroutines.
type tokenSource interface {
	check(ctx context.Context) error
	// get gives a token for a connection to broker, host:port.
	get(ctx context.Context, broker string) (token, error)
	// forget is told that a broker refused a token.
	forget()
}

// bearer is an identity by tokens: SASL OAUTHBEARER (RFC 7628, KIP-255).
type bearer struct {
	tokenSource
	extensions map[string]string
}

func (b bearer) wire() Mechanism { return OAuthBearer }

func (b bearer) begin(ctx context.Context, broker string) (sasl.Session, []byte, error) {
	t, err := b.get(ctx, broker)
	if err != nil {
		return nil, nil, err
	}
	session, first, err := oauth.Auth{Token: t.text, Extensions: b.extensions}.AsMechanism().Authenticate(ctx, broker)
	return bearerSession{session, t}, first, err
}

// bearerSession reads what a broker says of a token it refuses: unlike other mechanisms
// it answers with a document (RFC 7628, 3.2.2) and ends the session only when the client
// has replied to it.
type bearerSession struct {
	sasl.Session
	token token
}

// Challenge takes the broker's answer: nothing, or why it refuses.
func (s bearerSession) Challenge(answer []byte) (bool, []byte, error) {
	if len(answer) == 0 {
		return s.Session.Challenge(answer)
	}
	var refusal struct {
		Status string `json:"status"`
		Scope  string `json:"scope"`
	}
	if err := json.Unmarshal(answer, &refusal); err != nil || refusal.Status == "" {
		refusal.Status = "no reason given"
	}
	return false, nil, &RefusedTokenError{Status: printable(refusal.Status), Scope: printable(refusal.Scope), Claims: s.token.claims()}
}

// RefusedTokenError is a broker's refusal of an OAUTHBEARER token. It is a
// kerr.SaslAuthenticationFailed.
type RefusedTokenError struct {
	Status string // invalid_token, insufficient_scope, …: RFC 6750, 3.1
	Scope  string // what the broker wants; mostly ""
	Claims string // what the token says of itself, "" when it is no JWT
}

func (e *RefusedTokenError) Error() string {
	text := "the broker refused the token: " + e.Status
	if e.Scope != "" {
		text += ", it wants scope " + e.Scope
	}
	if e.Claims != "" {
		text += "; the token says " + e.Claims
	}
	return text
}

func (e *RefusedTokenError) Unwrap() error { return kerr.SaslAuthenticationFailed }

// jwtClaims are those that decide whether a broker takes a token, and nothing else of it.
type jwtClaims struct {
	Issuer   string          `json:"iss"`
	Subject  string          `json:"sub"`
	Audience json.RawMessage `json:"aud"`
	Scope    json.RawMessage `json:"scope"`
	Expires  json.Number     `json:"exp"`
}

// readClaims looks into a JWT without verifying it, which is the broker's business.
func readClaims(text string) (jwtClaims, bool) {
	var c jwtClaims
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return c, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	return c, err == nil && json.Unmarshal(payload, &c) == nil
}

// expiry is the claim exp; zero when there is none.
func (c jwtClaims) expiry() time.Time {
	seconds, err := c.Expires.Float64()
	if err != nil || seconds <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(seconds * 1000))
}

// claims says what a JWT holds, for people: it is no secret, the signature is.
func (t token) claims() string {
	c, ok := readClaims(t.text)
	if !ok {
		return ""
	}
	text := []string{"iss=" + c.Issuer, "sub=" + c.Subject}
	if len(c.Audience) > 0 {
		text = append(text, "aud="+strings.ReplaceAll(string(c.Audience), `"`, ""))
	}
	if len(c.Scope) > 0 {
		text = append(text, "scope="+strings.ReplaceAll(string(c.Scope), `"`, ""))
	}
	if at := c.expiry(); !at.IsZero() {
		text = append(text, "exp="+at.UTC().Format(time.RFC3339))
	}
	return printable(strings.Join(text, " "))
}

// printable makes what came from elsewhere fit for one line of a log.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	const most = 300
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
