package kafka

import (
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/mapping"
)

// fake starts an in-memory cluster on loopback and gives its addresses.
func fake(t *testing.T, opts ...kfake.Opt) (*kfake.Cluster, []string) {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	addresses := c.ListenAddrs()
	return c, addresses
}

func check(t *testing.T, c Cluster) error {
	t.Helper()
	admin, err := Open(c)
	require.NoError(t, err)
	defer admin.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return admin.Check(ctx)
}

func logins(user, password string) *vault {
	return &vault{fields: map[string]map[string]string{"user": {"username": user, "password": password}}}
}

func TestEachWayToLogInWorks(t *testing.T) {
	t.Parallel()
	servers, clients := authority(t, "servers"), authority(t, "clients")
	for _, c := range []struct {
		access    string
		mechanism Mechanism
	}{{mapping.BasicAuth, Plain}, {mapping.ScramSHA256, ScramSHA256}, {mapping.ScramSHA512, ScramSHA512}} {
		t.Run(c.access, func(t *testing.T) {
			t.Parallel()
			_, brokers := fake(t, kfake.EnableSASL(), kfake.Superuser(string(c.mechanism), "ann", "pw"), kfake.TLS(servers.server(t, "127.0.0.1", nil)))
			secrets := logins("ann", "pw")
			secrets.fields["ca"] = map[string]string{"certificate": servers.pem}
			cluster, err := Resolver{Secrets: secrets}.Resolve(t.Context(), with(bootstrap(brokers...), c.access, "user", mapping.ServerRootCA, "ca"))
			require.NoError(t, err)
			require.NoError(t, check(t, cluster))
			require.Empty(t, secrets.forgotten)
		})
	}
	t.Run(mapping.ClientTLS, func(t *testing.T) {
		t.Parallel()
		_, brokers := fake(t, kfake.TLS(servers.server(t, "127.0.0.1", clients)))
		chain, key := clients.issue(t, "gantry")
		secrets := &vault{fields: map[string]map[string]string{
			"ca": {"certificate": servers.pem}, "cert": {"certificate": chain, "privateKey": key},
		}}
		cluster, err := Resolver{Secrets: secrets}.Resolve(t.Context(), with(bootstrap(brokers...), mapping.ClientTLS, "cert", mapping.ServerRootCA, "ca"))
		require.NoError(t, err)
		require.NoError(t, check(t, cluster))
	})
}

func TestWhatGoesWrongWithAConnection(t *testing.T) {
	t.Parallel()
	servers, clients := authority(t, "servers"), authority(t, "clients")
	_, sasl := fake(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "ann", "pw"), kfake.TLS(servers.server(t, "127.0.0.1", nil)))
	_, mtls := fake(t, kfake.TLS(servers.server(t, "127.0.0.1", clients)))
	tls12 := servers.server(t, "127.0.0.1", clients)
	tls12.MaxVersion = tls.VersionTLS12
	_, mtls12 := fake(t, kfake.TLS(tls12))
	_, elsewhere := fake(t, kfake.TLS(servers.server(t, "kafka-1.example", nil)))
	oldChain, oldKey := servers.issueUntil(t, "127.0.0.1", time.Now().Add(-time.Minute))
	_, expired := fake(t, kfake.TLS(serverConfig(t, oldChain, oldKey, nil)))
	tls13 := servers.server(t, "127.0.0.1", nil)
	tls13.MaxVersion = tls.VersionTLS11
	_, ancient := fake(t, kfake.TLS(tls13))
	plaintext := closing(t)
	_, naked := fake(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "pw"))

	chain, key := authority(t, "strangers").issue(t, "stranger")
	secrets := &vault{fields: map[string]map[string]string{
		"user": {"username": "ann", "password": "pw"}, "wrong": {"username": "ann", "password": "hunter2"},
		"ca": {"certificate": servers.pem}, "clients": {"certificate": clients.pem}, "stranger": {"certificate": chain, "privateKey": key},
	}}
	ca := []string{mapping.ServerRootCA, "ca"}
	for _, c := range []struct {
		name    string
		src     mapping.Source
		problem string
		reason  string
		cause   string
	}{
		{"wrong password", with(bootstrap(sasl...), append(ca, mapping.ScramSHA512, "wrong")...), mapping.ProblemSASL, mapping.ReasonSourceAuthn, "without saying why"},
		{"wrong mechanism", with(bootstrap(sasl...), append(ca, mapping.BasicAuth, "user")...), mapping.ProblemSASL, mapping.ReasonSourceAuthn, "without saying why"},
		{"no login", with(bootstrap(sasl...), ca...), mapping.ProblemConnection, "", "did not speak SSL"},
		{"no login, no TLS", bootstrap(naked...), mapping.ProblemConnection, "", "did not speak PLAINTEXT"},
		{"untrusted authority", with(bootstrap(sasl...), mapping.ScramSHA512, "user"), mapping.ProblemAuthServer, mapping.ReasonSourceAuthn, "not signed by a trusted authority"},
		{"wrong CA", with(bootstrap(sasl...), mapping.ServerRootCA, "clients"), mapping.ProblemAuthServer, mapping.ReasonSourceAuthn, "not signed by a trusted authority"},
		{"another name", with(bootstrap(elsewhere...), ca...), mapping.ProblemAuthServer, mapping.ReasonSourceAuthn, "for another name"},
		{"expired", with(bootstrap(expired...), ca...), mapping.ProblemAuthServer, mapping.ReasonSourceAuthn, "has expired"},
		{"no client certificate", with(bootstrap(mtls...), ca...), mapping.ProblemServerAuth, mapping.ReasonSourceAuthn, "or got none"},
		{"no client certificate, TLS 1.2", with(bootstrap(mtls12...), ca...), mapping.ProblemServerAuth, mapping.ReasonSourceAuthn, "or got none"},
		{"a stranger's certificate", with(bootstrap(mtls...), append(ca, mapping.ClientTLS, "stranger")...), mapping.ProblemServerAuth, mapping.ReasonSourceAuthn, "did not accept"},
		{"TLS too old", with(bootstrap(ancient...), ca...), mapping.ProblemConnection, "", "ended the TLS handshake"},
		{"TLS to a plaintext port", with(bootstrap(plaintext), ca...), mapping.ProblemConnection, "", "did not speak SSL"},
		{"plaintext to a TLS port", bootstrap(elsewhere...), mapping.ProblemConnection, "", "did not speak PLAINTEXT"},
		{"nobody there", bootstrap(closedPort), mapping.ProblemConnection, "", "nothing listens"},
		{"unknown name", mapping.Source{Bootstrap: []string{"kafka.invalid:9092"}, AllowPlaintext: true}, mapping.ProblemConnection, "", "name kafka.invalid could not be resolved"},
		{"login says more than a dead broker", with(bootstrap(append([]string{closedPort}, sasl...)...), append(ca, mapping.ScramSHA512, "wrong")...), mapping.ProblemSASL, mapping.ReasonSourceAuthn, "without saying why"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cluster, err := Resolver{Secrets: secrets}.Resolve(t.Context(), c.src)
			require.NoError(t, err)
			began := time.Now()
			err = check(t, cluster)
			require.Error(t, err)
			require.Less(t, time.Since(began), 4*time.Second, "it must fail fast")
			d := Diagnose(err)
			require.Equal(t, c.problem, d.Problem, "%v", err)
			require.Equal(t, c.reason, d.Reason)
			require.Contains(t, d.Cause, c.cause)
			require.NotEmpty(t, d.Try)
			require.NotContains(t, d.Cause+d.Try, "hunter2")
			require.Contains(t, d.Cause, cluster.Brokers[0], "the cause names the broker")
		})
	}
}

// closing answers as Kafka's plaintext port answers a TLS hello: it hangs up.
func closing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

// closedPort is nobody's: one that was just closed may be another test's a moment later.
const closedPort = "127.0.0.1:1"

func TestOneBrokerThatAnswersIsEnough(t *testing.T) {
	t.Parallel()
	_, brokers := fake(t)
	require.NoError(t, check(t, Cluster{Brokers: append([]string{closedPort, "kafka.invalid:9092"}, brokers...)}))
}

func TestASilentBrokerEndsWithTheDeadline(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	admin, err := Open(Cluster{Brokers: []string{l.Addr().String()}})
	require.NoError(t, err)
	defer admin.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	d := Diagnose(admin.Check(ctx))
	require.Equal(t, mapping.ProblemConnection, d.Problem)
	require.Contains(t, d.Cause, "did not answer in time")
	require.Contains(t, d.Cause, l.Addr().String())
}

// A bootstrap address that works says nothing about the addresses brokers advertise.
func TestAdvertisedAddressesAreTriedToo(t *testing.T) {
	t.Parallel()
	_, brokers := fake(t)
	c := Cluster{Brokers: []string{"bootstrap:9092"}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == "bootstrap:9092" {
			return (&net.Dialer{}).DialContext(ctx, network, brokers[0])
		}
		return (&net.Dialer{}).DialContext(ctx, network, closedPort)
	}}
	err := check(t, c)
	var advertised *AdvertisedError
	require.ErrorAs(t, err, &advertised)
	require.Contains(t, Diagnose(err).Try, "advertised.listeners")
	require.Contains(t, Diagnose(err).Cause, brokers[0])
}

// A password is changed in the cluster and at the secret's place, in this order. The
// kept one is refused once, forgotten, and the new one works without a new client.
func TestARotatedPasswordIsPickedUp(t *testing.T) {
	t.Parallel()
	_, brokers := fake(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "new"))
	secrets := logins("ann", "old")
	secrets.onForget = func() { secrets.fields["user"]["password"] = "new" }
	cluster, err := Resolver{
		Secrets:  secrets,
		Clusters: map[string]Config{"c": {Brokers: brokers, SASL: &SASLConfig{Mechanism: Plain, Secret: "user"}, AllowPlaintext: true}},
	}.Resolve(t.Context(), mapping.Source{Cluster: "c"})
	require.NoError(t, err)

	var refused, connected atomic.Int64
	cluster.OnConnect = func(_ string, err error) {
		if err == nil {
			connected.Add(1)
		} else if Diagnose(err).Problem == mapping.ProblemSASL {
			refused.Add(1)
		}
	}
	require.NoError(t, check(t, cluster))
	require.Equal(t, []string{"user"}, secrets.forgotten)
	require.EqualValues(t, 1, refused.Load())
	require.Positive(t, connected.Load())
}

// A new authority and a new client certificate are used by the next connection of a
// client that is already open.
func TestRotatedCertificatesArePickedUp(t *testing.T) {
	t.Parallel()
	servers, clients := authority(t, "servers"), authority(t, "clients")
	_, brokers := fake(t, kfake.TLS(servers.server(t, "127.0.0.1", clients)))
	chain, key := clients.issue(t, "gantry")
	oldChain, oldKey := authority(t, "old").issue(t, "gantry")
	secrets := &vault{fields: map[string]map[string]string{
		"ca": {"certificate": clients.pem}, "cert": {"certificate": oldChain, "privateKey": oldKey},
	}}
	cluster, err := Resolver{Secrets: secrets}.Resolve(t.Context(), with(bootstrap(brokers...), mapping.ClientTLS, "cert", mapping.ServerRootCA, "ca"))
	require.NoError(t, err)
	admin, err := Open(cluster)
	require.NoError(t, err)
	defer admin.Close()

	require.Equal(t, mapping.ProblemAuthServer, Diagnose(admin.Check(t.Context())).Problem)
	secrets.fields["ca"] = map[string]string{"certificate": servers.pem}
	require.Equal(t, mapping.ProblemServerAuth, Diagnose(admin.Check(t.Context())).Problem)
	secrets.fields["cert"] = map[string]string{"certificate": chain, "privateKey": key}
	require.NoError(t, admin.Check(t.Context()))
}

func TestASecretThatIsGoneAtConnectTime(t *testing.T) {
	t.Parallel()
	_, brokers := fake(t, kfake.EnableSASL())
	secrets := logins("ann", "pw")
	cluster, err := Resolver{Secrets: secrets, Clusters: map[string]Config{
		"c": {Brokers: brokers, SASL: &SASLConfig{Mechanism: Plain, Secret: "user"}, AllowPlaintext: true},
	}}.Resolve(t.Context(), mapping.Source{Cluster: "c"})
	require.NoError(t, err)
	delete(secrets.fields, "user")
	d := Diagnose(check(t, cluster))
	require.Equal(t, mapping.ProblemConnection, d.Problem)
	require.Equal(t, mapping.ReasonSourceAuthn, d.Reason)
	require.Contains(t, d.Cause, "read the secret user")
}

func TestOptionsReachTheCluster(t *testing.T) {
	t.Parallel()
	_, brokers := fake(t, kfake.SeedTopics(1, "orders"))
	client, err := kgo.NewClient(append(Cluster{Brokers: brokers}.Options(), kgo.ConsumeTopics("orders"))...)
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.Ping(t.Context()))
	_, port, _ := strings.Cut(brokers[0], ":")
	_, err = strconv.Atoi(port)
	require.NoError(t, err)
}
