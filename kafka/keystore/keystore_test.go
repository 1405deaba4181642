package keystore_test

import (
	"crypto/tls"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/kafka/keystore"
)

const (
	changeit = "changeit"
	other    = "pä sswort"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return text
}

// pair gives key and chain as crypto/tls takes them, which proves that they fit.
func pair(t *testing.T, chain, key string) tls.Certificate {
	t.Helper()
	p, err := tls.X509KeyPair([]byte(chain), []byte(key))
	require.NoError(t, err)
	return p
}

func TestIdentitiesOfEveryStore(t *testing.T) {
	t.Parallel()
	want := pair(t, string(read(t, "chain.pem")), string(read(t, "plain.pem")))
	for name, p := range map[string]keystore.Passwords{
		"openssl.p12": {Store: changeit}, "openssl-legacy.p12": {Store: changeit},
		"keytool.p12": {Store: changeit}, "keytool-legacy.p12": {Store: changeit, Key: changeit},
		"keytool.jks": {Store: changeit}, "own-password.jks": {Store: changeit, Key: other}, "umlaut.jks": {Store: other, Key: changeit},
		"with-root.jks": {Store: changeit}, "with-root.p12": {Store: changeit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := keystore.Identity(read(t, name), p)
			require.NoError(t, err)
			require.Contains(t, got.Key, "BEGIN PRIVATE KEY")
			made := pair(t, got.Chain, got.Key)
			require.Equal(t, want.PrivateKey, made.PrivateKey)
			require.Equal(t, want.Certificate, made.Certificate, "the owner's first, then who signed it")
		})
	}
}

func TestWhatStoresTrust(t *testing.T) {
	t.Parallel()
	root := string(read(t, "ca.pem"))
	cert := string(read(t, "cert.pem"))
	for _, c := range []struct {
		name, password string
		want           []string
	}{
		{"trust.jks", changeit, []string{root}},
		{"trust.jks", "", []string{root}}, // Java reads it without a password too
		{"trust.p12", changeit, []string{root}},
		{"trust-legacy.p12", changeit, []string{root}},
		{"with-root.jks", changeit, []string{root, cert}},
	} {
		t.Run(c.name+" "+c.password, func(t *testing.T) {
			t.Parallel()
			got, err := keystore.Trusted(read(t, c.name), c.password)
			require.NoError(t, err)
			for _, w := range c.want {
				require.Contains(t, got, w)
			}
			require.Equal(t, len(c.want), strings.Count(got, "BEGIN CERTIFICATE"))
		})
	}
}

func TestStoresThatCannotBeUsedSayWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		keystore.Passwords
		trust bool
		want  string
	}{
		{"keytool.jks", keystore.Passwords{Store: "hunter2"}, false, "password is wrong"},
		{"own-password.jks", keystore.Passwords{Store: changeit}, false, "open key me: its password is wrong"},
		{"keytool.p12", keystore.Passwords{Store: "hunter2"}, false, "password is wrong"},
		{"openssl.p12", keystore.Passwords{}, false, "password is wrong"},
		{"keytool.p12", keystore.Passwords{Store: changeit, Key: "hunter2"}, false, "password of its own"},
		{"two-keys.jks", keystore.Passwords{Store: changeit}, false, "2 private keys (me, other)"},
		{"two-keys.p12", keystore.Passwords{Store: changeit}, false, "more than one private key"},
		{"trust.jks", keystore.Passwords{Store: changeit}, false, "no private key"},
		{"trust.p12", keystore.Passwords{Store: changeit}, false, "no private key"},
		{"keytool.jceks", keystore.Passwords{Store: changeit}, false, "JCEKS"},
		{"chain.pem", keystore.Passwords{}, true, "it is PEM"},
		{"make.sh", keystore.Passwords{}, true, "neither a JKS nor a PKCS#12"},
		{"trust.jks", keystore.Passwords{Store: "hunter2"}, true, "password is wrong"},
		{"trust-unmarked.p12", keystore.Passwords{Store: changeit}, true, "not marked as trusted"},
		{"with-root.p12", keystore.Passwords{Store: changeit}, true, "holds a private key as well"},
	} {
		t.Run(c.name+" "+c.want, func(t *testing.T) {
			t.Parallel()
			var err error
			if c.trust {
				_, err = keystore.Trusted(read(t, c.name), c.Store)
			} else {
				_, err = keystore.Identity(read(t, c.name), c.Passwords)
			}
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
	_, err := keystore.Trusted(nil, "")
	require.ErrorContains(t, err, "empty")
}

// TestKeysInEveryEncryption opens one key in each encryption OpenSSL can put it in.
func TestKeysInEveryEncryption(t *testing.T) {
	t.Parallel()
	want := pair(t, string(read(t, "cert.pem")), string(read(t, "plain.pem"))).PrivateKey
	files, err := filepath.Glob("testdata/key-*.pem")
	require.NoError(t, err)
	require.Len(t, files, 24)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text := string(read(t, filepath.Base(file)))
			got, err := keystore.OpenKey(text, other)
			require.NoError(t, err)
			require.Equal(t, want, pair(t, string(read(t, "cert.pem")), string(got)).PrivateKey)
			_, err = keystore.OpenKey(text, "hunter2")
			require.ErrorContains(t, err, "password is wrong")
			_, err = keystore.OpenKey(text, "")
			require.ErrorContains(t, err, "no password")
		})
	}
	got, err := keystore.OpenKey(string(read(t, "ec-traditional.pem")), other)
	require.NoError(t, err)
	require.Contains(t, string(got), "BEGIN EC PRIVATE KEY")
}

// TestTidy holds PEM to what properties files make of it: one line, blanks for line breaks.
func TestTidy(t *testing.T) {
	t.Parallel()
	chain := string(read(t, "chain.pem"))
	for _, broken := range []string{
		strings.ReplaceAll(chain, "\n", " "),
		strings.ReplaceAll(chain, "\n", ""),
		strings.ReplaceAll(chain, "\n", "\r\n"),
		"subject=/CN=x\n" + chain,
	} {
		require.Equal(t, chain, keystore.Tidy(broken))
	}
	traditional := string(read(t, "key-traditional-aes256.pem"))
	require.Equal(t, traditional, keystore.Tidy(traditional))
	require.Empty(t, keystore.Tidy("hunter2"))
	require.Empty(t, keystore.Tidy("-----BEGIN X-----\n!!!\n-----END X-----"))
}

// FuzzStore: whatever a JKS file holds, reading it ends in an answer, and what it gives
// can be read as PEM.
func FuzzStore(f *testing.F) {
	for _, name := range []string{"keytool.jks", "own-password.jks", "with-root.jks", "two-keys.jks", "trust.jks", "keytool.jceks"} {
		f.Add(read(f, name), changeit, other)
		f.Add(read(f, name), "", changeit)
	}
	f.Fuzz(func(t *testing.T, store []byte, password, key string) {
		if len(store) > 0 && store[0] == 0x30 {
			t.Skip("PKCS#12 is the library's; its key derivation may be asked to take minutes")
		}
		if trusted, err := keystore.Trusted(store, password); err == nil {
			whole(t, trusted)
		}
		if pair, err := keystore.Identity(store, keystore.Passwords{Store: password, Key: key}); err == nil {
			whole(t, pair.Chain)
			whole(t, pair.Key)
		}
	})
}

func whole(t *testing.T, text string) {
	for rest := []byte(text); len(rest) > 0; {
		var b *pem.Block
		b, rest = pem.Decode(rest)
		require.NotNil(t, b)
	}
}

// FuzzKey: whatever an encrypted key says of its encryption, it ends in an answer.
func FuzzKey(f *testing.F) {
	files, err := filepath.Glob("testdata/key-*.pem")
	require.NoError(f, err)
	for _, file := range slices.Sorted(slices.Values(files)) {
		b, _ := pem.Decode(read(f, filepath.Base(file)))
		f.Add(b.Bytes[:min(len(b.Bytes), 200)], other) // enough for all its parameters
	}
	f.Fuzz(func(_ *testing.T, der []byte, password string) {
		text := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})
		_, _ = keystore.OpenKey(string(text), password)
	})
}
