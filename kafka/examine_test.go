package kafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"gantry/mapping"
)

// ended gives the one step whose text begins so.
func ended(t *testing.T, steps []Step, what string) Step {
	t.Helper()
	for _, s := range steps {
		if strings.HasPrefix(s.What, what) {
			return s
		}
	}
	t.Fatalf("no step %q in %+v", what, steps)
	return Step{}
}

func TestAClusterThatIsWellPassesEveryStep(t *testing.T) {
	t.Parallel()
	servers := authority(t, "servers")
	chain, key := servers.issueUntil(t, "127.0.0.1", time.Now().Add(90*24*time.Hour))
	_, brokers := fake(t, kfake.EnableSASL(), kfake.Superuser(string(Plain), "ann", "pw"), kfake.TLS(serverConfig(t, chain, key, nil)), kfake.SeedTopics(2, "orders"))
	secrets := logins("ann", "pw")
	secrets.fields["ca"] = map[string]string{"certificate": servers.pem}
	c, err := Resolver{Secrets: secrets}.Resolve(t.Context(), with(bootstrap(brokers...), mapping.BasicAuth, "user", mapping.ServerRootCA, "ca"))
	require.NoError(t, err)
	steps := Examine(t.Context(), c, []Need{{Resource: "topic", Name: "orders", Operation: "Read"}, {Resource: "group", Name: "g", Operation: "Read"}})
	for _, s := range steps {
		require.NotEqual(t, Failed, s.Result, "%+v", s)
	}
	require.Contains(t, ended(t, steps, "TLS handshake").Detail, "the certificate is for 127.0.0.1, by CN=servers")
	require.Contains(t, ended(t, steps, "log in to "+brokers[0]+" with PLAIN").Detail, "SASL_SSL")
	require.Contains(t, ended(t, steps, "ask the cluster").Detail, "is advertised as "+brokers[0])
	require.Contains(t, ended(t, steps, "look at topic orders").Detail, "2 partitions")
	require.Equal(t, Passed, ended(t, steps, "permission: Read on group g").Result)
	require.NotContains(t, fmt.Sprint(steps), "pw ")
}

// What is wrong with TLS and logins, each at the step it shows at.
func TestWhatIsWrongShowsAtItsStep(t *testing.T) {
	t.Parallel()
	good, other := authority(t, "good"), authority(t, "other")
	late := func(end time.Time) *tls.Config {
		chain, key := good.issueUntil(t, "127.0.0.1", end)
		return serverConfig(t, chain, key, nil)
	}
	login := func(user, password string) func(context.Context) (Login, error) {
		return func(context.Context) (Login, error) { return Login{User: user, Password: password}, nil }
	}
	for _, c := range []struct {
		name   string
		server *tls.Config
		step   string
		result Result
		detail string
		try    string
	}{
		{"another name", good.server(t, "kafka-1.example", nil), "TLS handshake", Failed, "kafka-1.example", "advertised.listeners"},
		{"expired", late(time.Now().Add(-time.Minute)), "TLS handshake", Failed, "expired", "clock"},
		{"untrusted", other.server(t, "127.0.0.1", nil), "TLS handshake", Failed, "not signed by a trusted authority", "tls.ca"},
		{"expires soon", late(time.Now().Add(24 * time.Hour)), "TLS handshake", Warning, "until", "renewed before"},
		{"wrong password", late(time.Now().Add(90 * 24 * time.Hour)), "log in to", Failed, "ended the login", "check user, password"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, brokers := fake(t, kfake.EnableSASL(), kfake.Superuser(string(Plain), "ann", "pw"), kfake.TLS(c.server))
			secrets := logins("ann", "wrong")
			secrets.fields["ca"] = map[string]string{"certificate": good.pem}
			cluster, err := Resolver{Secrets: secrets}.Resolve(t.Context(), with(bootstrap(brokers...), mapping.BasicAuth, "user", mapping.ServerRootCA, "ca"))
			require.NoError(t, err)
			s := ended(t, Examine(t.Context(), cluster, nil), c.step)
			require.Equal(t, c.result, s.Result, "%+v", s)
			require.Contains(t, s.Detail, c.detail)
			require.Contains(t, s.Try, c.try)
		})
	}
	t.Run("no such name", func(t *testing.T) {
		t.Parallel()
		steps := Examine(t.Context(), Cluster{Brokers: []string{"nowhere.invalid:9092"}}, nil)
		s := ended(t, steps, "resolve bootstrap server nowhere.invalid:9092")
		require.Equal(t, Failed, s.Result)
		require.Contains(t, s.Try, "DNS")
		require.Equal(t, Skipped, ended(t, steps, "ask the cluster").Result)
	})
	t.Run("nothing listens", func(t *testing.T) {
		t.Parallel()
		s := ended(t, Examine(t.Context(), Cluster{Brokers: []string{closedPort}, Login: login("a", "b"), Mechanism: Plain}, nil), "connect to bootstrap server")
		require.Equal(t, Failed, s.Result)
		require.Contains(t, s.Detail, "nothing listens")
	})
}

// A bootstrap server answers, and what it advertises can't be resolved, or be reached.
func TestAdvertisedListenersAreTriedByName(t *testing.T) {
	t.Parallel()
	f, brokers := fake(t)
	host := "nowhere.invalid"
	f.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		b := kmsg.NewMetadataResponseBroker()
		b.NodeID, b.Host, b.Port = 0, host, 9092
		resp.Brokers = append(resp.Brokers, b)
		return resp, nil, true
	})
	steps := Examine(t.Context(), Cluster{Brokers: brokers}, nil)
	s := ended(t, steps, "resolve advertised as nowhere.invalid:9092")
	require.Equal(t, Failed, s.Result)
	require.Contains(t, s.Detail, "nowhere.invalid")
	require.Contains(t, ended(t, steps, "look at topics, groups and permissions").Try, "advertised.listeners")
}

// A missing permission is named: which operation on which resource.
func TestAMissingACLIsNamed(t *testing.T) {
	t.Parallel()
	const topic, group = kmsg.ACLResourceTypeTopic, kmsg.ACLResourceTypeGroup
	_, brokers := fake(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.SeedTopics(1, "orders", "dark", "seen"), kfake.Superuser("PLAIN", "root", "pw"),
		kfake.User("PLAIN", "ann", "pw", allow(topic, "orders", kmsg.ACLOperationRead), allow(topic, "seen", kmsg.ACLOperationDescribe), allow(group, "mine", kmsg.ACLOperationRead)))
	c := Cluster{Brokers: brokers, Mechanism: Plain, Login: func(context.Context) (Login, error) { return Login{User: "ann", Password: "pw"}, nil }}
	steps := Examine(t.Context(), c, []Need{
		{Resource: "topic", Name: "orders", Operation: "Read"}, {Resource: "topic", Name: "orders", Operation: "DescribeConfigs", Optional: true},
		{Resource: "topic", Name: "dark", Operation: "Read"}, {Resource: "topic", Name: "seen", Operation: "Write"},
		{Resource: "group", Name: "mine", Operation: "Read"}, {Resource: "group", Name: "theirs", Operation: "Read"},
	})
	for what, want := range map[string]Result{
		"permission: Read on topic orders": Passed, "permission: DescribeConfigs on topic orders": Warning, "permission: Read on topic dark": Failed,
		"permission: Write on topic seen": Failed, "permission: Read on group mine": Passed, "permission: Read on group theirs": Failed,
	} {
		s := ended(t, steps, what)
		require.Equal(t, want, s.Result, "%+v", s)
		if want != Passed {
			require.Contains(t, s.Detail, "missing ACL: "+strings.TrimPrefix(what, "permission: "))
			require.Contains(t, s.Try, "kafka-acls")
		}
	}
}

func TestAClockThatIsAheadIsNamed(t *testing.T) {
	t.Parallel()
	_, brokers := fake(t, kfake.SeedTopics(1, "orders"))
	cl := newClient(t, brokers)
	require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Timestamp: time.Now().Add(time.Hour + time.Second)}).FirstErr())
	s := ended(t, Examine(t.Context(), Cluster{Brokers: brokers}, []Need{{Resource: "topic", Name: "orders", Operation: "Read"}}), "compare clocks")
	require.Equal(t, Warning, s.Result, "%+v", s)
	require.Contains(t, s.Detail, "orders-0 is 1h0m0.")
	require.Contains(t, s.Try, "NTP")
}

func TestRecordsAreReadWithoutAGroup(t *testing.T) {
	t.Parallel()
	_, brokers := fake(t, kfake.SeedTopics(1, "orders"))
	cl := newClient(t, brokers)
	for i := range 5 {
		require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "orders", Key: []byte("k"), Value: fmt.Append(nil, i), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("x")}}}).FirstErr())
	}
	a := openAdmin(t, Cluster{Brokers: brokers})
	got, err := a.Records(t.Context(), Reading{Topic: "orders", Offset: 2, Count: 2})
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, []any{int64(2), "2", "k", "h"}, []any{got[0].Offset, string(got[0].Value), string(got[0].Key), got[0].Headers[0].Key})
	got, err = a.Records(t.Context(), Reading{Topic: "orders", Offset: 4, Count: 9})
	require.NoError(t, err)
	require.Len(t, got, 1)
	_, err = a.Records(t.Context(), Reading{Topic: "orders", Offset: 5, Count: 1})
	require.ErrorIs(t, err, ErrBeyond)
	_, err = a.Records(t.Context(), Reading{Topic: "orders", Partition: 3, Count: 1})
	require.ErrorIs(t, err, ErrUnknownTopic)
	_, err = a.client.Request(t.Context(), kmsgDelete("orders", 0, 3))
	require.NoError(t, err)
	_, err = a.Records(t.Context(), Reading{Topic: "orders", Offset: 1, Count: 1})
	require.ErrorIs(t, err, ErrRemoved)
}

// What the brokers' version lacks is named with the version that has it; what gantry can't
// do without is a failure.
func TestWhatTheBrokersVersionLacksIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		most   *kversion.Versions
		result Result
		says   []string
		not    []string
	}{
		{"Kafka 3.6", kversion.V3_6_0(), Passed, []string{" lacks: ", "group types", "(since 3.8)", "KIP-848", "(since 4.0)", "KIP-932", "(since 4.1)"}, []string{"static members", "topic ids"}},
		{"Kafka 2.2", kversion.V2_2_0(), Passed, []string{"static members", "(since 2.3)", "topic ids", "(since 2.8)", "group types", "(since 3.8)"}, []string{"read_committed"}},
		{"Kafka 0.10.2", kversion.V0_10_2(), Failed, []string{"records with headers, and read_committed (since 0.11)"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, brokers := fake(t, kfake.MaxVersions(c.most))
			s := ended(t, Examine(t.Context(), Cluster{Brokers: brokers}, nil), "look for features")
			require.Equal(t, c.result, s.Result, "%+v", s)
			for _, words := range c.says {
				require.Contains(t, s.Detail, words)
			}
			for _, words := range c.not {
				require.NotContains(t, s.Detail, words)
			}
			require.Equal(t, c.result == Failed, strings.Contains(s.Try, "0.11 or newer"))
		})
	}
}
