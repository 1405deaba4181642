package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// SecretError is a connection that could not even be tried: a secret it needs could not
// be had, or does not hold what it should.
type SecretError struct {
	What string // the login, the root CA, the client certificate
	Err  error  // names the reference
}

func (e *SecretError) Error() string { return fmt.Sprintf("get %s: %v", e.What, e.Err) }

func (e *SecretError) Unwrap() error { return e.Err }

func loginError(err error) error { return &SecretError{What: "the login", Err: err} }

// mechanism asks for the login at each authentication, first and repeated (KIP-368).
type mechanism struct {
	name  Mechanism
	login func(ctx context.Context) (Login, error)
}

// Name is what the SASL handshake proposes.
func (m mechanism) Name() string { return string(m.name) }

// Authenticate begins a session with the login as it is now.
func (m mechanism) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	login, err := m.login(ctx)
	if err != nil {
		return nil, nil, loginError(err)
	}
	if login.User == "" || login.Password == "" {
		return nil, nil, loginError(errors.New("user or password is empty"))
	}
	switch m.name {
	case Plain:
		return plain.Auth{User: login.User, Pass: login.Password}.AsMechanism().Authenticate(ctx, host)
	case ScramSHA256:
		return scram.Auth{User: login.User, Pass: login.Password}.AsSha256Mechanism().Authenticate(ctx, host)
	case ScramSHA512:
		return scram.Auth{User: login.User, Pass: login.Password}.AsSha512Mechanism().Authenticate(ctx, host)
	}
	return nil, nil, loginError(fmt.Errorf("mechanism %q is not known", m.name))
}
