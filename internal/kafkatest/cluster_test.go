package kafkatest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/youmark/pkcs8"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// Every version starts, and each door lets in whom it should and nobody else.
func TestClusterDoors(t *testing.T) {
	t.Parallel()
	Each(t, Supported(), func(t *testing.T, version string) {
		began := time.Now()
		c := Start(t, Options{Version: version, ACLs: true})
		up := time.Since(began)
		c.CreateTopic(t, "orders", 1, nil)
		c.Allow(t, UserName, ACL{Topics: []string{"orders"}, Operations: []kadm.ACLOperation{kadm.OpRead, kadm.OpWrite, kadm.OpDescribe}})
		t.Run("open", func(t *testing.T) { passes(t, c) })
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"} {
			login := Login{mechanism, UserName, UserPassword}
			t.Run(mechanism, func(t *testing.T) { passes(t, c, c.SASLOptions(login)...) })
			login.Password = "wrong"
			t.Run(mechanism+" wrong password", func(t *testing.T) {
				require.ErrorIs(t, ping(t, c.SASLOptions(login)), kerr.SaslAuthenticationFailed)
			})
		}
		t.Run("mTLS", func(t *testing.T) { passes(t, c, c.MTLSOptions(c.TLS.MutualConfig())...) })
		t.Run("mTLS without a certificate", func(t *testing.T) {
			require.Error(t, ping(t, c.MTLSOptions(c.TLS.ClientConfig())))
		})
		t.Run("mTLS stranger", func(t *testing.T) { require.Error(t, ping(t, c.MTLSOptions(stranger(t, c)))) })
		t.Run("CA not trusted", func(t *testing.T) {
			cfg := &tls.Config{RootCAs: x509.NewCertPool()}
			cfg.RootCAs.AppendCertsFromPEM(c.TLS.UntrustedCA.Bytes)
			var unknown x509.UnknownAuthorityError
			require.ErrorAs(t, ping(t, []kgo.Opt{kgo.SeedBrokers(c.SASLBrokers()...), kgo.DialTLSConfig(cfg)}), &unknown)
		})
		t.Logf("Kafka %s: %.1f s to start, %d MB resident", version, up.Seconds(), resident(t, c.Pid(1)))
	})
}

// passes writes a record as the door's user and reads it back.
func passes(t *testing.T, c *Cluster, opts ...kgo.Opt) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cl := c.Client(t, append(opts, kgo.DefaultProduceTopic("orders"), kgo.ConsumeTopics("orders"))...)
	require.NoError(t, cl.ProduceSync(ctx, kgo.StringRecord("a")).FirstErr())
	fs := cl.PollFetches(ctx)
	require.NoError(t, fs.Err())
	require.NotZero(t, fs.NumRecords())
}

func ping(t *testing.T, opts []kgo.Opt) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return openClient(t, append(opts, kgo.RequestRetries(0))).Ping(ctx)
}

func stranger(t *testing.T, c *Cluster) *tls.Config {
	pair, err := tls.X509KeyPair(c.TLS.Stranger.Bytes, c.TLS.StrangeKey.Bytes)
	require.NoError(t, err)
	cfg := c.TLS.ClientConfig()
	cfg.Certificates = []tls.Certificate{pair}
	return cfg
}

func resident(t *testing.T, pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	var kb int
	_, err = fmt.Sscan(after, &kb)
	require.NoError(t, err)
	return kb / 1024
}

func TestClusterACLs(t *testing.T) {
	t.Parallel()
	c := Start(t, Options{ACLs: true})
	c.CreateTopic(t, "orders", 1, nil)
	ProduceValues(t, c, "orders", 0, "a")
	read := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		cl := c.Client(t, append(c.SASLOptions(Login{}), kgo.ConsumeTopics("orders"))...)
		defer cl.Close()
		return cl.PollFetches(ctx).Err()
	}
	may := ACL{Topics: []string{"ord"}, Prefixed: true, Operations: []kadm.ACLOperation{kadm.OpRead, kadm.OpDescribe}}
	require.ErrorIs(t, read(), kerr.TopicAuthorizationFailed)
	c.Allow(t, UserName, may)
	require.NoError(t, read())
	undo := c.Deny(t, UserName, may)
	require.ErrorIs(t, read(), kerr.TopicAuthorizationFailed)
	undo()
	require.NoError(t, read())

	c.AddUser(t, "late", "late-secret")
	require.NoError(t, ping(t, c.SASLOptions(Login{"SCRAM-SHA-256", "late", "late-secret"})))
}

func TestClusterKeepsItsDataWhenABrokerIsKilled(t *testing.T) {
	t.Parallel()
	c := Start(t, Options{})
	c.CreateTopic(t, "orders", 1, nil)
	ProduceValues(t, c, "orders", 0, "a")
	cl := c.Client(t, member("orders")...)
	require.Equal(t, []string{"a"}, values(t, cl, 1))
	require.NoError(t, cl.CommitUncommittedOffsets(t.Context()))
	pid := c.Pid(1)
	c.KillBroker(1)
	began := time.Now()
	c.StartBroker(t, 1)
	t.Logf("serves clients %.1f s after its start", time.Since(began).Seconds())
	require.NotEqual(t, pid, c.Pid(1))
	ProduceValues(t, c, "orders", 0, "b")
	require.Equal(t, []string{"b"}, values(t, cl, 1))
	require.Equal(t, map[int32]int64{0: 1}, c.Committed(t, "g", "orders"))
	c.StopBroker(t, 1)
	c.StartBroker(t, 1)
}

func TestClusterOfThreeLosesNothingWithOneBroker(t *testing.T) {
	t.Parallel()
	c := Start(t, Options{Brokers: 3})
	c.CreateTopic(t, "orders", 3, map[string]string{"min.insync.replicas": "2"})
	cl := c.Client(t, member("orders")...)
	for p := range int32(3) {
		ProduceValues(t, c, "orders", p, "a")
	}
	require.Len(t, values(t, cl, 3), 3)
	c.KillBroker(2)
	for p := range int32(3) {
		ProduceValues(t, c, "orders", p, "b")
	}
	require.Equal(t, []string{"b", "b", "b"}, values(t, cl, 3))
	c.StartBroker(t, 2)
}

func TestClusterOperations(t *testing.T) {
	c, topic := Shared(t), Topic(t)
	require.Same(t, c, Shared(t))
	c.CreateTopic(t, topic, 1, map[string]string{"retention.ms": "60000"})
	ProduceValues(t, c, topic, 0, "a", "b", "c")
	c.Retain(t, topic, 0, 2)
	starts, err := c.Admin(t).ListStartOffsets(t.Context(), topic)
	require.NoError(t, err)
	start, _ := starts.Lookup(topic, 0)
	require.EqualValues(t, 2, start.Offset)

	group := Topic(t)
	c.Commit(t, group, topic, map[int32]int64{0: 2})
	require.Equal(t, map[int32]int64{0: 2}, c.Committed(t, group, topic))
	c.AddPartitions(t, topic, 3)
	c.Recreate(t, topic, 2)
	require.Empty(t, c.Committed(t, group, topic))
	c.Commit(t, group, topic, map[int32]int64{1: 0})
	c.Expire(t, group)
	require.Empty(t, c.Committed(t, group, topic))
}

func TestClusterAppliesShortRetention(t *testing.T) {
	c, topic := Shared(t), Topic(t)
	c.CreateTopic(t, topic, 1, map[string]string{"retention.ms": "100", "segment.ms": "50"})
	ProduceValues(t, c, topic, 0, "a", "b")
	adm := c.Admin(t)
	require.Eventually(t, func() bool {
		starts, err := adm.ListStartOffsets(t.Context(), topic)
		start, _ := starts.Lookup(topic, 0)
		return err == nil && start.Offset == 2
	}, 20*time.Second, 50*time.Millisecond)
}

// Kafka compares the name of the protocol where kfake compares all that was sent. A
// member that leads the group gets its partitions back as well, but kgo then joins once
// more when its own plan differs from the one the group has.
func TestClusterTakesAStaticMemberBackWithoutARebalance(t *testing.T) {
	t.Parallel()
	Each(t, Versions(), func(t *testing.T, version string) {
		c := Start(t, Options{Version: version})
		c.CreateTopic(t, "orders", 4, nil)
		adm := c.Admin(t)
		settled := func(shares ...int) func() bool {
			return func() bool {
				all, err := adm.DescribeGroups(t.Context(), "g")
				return err == nil && all["g"].State == "Stable" && slices.Equal(shares, owned(all["g"]))
			}
		}
		first := c.Client(t, member("orders", kgo.InstanceID("i-1"))...)
		require.Eventually(t, settled(4), 30*time.Second, 20*time.Millisecond)
		second := c.Client(t, member("orders", kgo.InstanceID("i-2"))...)
		require.Eventually(t, settled(2, 2), 30*time.Second, 20*time.Millisecond)
		_, before := first.GroupMetadata()
		for p := range int32(4) {
			ProduceValues(t, c, "orders", p, "x")
		}

		second.Close() // says nothing to the broker, as a crash does
		again := c.Client(t, member("orders", kgo.InstanceID("i-2"))...)
		require.Len(t, values(t, again, 2), 2)
		_, after := again.GroupMetadata()
		require.Equal(t, before, after, "a follower")

		first.Close()
		began := time.Now()
		leader := c.Client(t, member("orders", kgo.InstanceID("i-1"))...)
		require.Len(t, values(t, leader, 2), 2)
		require.Less(t, time.Since(began), 20*time.Second, "the session lasts 45 s")
	})
}

// owned counts the partitions of each member.
func owned(g kadm.DescribedGroup) []int {
	var all []int
	for _, m := range g.Members {
		if a, ok := m.Assigned.AsConsumer(); ok && len(a.Topics) == 1 {
			all = append(all, len(a.Topics[0].Partitions))
		}
	}
	return all
}

func TestClusterExpelsMembers(t *testing.T) {
	c, topic, group := Shared(t), Topic(t), Topic(t)
	c.CreateTopic(t, topic, 1, nil)
	ProduceValues(t, c, topic, 0, "a")
	cl := c.Client(t, member(topic, kgo.ConsumerGroup(group))...)
	values(t, cl, 1)
	c.Expel(t, group)
	err := cl.CommitUncommittedOffsets(t.Context())
	if !errors.Is(err, kerr.GroupIDNotFound) { // one without members and positions is gone within a second
		require.ErrorIs(t, err, kerr.UnknownMemberID)
	}
}

func TestCertificatesWithoutABroker(t *testing.T) {
	t.Parallel()
	c, err := makeCertificates(t.TempDir(), "localhost")
	require.NoError(t, err)
	roots := c.ClientConfig().RootCAs
	leaf, err := x509.ParseCertificate(decode(t, c.Client.Bytes))
	require.NoError(t, err)
	clientUse := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	_, err = leaf.Verify(clientUse)
	require.NoError(t, err)
	require.Equal(t, UserName, leaf.Subject.CommonName)
	outsider, err := x509.ParseCertificate(decode(t, c.Stranger.Bytes))
	require.NoError(t, err)
	_, err = outsider.Verify(clientUse)
	require.Error(t, err)
	_, err = pkcs8.ParsePKCS8PrivateKey(decode(t, c.EncryptedKey.Bytes), []byte(KeyPassword))
	require.NoError(t, err)
	_, err = pkcs8.ParsePKCS8PrivateKey(decode(t, c.EncryptedKey.Bytes), []byte("wrong"))
	require.Error(t, err)
	require.NotEmpty(t, c.MutualConfig().Certificates)
}

func decode(t *testing.T, text []byte) []byte {
	block, _ := pem.Decode(text)
	require.NotNil(t, block)
	return block.Bytes
}
