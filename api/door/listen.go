package door

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Listen listens on a loopback address, and on no other: what comes in can run code, and
// TLS is not there yet.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: it is no HOST:PORT such as 127.0.0.1:9400", address)
	}
	ip := net.ParseIP(host)
	if host == "localhost" {
		ip = net.IPv4(127, 0, 0, 1)
		address = net.JoinHostPort(ip.String(), address[len(host)+1:])
	}
	if !ip.IsLoopback() { // also of no IP at all
		return nil, fmt.Errorf("listen on %s: only loopback addresses are served, since whoever reaches the API can run code; "+
			"use 127.0.0.1 and reach it through an SSH tunnel (ssh -L)", address)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%w; is another gantry running? choose another port with --listen", err)
	}
	return l, err
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
