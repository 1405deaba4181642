package door

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// Material is what TLS is spoken with, as PEM.
type Material struct {
	Cert     []byte // the server's certificate first, then those above it
	Key      []byte
	ClientCA []byte // nil = clients need no certificate
}

func (m Material) equal(o Material) bool {
	return bytes.Equal(m.Cert, o.Cert) && bytes.Equal(m.Key, o.Key) && bytes.Equal(m.ClientCA, o.ClientCA)
}

const (
	// reloadEvery is how soon a rotated certificate is in use.
	reloadEvery = 10 * time.Second

	// expiresSoon is when the log begins to warn, once a day.
	expiresSoon = 14 * 24 * time.Hour
)

// TLS is the listener's side of TLS 1.2 and later. Certificates are read again while it
// watches, and what can't be used leaves the old ones in force. Safe for use by many
// goroutines.
type TLS struct {
	load func(ctx context.Context) (Material, error)
	log  *slog.Logger

	current atomic.Pointer[loaded]
	warned  time.Time // Watch's alone
	refused error     // Watch's alone: what was said already
}

type loaded struct {
	material Material
	config   *tls.Config
	leaf     *x509.Certificate
}

// NewTLS reads the certificates for the first time; what is wrong with them is an error.
func NewTLS(ctx context.Context, load func(ctx context.Context) (Material, error), log *slog.Logger) (*TLS, error) {
	t := &TLS{load: load, log: log}
	m, err := load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	first, err := m.loaded()
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	t.current.Store(first)
	return t, nil
}

func (m Material) loaded() (*loaded, error) {
	pair, err := tls.X509KeyPair(m.Cert, m.Key)
	if err != nil {
		return nil, fmt.Errorf("cert and key are no pair: %w", err)
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"}, // limits on slow clients are those of HTTP/1.1
	}
	if m.ClientCA != nil {
		config.ClientCAs, config.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !config.ClientCAs.AppendCertsFromPEM(m.ClientCA) {
			return nil, errors.New("clientCA holds no PEM certificate")
		}
	}
	return &loaded{m, config, pair.Leaf}, nil
}

// Config is the configuration of a listener, which follows every rotation.
func (t *TLS) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return t.current.Load().config, nil
		},
	}
}

// Names are the host names the certificate speaks for, without wildcards.
func (t *TLS) Names() []string {
	var names []string
	leaf := t.current.Load().leaf
	for _, name := range leaf.DNSNames {
		if len(name) > 0 && name[0] != '*' {
			names = append(names, name)
		}
	}
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// Watch reads the certificates again until ctx ends.
func (t *TLS) Watch(ctx context.Context) {
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	for {
		t.warn(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.reload(ctx)
		}
	}
}

func (t *TLS) reload(ctx context.Context) {
	was := t.current.Load()
	m, err := t.load(ctx)
	if err == nil && m.equal(was.material) {
		t.refused = nil
		return
	}
	next, bad := was, err
	if err == nil {
		next, bad = m.loaded()
	}
	switch {
	case bad == nil:
		t.current.Store(next)
		t.refused, t.warned = nil, time.Time{}
		t.log.InfoContext(ctx, "the certificate was rotated", "event", "tls.rotated", "notAfter", next.leaf.NotAfter)
	case t.refused == nil || t.refused.Error() != bad.Error():
		t.refused = bad
		t.log.ErrorContext(ctx, "a new certificate can't be used, the old one stays", "event", "tls.refused", "error", bad)
	}
}

func (t *TLS) warn(ctx context.Context) {
	until := t.current.Load().leaf.NotAfter
	if time.Until(until) > expiresSoon || time.Since(t.warned) < 24*time.Hour {
		return
	}
	t.warned = time.Now()
	t.log.WarnContext(ctx, "the API's certificate expires soon", "event", "tls.expires", "notAfter", until)
}
