package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// identity is who one is to brokers that ask by SASL. Safe for use by many goroutines.
type identity interface {
	// wire is the name of the mechanism in the handshake.
	wire() Mechanism
	// check reads the secrets it needs and connects to nothing.
	check(ctx context.Context) error
	// begin starts one authentication, the first of a connection or a repeated one
	// (KIP-368), with the credentials as they are now. Broker is host:port.
	begin(ctx context.Context, broker string) (sasl.Session, []byte, error)
	// forget drops what was kept of credentials that a broker refused.
	forget()
}

// SecretError is a connection that could not even be tried: a secret it needs could not
// be had, or does not hold what it should.
type SecretError struct {
	What string // the login, the root CA, the client certificate
	Err  error  // names the reference
}

func (e *SecretError) Error() string { return fmt.Sprintf("get %s: %v", e.What, e.Err) }

func (e *SecretError) Unwrap() error { return e.Err }

func loginError(err error) error { return &SecretError{What: "the login", Err: err} }

// mechanism is an identity as kgo wants it.
type mechanism struct{ identity }

// Name is what the SASL handshake proposes.
func (m mechanism) Name() string { return string(m.wire()) }

// Authenticate begins a session with the credentials as they are now.
func (m mechanism) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	return m.begin(ctx, host)
}

// passwords is an identity by name and password.
type passwords struct {
	mechanism Mechanism
	login     func(ctx context.Context) (Login, error)
}

func (p passwords) wire() Mechanism { return p.mechanism }

func (p passwords) forget() {} // it keeps nothing

func (p passwords) check(ctx context.Context) error {
	if _, err := p.login(ctx); err != nil {
		return loginError(err)
	}
	return nil
}

func (p passwords) begin(ctx context.Context, broker string) (sasl.Session, []byte, error) {
	login, err := p.login(ctx)
	if err != nil {
		return nil, nil, loginError(err)
	}
	if login.User == "" || login.Password == "" {
		return nil, nil, loginError(errors.New("user or password is empty"))
	}
	switch p.mechanism {
	case Plain:
		return plain.Auth{User: login.User, Pass: login.Password}.AsMechanism().Authenticate(ctx, broker)
	case ScramSHA256:
		return scram.Auth{User: login.User, Pass: login.Password, IsToken: login.Token}.AsSha256Mechanism().Authenticate(ctx, broker)
	case ScramSHA512:
		return scram.Auth{User: login.User, Pass: login.Password, IsToken: login.Token}.AsSha512Mechanism().Authenticate(ctx, broker)
	}
	return nil, nil, loginError(fmt.Errorf("mechanism %q is not known", p.mechanism))
}
