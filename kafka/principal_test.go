package kafka

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// readyToken is a source of one token.
type readyToken struct {
	text string
	err  error
}

func (r readyToken) check(context.Context) error { return nil }

func (r readyToken) forget() {}

func (r readyToken) get(context.Context, string) (token, error) {
	return newToken(r.text, time.Now().Add(time.Hour)), r.err
}

func TestPrincipal(t *testing.T) {
	t.Parallel()
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{Subject: "svc-orders"}).SignedString([]byte("secret"))
	require.NoError(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "orders", Organization: []string{"shop"}}},
		&x509.Certificate{SerialNumber: big.NewInt(1)}, key.Public(), key)
	require.NoError(t, err)
	pair := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	shown := &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }}

	user := func(name string, err error) func(context.Context) (Login, error) {
		return func(context.Context) (Login, error) { return Login{User: name, Password: "p"}, err }
	}
	for name, tc := range map[string]struct {
		c    Cluster
		want string
	}{
		"nobody":                    {Cluster{}, "User:ANONYMOUS"},
		"TLS without a certificate": {Cluster{TLS: &tls.Config{}}, "User:ANONYMOUS"},
		"a certificate":             {Cluster{TLS: shown}, "User:CN=orders,O=shop"},
		"a password":                {Cluster{Mechanism: Plain, Login: user("u", nil), TLS: shown}, "User:u"},
		"a password that is away":   {Cluster{Mechanism: Plain, Login: user("", errors.New("down"))}, UnknownPrincipal},
		"a token":                   {Cluster{identity: bearer{tokenSource: readyToken{text: signed}}}, "User:svc-orders"},
		"a token that is no JWT":    {Cluster{identity: bearer{tokenSource: readyToken{text: "opaque"}}}, UnknownPrincipal},
		"a token that is away":      {Cluster{identity: bearer{tokenSource: readyToken{err: errors.New("down")}}}, UnknownPrincipal},
		"a ticket":                  {Cluster{identity: &kerberos{config: KerberosConfig{Principal: "gantry/host.example@EXAMPLE"}}}, "User:gantry"},
		"a cache that is not there": {Cluster{identity: &kerberos{config: KerberosConfig{Cache: "/none", Config: "/none"}}}, UnknownPrincipal},
	} {
		require.Equal(t, tc.want, tc.c.Principal(t.Context()), name)
	}
	require.Empty(t, ownerOf([]byte{5, 4, 0, 200, 1}), "a cache that was cut short")
}
