package kafka

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The keys in testdata are one key in many clothes, dressed by OpenSSL with the
// password below.
const keyPassword = "pä ss"

func fixture(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(text)
}

func TestKeysOfEveryFormAWSAndOpenSSLUse(t *testing.T) {
	t.Parallel()
	want, err := tls.LoadX509KeyPair("testdata/cert.pem", "testdata/plain.pem")
	require.NoError(t, err)
	for _, name := range []string{"plain.pem", "ec.pem", "PBE-MD5-DES.pem", "PBE-SHA1-DES.pem", "PBE-SHA1-3DES.pem", "PBE-SHA1-RC2.pem", "PBES2.pem"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pair, err := keyPair(fixture(t, "cert.pem"), fixture(t, name), keyPassword)
			require.NoError(t, err)
			require.Equal(t, want.PrivateKey, pair.PrivateKey)
		})
	}
}

func TestUnusableCertificatesAndKeysSayWhy(t *testing.T) {
	t.Parallel()
	cert, plain, pbes1 := fixture(t, "cert.pem"), fixture(t, "plain.pem"), fixture(t, "PBE-SHA1-3DES.pem")
	other, _ := authority(t, "other").issue(t, "client")
	for _, c := range []struct{ name, chain, key, password, want string }{
		{"no certificate", "hunter2", plain, "", "no PEM certificate"},
		{"a key as certificate", plain, plain, "", "no PEM certificate"},
		{"no key", cert, "hunter2", "", "no PEM key"},
		{"a certificate as key", cert, cert, "", "no PEM key"},
		{"no password", cert, pbes1, "", "no password"},
		{"wrong password", cert, pbes1, "hunter2", "password is wrong"},
		{"wrong password for PBES2", cert, fixture(t, "PBES2.pem"), "hunter2", "password is wrong"},
		{"wrong password, OpenSSL's own encryption", cert, fixture(t, "traditional-encrypted.pem"), "hunter2", "password is wrong"},
		{"another's key", other, plain, "", "does not match"},
		{"cut short", cert, strings.Replace(pbes1, "\n", "\nMEUwEAYKKoZIhvcNAQ", 1), keyPassword, "key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := keyPair(c.chain, c.key, c.password)
			require.ErrorIs(t, err, ErrCertificate)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
	_, err := roots(plain)
	require.ErrorIs(t, err, ErrCertificate)
	_, err = roots(strings.Replace(cert, "\nMII", "\nMIIx", 1))
	require.ErrorIs(t, err, ErrCertificate)
}
