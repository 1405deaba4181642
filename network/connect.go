package network

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// maxAnswer bounds what a proxy may answer to CONNECT, headers included.
const maxAnswer = 64 << 10

// connect reaches targets through an HTTP proxy (CONNECT, RFC 9110 section 9.3.6), with
// TLS to the proxy where its URL says https. Names are resolved by the proxy.
type connect struct{ proxy }

func (c connect) dial(ctx context.Context, address string) (net.Conn, error) {
	return c.withLogin(ctx, address, func(who user) (net.Conn, error) {
		conn, err := c.base.dial(ctx, c.url.Host)
		if err != nil {
			return nil, c.unreached(address, err)
		}
		through, err := c.tunnel(ctx, conn, address, who)
		if err != nil {
			_ = conn.Close()
			return nil, err
		}
		return through, nil
	})
}

func (c connect) tunnel(ctx context.Context, conn net.Conn, address string, who user) (net.Conn, error) {
	release := bind(ctx, conn)
	secured, err := c.secure(ctx, conn)
	if err != nil {
		return nil, c.failed(address, "the TLS connection to the proxy could not be made",
			"give the root CA of the proxy's certificate in proxyCA, and a name in the proxy's URL that the certificate has", err)
	}
	through, err := c.ask(secured, address, who)
	if late := release(); err == nil && late != nil {
		err = c.failed(address, "the proxy did not answer in time", "look into the proxy's log; it may not reach the target", late)
	}
	return through, err
}

func (c connect) secure(ctx context.Context, conn net.Conn) (net.Conn, error) {
	if c.url.Scheme != "https" {
		return conn, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.url.Hostname()}
	if c.ca != "" {
		text, err := c.secrets.Plain(ctx, c.ca)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM([]byte(text)) {
			return nil, fmt.Errorf("%s holds no PEM certificate; want -----BEGIN CERTIFICATE-----", c.ca)
		}
	}
	secured := tls.Client(conn, cfg)
	return secured, secured.HandshakeContext(ctx)
}

func (c connect) ask(conn net.Conn, address string, who user) (net.Conn, error) {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{"User-Agent": {"gantry"}}}
	if who != (user{}) {
		basic := http.Request{Header: http.Header{}}
		basic.SetBasicAuth(who.name, who.password)
		req.Header.Set("Proxy-Authorization", basic.Header.Get("Authorization"))
	}
	if err := req.Write(conn); err != nil {
		return nil, c.unreached(address, err)
	}
	in := bufio.NewReader(&io.LimitedReader{R: conn, N: maxAnswer})
	resp, err := http.ReadResponse(in, req) //nolint:bodyclose // what follows the answer to CONNECT is the connection itself
	if err != nil {
		return nil, c.failed(address, "the proxy gave no answer in HTTP to CONNECT",
			"check that an HTTP proxy listens at that port, and that https:// stands in its URL exactly where it wants TLS", err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, c.refused(address, resp)
	}
	if in.Buffered() == 0 {
		return conn, nil
	}
	early := make([]byte, in.Buffered()) // the target has spoken already
	_, _ = io.ReadFull(in, early)
	return &preceded{Conn: conn, early: early}, nil
}

func (c connect) refused(address string, resp *http.Response) error {
	err := fmt.Errorf("it answered %q to CONNECT", resp.Status)
	switch resp.StatusCode {
	case http.StatusProxyAuthRequired:
		try := "give proxyLogin, a secret with username and password"
		if c.login != "" {
			try = "check username and password in proxyLogin; gantry knows the scheme Basic only"
		}
		return c.failed(address, "the proxy did not accept the login", try, &refusedLogin{err})
	case http.StatusForbidden, http.StatusUnauthorized, http.StatusMethodNotAllowed:
		return c.failed(address, "the proxy does not allow this target", "have the proxy allow CONNECT to this host and port", err)
	}
	return c.failed(address, "the proxy could not make the connection",
		"look into the proxy's log: it may not be able to resolve or reach the target", err)
}

// bind ends what happens on conn when ctx ends. release takes that back, and says
// whether ctx had ended meanwhile.
func bind(ctx context.Context, conn net.Conn) (release func() error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return func() error {
		if !stop() {
			return errors.Join(context.Cause(ctx))
		}
		return nil
	}
}

// preceded is a connection of which something was read already.
type preceded struct {
	net.Conn
	early []byte
}

// Read implements net.Conn; as with any connection one goroutine reads at a time.
func (p *preceded) Read(b []byte) (int, error) {
	if len(p.early) > 0 {
		n := copy(b, p.early)
		p.early = p.early[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}
