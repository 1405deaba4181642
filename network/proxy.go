package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"

	socks5 "golang.org/x/net/proxy"
)

// proxy is a server that makes connections for us.
type proxy struct {
	url     *url.URL
	login   string // ref
	ca      string // ref
	base    direct
	secrets Secrets
}

// user is who we are to a proxy; the zero user is nobody.
type user struct{ name, password string }

// withLogin opens a connection, and once more where the secret of the login has changed
// since: a proxy that refuses may do so because it was rotated.
func (p proxy) withLogin(ctx context.Context, address string, open func(user) (net.Conn, error)) (net.Conn, error) {
	who, err := p.who(ctx)
	if err != nil {
		return nil, p.failed(address, "the login for the proxy could not be read", "check the reference in proxyLogin and the fields of its secret (username, password)", err)
	}
	conn, err := open(who)
	if err == nil || p.login == "" || !anotherLogin(err) {
		return conn, err
	}
	p.secrets.Forget(p.login)
	if fresh, bad := p.who(ctx); bad == nil && fresh != who {
		return open(fresh)
	}
	return nil, err
}

func (p proxy) who(ctx context.Context) (user, error) {
	if p.login == "" {
		return user{}, nil
	}
	fields, err := p.secrets.Fields(ctx, p.login)
	if err != nil {
		return user{}, err
	}
	who := user{fields["username"], fields["password"]}
	if who.name == "" || who.password == "" {
		return user{}, fmt.Errorf("the secret %s has no username or no password", p.login)
	}
	return who, nil
}

func (p proxy) shown() string { return p.url.Scheme + "://" + p.url.Host }

// failed is a connection that the proxy did not carry.
func (p proxy) failed(address, cause, try string, err error) *Error {
	return &Error{Target: address, Cause: cause, Try: try, Err: fmt.Errorf("through the proxy %s: %w", p.shown(), err)}
}

// unreached is a proxy that can't be reached itself.
func (p proxy) unreached(address string, err error) *Error {
	try := "check host and port in networks:, and the network between this machine and the proxy"
	if errors.Is(err, syscall.ECONNREFUSED) {
		try = "check host and port in networks:, and whether the proxy runs"
	}
	return p.failed(address, "the proxy could not be reached", try, err)
}

// refusedLogin marks an error that another login might not have had.
type refusedLogin struct{ error }

func (r *refusedLogin) Unwrap() error { return r.error }

func anotherLogin(err error) bool {
	var failed *Error
	var refused *refusedLogin
	return errors.As(err, &failed) && errors.As(failed.Err, &refused)
}

// socks reaches targets through a SOCKS5 proxy (RFC 1928, login RFC 1929). Names are
// resolved by the proxy.
type socks struct{ proxy }

func (s socks) dial(ctx context.Context, address string) (net.Conn, error) {
	return s.withLogin(ctx, address, func(who user) (net.Conn, error) {
		var auth *socks5.Auth
		if who != (user{}) {
			auth = &socks5.Auth{User: who.name, Password: who.password}
		}
		first := &hop{base: s.base}
		client, err := socks5.SOCKS5("tcp", s.url.Host, auth, first)
		if err != nil {
			return nil, err
		}
		conn, err := client.(socks5.ContextDialer).DialContext(ctx, "tcp", address)
		switch {
		case err == nil:
			return conn, nil
		case first.err != nil:
			return nil, s.unreached(address, first.err)
		}
		// The library tells a refused login from a refused target by its text alone.
		return nil, s.failed(address, "the SOCKS5 proxy did not make the connection",
			"compare its text with the proxy's rules and log: login, allowed targets and ports, whether it can reach the target", &refusedLogin{err})
	})
}

// hop dials the proxy for the library and keeps what went wrong there.
type hop struct {
	base direct
	err  error
}

// Dial implements golang.org/x/net/proxy's Dialer.
func (h *hop) Dial(network, address string) (net.Conn, error) {
	return h.DialContext(context.Background(), network, address)
}

// DialContext implements golang.org/x/net/proxy's ContextDialer.
func (h *hop) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	conn, err := h.base.dial(ctx, address)
	h.err = err
	return conn, err
}
