package door

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Place is where a door stands and how it is shut.
type Place struct {
	Address  string // IP:PORT, or localhost:PORT
	Keys     bool   // requests are verified: it is not a demo
	TLS      *TLS   // nil = none
	Insecure bool   // the owner said that others than loopback may listen in (--insecure)
}

// Listen listens. On an address that is not loopback it refuses without keys and TLS:
// what comes in can run code, and without TLS everybody on the way reads it.
func Listen(ctx context.Context, p Place) (net.Listener, error) {
	host, port, err := net.SplitHostPort(p.Address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: it is no HOST:PORT such as 127.0.0.1:9400", p.Address)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if host == "" {
		host = "0.0.0.0"
	}
	ip := net.ParseIP(host)
	if ip == nil {
		return nil, fmt.Errorf("listen on %s: give an IP address; names that clients use belong to allowHosts", p.Address)
	}
	if err := p.open(ip); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%w; is another gantry running? choose another port with --listen", err)
	case err == nil && p.TLS != nil:
		return tls.NewListener(l, p.TLS.Config()), nil
	}
	return l, err
}

// open says why an address must not be listened on.
func (p Place) open(ip net.IP) error {
	switch {
	case ip.IsLoopback():
		return nil
	case !p.Keys:
		return fmt.Errorf("listen on %s: any credentials are accepted here, so only loopback addresses are served; use 127.0.0.1", p.Address)
	case p.TLS == nil && !p.Insecure:
		return fmt.Errorf("listen on %s: an address that is not loopback needs TLS, since whoever reaches the API can run code "+
			"and whoever is on the way reads environment variables; add tls: {cert, key} to the file, "+
			"use 127.0.0.1 behind an SSH tunnel (ssh -L), or say --insecure", p.Address)
	}
	return nil
}

// Server gives an HTTP server whose callers can't hold a connection without saying
// anything. Answers may take as long as they need.
func Server(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.With("event", "api.connection").Handler(), slog.LevelWarn),
	}
}
