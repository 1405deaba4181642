package door

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// issue makes a certificate that signs itself, and its key.
func issue(t *testing.T, serial int64, life time.Duration) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "gantry"}, DNSNames: []string{"localhost", "gantry.test", "*.wild.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(life), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// dial gives the serial number of the certificate a server shows.
func dial(t *testing.T, address string, config *tls.Config) (int64, error) {
	t.Helper()
	config.ServerName = "localhost"
	client := http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	res, err := client.Get("https://" + address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	require.Equal(t, "HTTP/1.1", res.Proto)
	return res.TLS.PeerCertificates[0].SerialNumber.Int64(), nil
}

func trusting(cert []byte) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return &tls.Config{RootCAs: pool}
}

// TestTLS: a rotated certificate is shown by the next connection, one that can't be used
// is said once and changes nothing, old versions are refused, and a client without the
// certificate that is asked for does not get in.
func TestTLS(t *testing.T) {
	t.Parallel()
	var m Material
	var fails error
	var log strings.Builder
	m.Cert, m.Key = issue(t, 1, time.Hour)
	shut, err := NewTLS(t.Context(), func(context.Context) (Material, error) { return m, fails }, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	require.Equal(t, []string{"localhost", "gantry.test"}, shut.Names())
	l, err := Listen(t.Context(), Place{Address: "127.0.0.1:0", Keys: true, TLS: shut})
	require.NoError(t, err)
	server := Server(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }), slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	address := l.Addr().String()

	serial, err := dial(t, address, trusting(m.Cert))
	require.NoError(t, err)
	require.EqualValues(t, 1, serial)
	old := trusting(m.Cert)
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	_, err = dial(t, address, old)
	require.ErrorContains(t, err, "protocol version")

	first := m.Cert
	_, strange := issue(t, 2, time.Hour)
	m.Key = strange
	shut.reload(t.Context())
	shut.reload(t.Context())
	fails = errors.New("out of reach")
	shut.reload(t.Context())
	require.Equal(t, 2, strings.Count(log.String(), "tls.refused"), log.String())
	_, err = dial(t, address, trusting(first))
	require.NoError(t, err, "the old one stays")

	fails = nil
	m.Cert, m.Key = issue(t, 3, time.Hour)
	shut.reload(t.Context())
	serial, err = dial(t, address, trusting(m.Cert))
	require.NoError(t, err)
	require.EqualValues(t, 3, serial)
	shut.warn(t.Context())
	require.Contains(t, log.String(), "tls.expires")

	ca, key := issue(t, 4, time.Hour)
	m.ClientCA = ca
	shut.reload(t.Context())
	_, err = dial(t, address, trusting(m.Cert))
	require.Error(t, err, "no client certificate")
	pair, err := tls.X509KeyPair(ca, key)
	require.NoError(t, err)
	known := trusting(m.Cert)
	known.Certificates = []tls.Certificate{pair}
	_, err = dial(t, address, known)
	require.NoError(t, err)
}

func TestFaultsOfCertificates(t *testing.T) {
	t.Parallel()
	cert, key := issue(t, 1, time.Hour)
	for says, m := range map[string]Material{"no pair": {Cert: cert}, "clientCA": {Cert: cert, Key: key, ClientCA: []byte("x")}} {
		_, err := NewTLS(t.Context(), func(context.Context) (Material, error) { return m, nil }, slog.New(slog.DiscardHandler))
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "PRIVATE")
	}
}

// TestOpenAddressesNeedKeysAndTLS: nothing but loopback is listened on without both, or
// without the owner's word.
func TestOpenAddressesNeedKeysAndTLS(t *testing.T) {
	t.Parallel()
	cert, key := issue(t, 1, time.Hour)
	shut, err := NewTLS(t.Context(), func(context.Context) (Material, error) { return Material{Cert: cert, Key: key}, nil }, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "10.1.2.3:0"} {
		for says, p := range map[string]Place{
			"any credentials": {Insecure: true, TLS: shut}, "--insecure": {Keys: true},
		} {
			p.Address = address
			_, err := Listen(t.Context(), p)
			require.ErrorContains(t, err, says, address)
			require.ErrorContains(t, err, "127.0.0.1", address)
		}
	}
	for _, p := range []Place{{Keys: true, TLS: shut}, {Keys: true, Insecure: true}} {
		p.Address = "0.0.0.0:0"
		l, err := Listen(t.Context(), p)
		require.NoError(t, err)
		require.NoError(t, l.Close())
	}
}
