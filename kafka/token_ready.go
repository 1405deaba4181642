package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// readyTokens reads tokens that somebody else fetches and renews, such as a file that
// Kubernetes mounts (Kafka's FileJwtRetriever).
type readyTokens struct {
	ref     string
	secrets Secrets
}

func (r readyTokens) check(ctx context.Context) error {
	_, err := r.read(ctx)
	return err
}

func (r readyTokens) forget() { r.secrets.Forget(r.ref) }

// get reads again at its place what has come to its end meanwhile.
func (r readyTokens) get(ctx context.Context, _ string) (token, error) {
	t, err := r.read(ctx)
	if err == nil && !t.holds(time.Now()) {
		r.secrets.Forget(r.ref)
		if t, err = r.read(ctx); err == nil && !t.holds(time.Now()) {
			err = &TokenError{Where: r.ref, Err: fmt.Errorf("%w: the token there ended at %s", errTokenEnded, t.expires.UTC().Format(time.RFC3339))}
		}
	}
	return t, err
}

// errTokenEnded: whoever renews a ready token has not.
var errTokenEnded = errors.New("it has expired")

func (r readyTokens) read(ctx context.Context) (token, error) {
	text, err := readySecret(ctx, r.secrets, r.ref)
	return newToken(text, time.Time{}), err
}

// readySecret gives a token or an assertion, which have no white space.
func readySecret(ctx context.Context, s Secrets, ref string) (string, error) {
	text, err := s.Plain(ctx, ref)
	text = strings.TrimSpace(text)
	if err == nil && (text == "" || strings.ContainsAny(text, " \t\r\n")) {
		err = fmt.Errorf("%s holds no token: it is empty or has white space", ref)
	}
	if err != nil {
		return "", loginError(err)
	}
	return text, nil
}
