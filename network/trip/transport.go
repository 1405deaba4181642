package trip

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Config shapes the connections of a Transport. The zero value is usable.
type Config struct {
	Conns int           // idle connections kept, 0 = 100: the invocations AWS and HTTP functions get
	Idle  time.Duration // how long one is kept, 0 = 30 s
	Dial  func(ctx context.Context, network, address string) (net.Conn, error)
}

// The numbers of a connection: a dead peer must be noticed while a function works, and
// a firewall must see the connection alive.
const (
	dialTimeout  = 5 * time.Second
	keepAlive    = 30 * time.Second
	defaultConns = 100
	defaultIdle  = 30 * time.Second
)

// New takes over base, which brings TLS and proxy settings, and has it dial
// connections that count.
func New(base *http.Transport, c Config) *Transport {
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}).DialContext
	}
	base.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &conn{Conn: raw}, nil
	}
	base.MaxIdleConns, base.MaxConnsPerHost, base.ResponseHeaderTimeout = 0, 0, 0
	base.MaxIdleConnsPerHost = orDefault(c.Conns, defaultConns)
	base.IdleConnTimeout = orDefault(c.Idle, defaultIdle)
	base.Protocols = new(http.Protocols)
	base.Protocols.SetHTTP1(true)
	return &Transport{base: base}
}

func orDefault[T int | time.Duration](v, fallback T) T {
	if v == 0 {
		return fallback
	}
	return v
}
