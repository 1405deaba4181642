package logins_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/kafka"
	"gantry/mapping"
)

// road is a network by which alone the world can be reached: it knows the names that the
// configuration has for the token endpoint and the KDC.
type road struct {
	leads map[string]string

	mu      sync.Mutex
	dialled []string
}

var _ kafka.Networks = (*road)(nil)

// Dial implements kafka.Networks.
func (r *road) Dial(...string) (func(ctx context.Context, network, address string) (net.Conn, error), error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		r.mu.Lock()
		r.dialled = append(r.dialled, address)
		r.mu.Unlock()
		if to, ok := r.leads[address]; ok {
			address = to
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}, nil
}

// Plaintext implements kafka.Networks.
func (r *road) Plaintext(...string) bool { return false }

// What a login fetches from elsewhere comes by the way of the cluster's brokers.
func (w *world) throughNetwork(t *testing.T) {
	t.Helper()
	conf, err := os.ReadFile(w.kdc.Config)
	require.NoError(t, err)
	w.file(t, "far.conf", bytes.ReplaceAll(conf, []byte(w.kdc.Address), []byte("kdc.internal")))
	endpoint := strings.TrimSuffix(strings.TrimPrefix(w.idp.URL, "https://127.0.0.1:"), "/token")
	r := &road{leads: map[string]string{"kdc.internal:88": w.kdc.Address}}
	for _, v := range []way{
		{door: "oauth", sasl: `{mechanism: OAUTHBEARER, oauth: {tokenEndpoint: "IDP", ca: "file:DIR/idp.pem", clientId: gantry-client, clientSecret: "file:DIR/client-secret"}}`},
		{door: "kerberos", sasl: `{mechanism: GSSAPI, kerberos: {principal: gantry, keytab: DIR/gantry.keytab, config: DIR/far.conf}}`},
	} {
		entry := w.entry(t, v)
		entry.Network = []string{"subnet-1"}
		resolver := w.resolver(map[string]kafka.Config{"c": entry})
		resolver.Networks = r
		c, err := resolver.Resolve(t.Context(), mapping.Source{Cluster: "c"})
		require.NoError(t, err)
		require.NoError(t, ask(t, c))
	}
	require.Contains(t, r.dialled, "127.0.0.1:"+endpoint)
	require.Contains(t, r.dialled, "kdc.internal:88")
	require.True(t, slices.Contains(r.dialled, w.ListenerBrokers("oauth")[0]) && slices.Contains(r.dialled, w.ListenerBrokers("kerberos")[0]), r.dialled)
}
