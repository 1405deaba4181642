package secret

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	vaultTimeout = 15 * time.Second
	// A token is given up a little before its end, so that none ends on the way.
	vaultMargin = 10 * time.Second
)

// vault reads secrets from a server with Vault's API: the key/value engine, version 1
// (GET MOUNT/PATH) or 2 (GET MOUNT/data/PATH). It logs in when it must: at first, when its
// token ends, and once more when the server refuses the token.
type vault struct {
	cfg   Vault
	local func(ctx context.Context, ref string) (string, error) // env: and file:
	http  func(ctx context.Context) (*http.Client, error)

	mu    sync.Mutex
	token string
	ends  time.Time // zero = never
}

func (v *vault) get(ctx context.Context, ref, path string) (Value, error) {
	ctx, cancel := context.WithTimeout(ctx, vaultTimeout)
	defer cancel()
	body, err := v.read(ctx, path)
	if err != nil {
		return Value{}, v.explained(ref, err)
	}
	fields, err := v.fields(body)
	if err != nil {
		return Value{}, &Error{Ref: ref, Err: err, Try: "check mount and version of the key/value engine"}
	}
	return NewValue(fields), nil
}

func (v *vault) read(ctx context.Context, path string) ([]byte, error) {
	at := strings.Trim(cmp.Or(v.cfg.Mount, "secret"), "/")
	if v.cfg.Version != 1 {
		at += "/data"
	}
	at += "/" + strings.Trim(path, "/")
	for attempt := 1; ; attempt++ {
		token, err := v.login(ctx)
		if err != nil {
			return nil, err
		}
		body, err := v.call(ctx, request{method: http.MethodGet, path: at, token: token})
		var refused *vaultError
		if attempt > 1 || !errors.As(err, &refused) || refused.status != http.StatusForbidden {
			return body, err
		}
		v.logout(token) // it may have been revoked, or a static one rotated
	}
}

// fields gives the secret itself as the JSON document of its fields.
func (v *vault) fields(body []byte) ([]byte, error) {
	var answer struct {
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return nil, errors.New("the answer is not JSON")
	}
	if v.cfg.Version == 1 {
		return document(answer.Data)
	}
	var versioned struct {
		Data     json.RawMessage `json:"data"`
		Metadata json.RawMessage `json:"metadata"`
	}
	if json.Unmarshal(answer.Data, &versioned) != nil || versioned.Metadata == nil {
		return nil, errors.New("the answer is not one of a key/value engine of version 2")
	}
	return document(versioned.Data)
}

func document(data json.RawMessage) ([]byte, error) {
	if len(data) == 0 || data[0] != '{' {
		return nil, errors.New("there are no fields in it")
	}
	return data, nil
}

// request is one call of Vault's API.
type request struct {
	method, path, token string
	body                any
}

// vaultError is a refusal. Its text is the server's own, which holds no secret.
type vaultError struct {
	status int
	errors []string
}

func (e *vaultError) Error() string {
	return fmt.Sprintf("the server answered %d %s", e.status, strings.Join(e.errors, "; "))
}

func (v *vault) call(ctx context.Context, q request) ([]byte, error) {
	var in io.Reader
	if q.body != nil {
		text, err := json.Marshal(q.body)
		if err != nil {
			return nil, err
		}
		in = bytes.NewReader(text)
	}
	u, err := url.Parse(strings.TrimRight(v.cfg.Address, "/"))
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, q.method, u.JoinPath("v1", q.path).String(), in)
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Vault-Request", "true") // what Vault's agent and proxies ask for against forged requests
	if q.token != "" {
		r.Header.Set("X-Vault-Token", q.token)
	}
	if v.cfg.Namespace != "" {
		r.Header.Set("X-Vault-Namespace", v.cfg.Namespace)
	}
	client, err := v.http(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errOutOfReach, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4*maxSize))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errOutOfReach, err)
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return nil, fmt.Errorf("%w: %w", errOutOfReach, refusalOf(resp.StatusCode, body))
	case resp.StatusCode/100 != 2:
		return nil, refusalOf(resp.StatusCode, body)
	}
	return body, nil
}

func refusalOf(status int, body []byte) *vaultError {
	var answer struct {
		Errors []string `json:"errors"`
	}
	_ = json.Unmarshal(body, &answer) // a body that is none says nothing
	return &vaultError{status: status, errors: answer.Errors}
}

func (v *vault) explained(ref string, err error) error {
	var refused *vaultError
	var login *loginFailed
	try := "check address, ca and network of the rule in secrets:, and whether the server is up and unsealed"
	switch {
	case errors.As(err, &login):
		try = "check the login of the rule in secrets: (token, appRole or kubernetes) and its mount"
	case errors.As(err, &refused) && refused.status == http.StatusNotFound:
		try = "check the path, and mount, version and namespace of the rule in secrets:"
	case errors.As(err, &refused):
		try = "give the token's policy the capability read on it (with version 2: on MOUNT/data/PATH)"
	}
	return &Error{Ref: ref, Err: err, Try: try}
}

// clientOf makes the HTTP client of a Vault: its own roots, and one redirect from a
// standby to the active server, never to one without TLS.
func clientOf(cfg Vault, ca string, dial dialer) (*http.Client, error) {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // what it is by definition
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if dial != nil {
		t.DialContext, t.Proxy = dial, nil
	}
	if ca != "" {
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM([]byte(ca)) {
			return nil, fmt.Errorf("%s holds no PEM certificate; want -----BEGIN CERTIFICATE-----", cfg.CA)
		}
	}
	return &http.Client{Transport: t, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 1 || via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
			return errors.New("the server redirects more than once, or to an address without TLS")
		}
		return nil
	}}, nil
}
