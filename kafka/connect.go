package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	connectTimeout = 10 * time.Second // TCP and TLS together
	keepAlive      = 30 * time.Second // below the idle timeouts of common firewalls
)

// ConnectError is a connection that could not be made: dialing, TLS or SASL failed.
type ConnectError struct {
	Broker    string    // host:port
	Security  string    // PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL
	Mechanism Mechanism // "" = no SASL
	Err       error
}

func (e *ConnectError) Error() string {
	return fmt.Sprintf("connect to %s with %s: %v", e.Broker, e.Security, e.Err)
}

func (e *ConnectError) Unwrap() error { return e.Err }

// Connect opens a connection to a broker that requests can be written to: it dials and,
// where wanted, makes the TLS handshake.
func (c Cluster) Connect(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: keepAlive}).DialContext
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if c.TLS == nil {
		return &plainConn{Conn: conn}, nil
	}
	secured, err := c.handshake(ctx, conn, address)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secured, nil
}

// plainConn notices a TLS listener behind a plaintext connection: it answers the first
// request with a TLS alert, which kgo takes for the size of a response.
type plainConn struct {
	net.Conn
	seen bool
}

// errTLSAnswer is what a plaintext connection to a TLS listener ends with.
var errTLSAnswer = errors.New("the broker answered in TLS")

// Read is called by one goroutine at a time, as kgo reads a connection.
func (c *plainConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !c.seen && n > 0 {
		c.seen = true
		const alert, majorVersion = 21, 3
		if b[0] == alert && (n == 1 || b[1] == majorVersion) {
			return 0, errTLSAnswer
		}
	}
	return n, err
}

func (c Cluster) handshake(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	cfg := c.TLS.Clone()
	if c.renew != nil {
		fresh, err := c.renew(ctx)
		if err != nil {
			return nil, err
		}
		cfg = fresh
	}
	if cfg.ServerName == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		cfg.ServerName = host
	}
	secured := tls.Client(conn, cfg)
	err := secured.HandshakeContext(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		// As a dial that timed out: kgo takes the context's own error for the end of
		// the request and would not try another broker.
		err = &net.OpError{Op: "dial", Net: "tcp", Addr: conn.RemoteAddr(), Err: os.ErrDeadlineExceeded}
	}
	return secured, err
}

// connectHook hears from kgo how each connection went.
type connectHook struct{ cluster Cluster }

var _ kgo.HookBrokerConnect = connectHook{}

// OnBrokerConnect forgets secrets the other side refused and passes the news on.
func (h connectHook) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	broker := net.JoinHostPort(meta.Host, strconv.Itoa(int(meta.Port)))
	if err != nil {
		if h.cluster.who() != nil && cutDuringLogin(err) {
			err = &cutLogin{err: err}
		}
		if h.cluster.forget != nil && refusedAuthentication(err) {
			h.cluster.forget()
		}
		err = &ConnectError{Broker: broker, Security: h.cluster.Security(), Mechanism: h.cluster.Mechanism, Err: err}
	}
	if h.cluster.OnConnect != nil {
		h.cluster.OnConnect(broker, err)
	}
}

// cutLogin is a broker that closed the connection in the middle of the SASL exchange,
// which is how brokers without KIP-152's error answers refuse a login.
type cutLogin struct{ err error }

func (c *cutLogin) Error() string {
	return "the broker closed the connection during the login: " + c.err.Error()
}

func (c *cutLogin) Unwrap() error { return c.err }

// cutDuringLogin goes by what kgo does before a connection counts as made: an end of
// the stream in the exchange of API versions is an *ErrFirstReadEOF, after it there is
// nothing but SASL.
func cutDuringLogin(err error) bool {
	var first *kgo.ErrFirstReadEOF
	return !errors.As(err, &first) && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF))
}

// refusedAuthentication tells whether one side did not accept the other's identity.
func refusedAuthentication(err error) bool {
	var verification *tls.CertificateVerificationError
	var cut *cutLogin
	_, alerted := remoteAlert(err)
	return errors.Is(err, kerr.SaslAuthenticationFailed) || errors.As(err, &cut) || alerted || errors.As(err, &verification)
}
