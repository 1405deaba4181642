package kafka

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/stretchr/testify/require"
)

// Red Hat's krb5.conf includes a folder, and its files have sections the others have too.
func TestKerberosConfigurationWithWhatItIncludes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	write("krb5.conf", "# a comment\nincludedir "+dir+"/krb5.conf.d/\n[libdefaults]\n  default_realm = ONE.TEST\n  default_ccache_name = KEYRING:persistent:%{uid}\n"+
		"[realms]\n ONE.TEST = {\n  kdc = one.test:88\n  auth_to_local = DEFAULT\n }\n[plugins]\n x = y\ninclude "+dir+"/more\n")
	write("krb5.conf.d/crypto-policies", "[libdefaults]\npermitted_enctypes = aes256-cts-hmac-sha1-96\n")
	write("krb5.conf.d/two.conf", "[realms]\n TWO.TEST = {\n  kdc = two.test\n }\n")
	write("krb5.conf.d/old.conf.rpmsave", "[libdefaults]\ndefault_realm = OLD.TEST\n")
	write("more", "[domain_realm]\n .two.test = TWO.TEST\n")
	text, err := readKerberosConfig(filepath.Join(dir, "krb5.conf"))
	require.NoError(t, err)
	conf, err := parseKerberosConfig(text)
	require.NoError(t, err)
	require.Equal(t, "ONE.TEST", conf.LibDefaults.DefaultRealm)
	require.Equal(t, "TWO.TEST", conf.ResolveRealm("kafka.two.test"))
	for realm, kdc := range map[string]string{"ONE.TEST": "one.test:88", "TWO.TEST": "two.test:88"} {
		_, kdcs, err := conf.GetKDCs(realm, true)
		require.NoError(t, err, realm)
		require.Equal(t, kdc, kdcs[1])
	}

	write("loop", "include "+dir+"/loop\n")
	_, err = readKerberosConfig(filepath.Join(dir, "loop"))
	require.ErrorContains(t, err, "include each other")
	_, err = readKerberosConfig(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// What a KDC sends comes back through the dialer, whichever KDC of the realm is asked.
func TestTheWayToTheKDCLeadsThroughTheDialer(t *testing.T) {
	t.Parallel()
	dialled := make(chan string, 2)
	echo := func(_ context.Context, _, address string) (net.Conn, error) {
		dialled <- address
		if address == "shut.test:88" {
			return nil, errors.New("no way")
		}
		near, far := net.Pipe()
		go func() {
			_, _ = io.Copy(far, far)
			_ = far.Close()
		}()
		return near, nil
	}
	conf := config.New()
	conf.LibDefaults.DNSLookupKDC = true
	conf.Realms = []config.Realm{{Realm: "R", KDC: []string{"kdc.test:750", "shut.test"}}}
	r := newRelay(echo)
	t.Cleanup(r.close)
	require.NoError(t, r.stand(conf))
	require.Equal(t, 1, conf.LibDefaults.UDPPreferenceLimit, "TCP alone")
	require.False(t, conf.LibDefaults.DNSLookupKDC, "what DNS names is reached past the dialer")

	conn, err := net.Dial("tcp", conf.Realms[0].KDC[0])
	require.NoError(t, err)
	_, err = conn.Write([]byte("AS-REQ"))
	require.NoError(t, err)
	answer := make([]byte, 6)
	_, err = io.ReadFull(conn, answer)
	require.NoError(t, err)
	require.Equal(t, "AS-REQ", string(answer))

	shut, err := net.Dial("tcp", conf.Realms[0].KDC[1])
	require.NoError(t, err)
	_, err = shut.Read(answer)
	require.Error(t, err)
	require.Equal(t, []string{"kdc.test:750", "shut.test:88"}, []string{<-dialled, <-dialled})
	failed := &KerberosError{Attempt: "get a ticket", Err: errors.New("no KDC answered")}
	r.explain(failed)
	require.EqualError(t, failed, "get a ticket: no KDC answered (no way)", "of the KDC that was reached nothing is said")

	r.close()
	_, err = conn.Read(answer)
	require.Error(t, err, "what still runs ends with the relay")
	_, err = net.Dial("tcp", conf.Realms[0].KDC[0])
	require.Error(t, err)
	r.close()
}

// Files that were cut short, or are of another kind, are an error and no panic.
func TestDamagedFilesOfKerberos(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	conf := filepath.Join(dir, "krb5.conf")
	require.NoError(t, os.WriteFile(conf, []byte("[libdefaults]\ndefault_realm = R\n"), 0o600))
	for _, content := range []string{"", "\x05", "\x05\x02", "\x05\x02\x00\x00\x00\x50ab", "\x05\x04\x00\x0c", "-----BEGIN CERTIFICATE-----"} {
		path := filepath.Join(dir, "file")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		for _, c := range []KerberosConfig{{Config: conf, Principal: "a", Keytab: path}, {Config: conf, Cache: path}} {
			err := entrance{}.kerberosIdentity(c).check(t.Context())
			var failed *KerberosError
			require.ErrorAs(t, err, &failed, "%q", content)
			require.Equal(t, FileUnusable, failed.Kind)
		}
	}
}
