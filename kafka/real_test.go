package kafka_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/record"
)

// onRealKafka runs a test on a broker with an authorizer, of each version a run asks for.
func onRealKafka(t *testing.T, versions []string, test func(t *testing.T, c *kafkatest.Cluster)) {
	t.Helper()
	kafkatest.Each(t, versions, func(t *testing.T, version string) {
		test(t, kafkatest.Start(t, kafkatest.Options{Version: version, ACLs: true}))
	})
}

func TestRealKafka(t *testing.T) {
	t.Parallel()
	onRealKafka(t, kafkatest.Versions(), func(t *testing.T, c *kafkatest.Cluster) {
		t.Run("connections", func(t *testing.T) { connections(t, c) })
		t.Run("denied ACLs", func(t *testing.T) { deniedACLs(t, c) })
		t.Run("topics and positions", func(t *testing.T) { topicsAndPositions(t, c) })
		t.Run("groups", func(t *testing.T) { groups(t, c) })
		t.Run("fences", func(t *testing.T) { fences(t, c) })
		t.Run("pending offsets", func(t *testing.T) { pending(t, c) })
		t.Run("rotation", func(t *testing.T) { rotation(t, c) })
	})
}

// Companies run 3.x: what they meet first, connecting and being refused, is tried on it
// in every run.
func TestRealKafkaSmoke(t *testing.T) {
	t.Parallel()
	onRealKafka(t, kafkatest.SmokeVersions(), connections)
}

// secrets is a fixed set of AWS's secret documents.
type secrets struct {
	mu     sync.Mutex
	fields map[string]map[string]string
}

func (s *secrets) Fields(_ context.Context, ref string) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.fields[ref]; f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("read the secret %s: not here", ref)
}

func (s *secrets) set(ref string, fields map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fields[ref] = fields
}

func (s *secrets) Plain(ctx context.Context, ref string) (string, error) {
	f, err := s.Fields(ctx, ref)
	return f["certificate"], err
}

// Forget finds the password a test has put in its place meanwhile.
func (s *secrets) Forget(ref string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next, ok := s.fields[ref+" rotated"]; ok {
		s.fields[ref] = next
	}
}

func documents(c *kafkatest.Cluster) *secrets {
	text := func(p kafkatest.PEM) string { return string(p.Bytes) }
	return &secrets{fields: map[string]map[string]string{
		"user":     {"username": kafkatest.UserName, "password": kafkatest.UserPassword},
		"wrong":    {"username": kafkatest.UserName, "password": "hunter2"},
		"nobody":   {"username": "nobody", "password": "pw"},
		"ca":       {"certificate": text(c.TLS.CA)},
		"sca":      {"certificate": text(c.TLS.UntrustedCA)},
		"client":   {"certificate": text(c.TLS.Client), "privateKey": text(c.TLS.EncryptedKey), "privateKeyPassword": kafkatest.KeyPassword},
		"stranger": {"certificate": text(c.TLS.Stranger), "privateKey": text(c.TLS.StrangeKey)},
	}}
}

func source(broker string, access ...string) mapping.Source {
	src := mapping.Source{Bootstrap: []string{broker}}
	for i := 0; i < len(access); i += 2 {
		src.Access = append(src.Access, mapping.Access{Type: access[i], URI: access[i+1]})
	}
	return src
}

func open(t *testing.T, c *kafkatest.Cluster, src mapping.Source) (kafka.Cluster, *kafka.Admin) {
	t.Helper()
	k, err := kafka.Resolver{Secrets: documents(c)}.Resolve(t.Context(), src)
	require.NoError(t, err)
	admin, err := kafka.Open(k)
	require.NoError(t, err)
	t.Cleanup(admin.Close)
	return k, admin
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func connections(t *testing.T, c *kafkatest.Cluster) {
	plain, ssl, sasl := c.Brokers()[0], c.MTLSBrokers()[0], c.SASLBrokers()[0]
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, free.Close())
	const ca = mapping.ServerRootCA
	for _, tc := range []struct {
		name                   string
		src                    mapping.Source
		problem, reason, cause string
	}{
		{name: "plaintext", src: source(plain)},
		{name: "PLAIN", src: source(sasl, ca, "ca", mapping.BasicAuth, "user")},
		{name: "SCRAM-SHA-256", src: source(sasl, ca, "ca", mapping.ScramSHA256, "user")},
		{name: "SCRAM-SHA-512", src: source(sasl, ca, "ca", mapping.ScramSHA512, "user")},
		{name: "client certificate", src: source(ssl, ca, "ca", mapping.ClientTLS, "client")},
		{"wrong password, PLAIN", source(sasl, ca, "ca", mapping.BasicAuth, "wrong"), mapping.ProblemSASL, mapping.ReasonSourceAuthn, "refused user or password"},
		{"wrong password, SCRAM", source(sasl, ca, "ca", mapping.ScramSHA512, "wrong"), mapping.ProblemSASL, mapping.ReasonSourceAuthn, "refused user or password"},
		{"unknown user", source(sasl, ca, "ca", mapping.ScramSHA256, "nobody"), mapping.ProblemSASL, mapping.ReasonSourceAuthn, "refused user or password"},
		{"untrusted CA", source(sasl, mapping.ScramSHA512, "user"), mapping.ProblemAuthServer, mapping.ReasonSourceAuthn, "not signed by a trusted authority"},
		{"wrong CA", source(sasl, ca, "sca", mapping.ScramSHA512, "user"), mapping.ProblemAuthServer, mapping.ReasonSourceAuthn, "not signed by a trusted authority"},
		{"no client certificate", source(ssl, ca, "ca"), mapping.ProblemServerAuth, mapping.ReasonSourceAuthn, "or got none"},
		{"a stranger's certificate", source(ssl, ca, "ca", mapping.ClientTLS, "stranger"), mapping.ProblemServerAuth, mapping.ReasonSourceAuthn, "did not accept"},
		{"nothing at that port", source(free.Addr().String()), mapping.ProblemConnection, "", "nothing listens"},
		{"TLS to the plaintext port", source(plain, ca, "ca"), mapping.ProblemConnection, "", "did not speak SSL"},
		{"plaintext to the TLS port", source(ssl), mapping.ProblemConnection, "", "did not speak PLAINTEXT"},
		{"no login at the SASL port", source(sasl, ca, "ca"), mapping.ProblemConnection, "", "did not speak SSL"},
		{"a login at the certificate port", source(ssl, ca, "ca", mapping.BasicAuth, "user"), mapping.ProblemServerAuth, mapping.ReasonSourceAuthn, "or got none"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, admin := open(t, c, tc.src)
			began := time.Now()
			err := admin.Check(within(t, 10*time.Second))
			if tc.problem == "" {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			require.Less(t, time.Since(began), 5*time.Second, "it must fail fast")
			d := kafka.Diagnose(err)
			require.Equal(t, tc.problem, d.Problem, "%v", err)
			require.Equal(t, tc.reason, d.Reason)
			require.Contains(t, d.Cause, tc.cause)
			require.NotContains(t, d.Cause+d.Try, "hunter2")
		})
	}
}

func create(t *testing.T, c *kafkatest.Cluster, configs map[string]string) string {
	t.Helper()
	topic := kafkatest.Topic(t)
	c.CreateTopic(t, topic, 2, configs)
	return topic
}

// The permissions a mapping needs are given one after the other; each refusal before
// must name exactly the one that is missing.
func deniedACLs(t *testing.T, c *kafkatest.Cluster) {
	topic := create(t, c, nil)
	group := "g-" + topic
	k, admin := open(t, c, source(c.SASLBrokers()[0], mapping.ServerRootCA, "ca", mapping.ScramSHA512, "user"))
	producer, err := kafka.NewProducer(k)
	require.NoError(t, err)
	t.Cleanup(producer.Close)
	require.NoError(t, admin.Check(within(t, 10*time.Second)), "to connect takes no permission")

	positions := func() error {
		_, _, err := admin.Positions(t.Context(), kafka.Origin{Topic: topic, Start: mapping.Latest})
		return err
	}
	committed := func() error { _, err := admin.Committed(t.Context(), group); return err }
	commit := func() error {
		return admin.Commit(t.Context(), group, kafka.Offsets{topic: {0: {At: 0}}})
	}
	produce := func() error {
		_, err := producer.Produce(within(t, 20*time.Second), topic, kafka.Message{Value: []byte("x")})
		return err
	}
	onTopic := func(op kadm.ACLOperation) kafkatest.ACL {
		return kafkatest.ACL{Topics: []string{topic}, Operations: []kadm.ACLOperation{op}}
	}
	onGroup := func(op kadm.ACLOperation) kafkatest.ACL {
		return kafkatest.ACL{Groups: []string{group}, Operations: []kadm.ACLOperation{op}}
	}
	for _, step := range []struct {
		name    string
		do      func() error
		missing string
		give    kafkatest.ACL
	}{
		{"resolve the starting position", positions, "--operation Describe --topic " + topic, onTopic(kadm.OpDescribe)},
		{"read the group's offsets", committed, "--operation Describe --group " + group, onGroup(kadm.OpDescribe)},
		{"write", produce, "--operation ", onTopic(kadm.OpWrite)},
		{"commit, group", commit, "--operation Read --group " + group, onGroup(kadm.OpRead)},
		{"commit, topic", commit, "--operation Read --topic " + topic, onTopic(kadm.OpRead)},
	} {
		// Brokers learn of a new ACL a moment after it was made: until then the refusal
		// is still that of the step before.
		require.EventuallyWithT(t, func(t *assert.CollectT) {
			err := step.do()
			var denied *kafka.Denied
			require.ErrorAs(t, err, &denied, step.name)
			d := kafka.Diagnose(err)
			require.Equal(t, mapping.ProblemAuthorize, d.Problem, step.name)
			require.Equal(t, mapping.ReasonSourceAuthz, d.Reason, step.name)
			require.Contains(t, d.Try, step.missing, "%s: %v", step.name, err)
		}, 20*time.Second, 50*time.Millisecond)
		c.Allow(t, kafkatest.UserName, step.give)
	}
	for _, do := range []func() error{positions, committed, commit, produce} {
		require.EventuallyWithT(t, func(t *assert.CollectT) { require.NoError(t, do()) }, 20*time.Second, 50*time.Millisecond)
	}
}

func topicsAndPositions(t *testing.T, c *kafkatest.Cluster) {
	topic := create(t, c, map[string]string{"max.message.bytes": "30000"})
	k, admin := open(t, c, source(c.Brokers()[0]))
	producer, err := kafka.NewProducer(k)
	require.NoError(t, err)
	t.Cleanup(producer.Close)
	began := time.Now().Add(-time.Hour) // not long ago, or retention takes them
	for i := range 10 {
		_, err := producer.Produce(t.Context(), topic, kafka.Message{Key: fmt.Append(nil, i), Value: []byte("x"), Timestamp: began.Add(time.Duration(i) * time.Minute)})
		require.NoError(t, err)
	}
	_, err = producer.Produce(t.Context(), topic, kafka.Message{Value: make([]byte, 40_000)})
	require.ErrorIs(t, err, kafka.ErrTooLarge)
	asked := time.Now()
	_, err = producer.Produce(t.Context(), "missing", kafka.Message{})
	require.ErrorIs(t, err, kafka.ErrUnknownTopic)
	require.Less(t, time.Since(asked), 5*time.Second)

	sum := func(from kafka.Origin) (total int64) {
		from.Topic = topic
		offsets, id, err := admin.Positions(t.Context(), from)
		require.NoError(t, err)
		require.Len(t, id, 22)
		require.Len(t, offsets, 2)
		return offsets[0] + offsets[1]
	}
	require.EqualValues(t, 0, sum(kafka.Origin{Start: mapping.TrimHorizon}))
	require.EqualValues(t, 10, sum(kafka.Origin{Start: mapping.Latest}))
	require.EqualValues(t, 10, sum(kafka.Origin{Start: mapping.Latest, Uncommitted: true}))
	require.EqualValues(t, 4, sum(kafka.Origin{Start: mapping.AtTimestamp, At: began.Add(3*time.Minute + time.Second)}))
	require.EqualValues(t, 10, sum(kafka.Origin{Start: mapping.AtTimestamp, At: time.Now()}))

	_, _, err = admin.Positions(t.Context(), kafka.Origin{Topic: "missing", Start: mapping.Latest})
	require.ErrorIs(t, err, kafka.ErrUnknownTopic)
	require.Equal(t, mapping.ReasonConfigNotValid, kafka.Diagnose(err).Reason)
}

func groups(t *testing.T, c *kafkatest.Cluster) {
	kinds := []string{"classic"}
	if strings.HasPrefix(c.Version(), "4.") {
		kinds = append(kinds, "consumer")
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			topic := create(t, c, nil)
			group := "g-" + topic
			_, admin := open(t, c, source(c.Brokers()[0]))
			none, err := admin.Committed(t.Context(), group)
			require.NoError(t, err)
			require.Empty(t, none)
			state, err := admin.GroupState(t.Context(), group)
			require.NoError(t, err)
			require.False(t, state.Exists)

			require.NoError(t, admin.Commit(t.Context(), group, kafka.Offsets{topic: {0: {At: 0, Epoch: 9}}}))
			got, err := admin.Committed(t.Context(), group)
			require.NoError(t, err)
			require.Equal(t, kafka.Offsets{topic: {0: {At: 0, Epoch: -1}}}, got)

			leave := join(t, c, group, topic, kind)
			state, err = admin.GroupState(t.Context(), group)
			require.NoError(t, err)
			require.True(t, state.Exists)
			require.Equal(t, kind, state.Type)
			require.Equal(t, "Stable", state.State)
			require.Len(t, state.Members, 1)
			require.Equal(t, []record.Partition{{Topic: topic, Index: 0}, {Topic: topic, Index: 1}}, state.Members[0].Partitions)
			require.ErrorIs(t, admin.Commit(t.Context(), group, kafka.Offsets{topic: {0: {At: 0}}}), kafka.ErrGroupBusy)

			leave()
			if kind == "classic" {
				state, err = admin.GroupState(t.Context(), group)
				require.NoError(t, err)
				require.Len(t, state.Members, 1, "a static member stays until it is taken out")
				require.NoError(t, admin.LeaveStatic(t.Context(), group, "static-1"))
				require.NoError(t, admin.LeaveStatic(t.Context(), group, "static-1"))
			}
			state, err = admin.GroupState(t.Context(), group)
			require.NoError(t, err)
			require.Empty(t, state.Members)
			require.Equal(t, "Empty", state.State)
		})
	}
}

// join makes a member, static in a classic group, and waits until it has its partitions.
func join(t *testing.T, c *kafkatest.Cluster, group, topic, kind string) (leave func()) {
	t.Helper()
	assigned := make(chan struct{}, 10)
	opts := []kgo.Opt{
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, got map[string][]int32) {
			if len(got) > 0 {
				assigned <- struct{}{}
			}
		}),
	}
	if kind == "consumer" {
		opts = append(opts, kgo.ServerSideBalancer())
	} else {
		opts = append(opts, kgo.InstanceID("static-1"))
	}
	client := c.Client(t, opts...)
	polling, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for polling.Err() == nil {
			client.PollFetches(polling)
		}
	}()
	select {
	case <-assigned:
	case <-time.After(30 * time.Second):
		t.Fatal("the member was never assigned anything")
	}
	return func() {
		stop()
		<-done
		client.Close()
	}
}

// rotation changes a password on the brokers and at the secret's place: the one that
// was kept is refused once and forgotten, and the same Cluster goes on with the new one.
func rotation(t *testing.T, c *kafkatest.Cluster) {
	c.AddUser(t, "rotating", "old")
	s := documents(c)
	s.fields["r"] = map[string]string{"username": "rotating", "password": "old"}
	k, err := kafka.Resolver{Secrets: s}.Resolve(t.Context(), source(c.SASLBrokers()[0], mapping.ServerRootCA, "ca", mapping.ScramSHA512, "r"))
	require.NoError(t, err)
	check := func() error { // each time on a connection of its own, which has to log in
		admin, err := kafka.Open(k)
		if err != nil {
			return err
		}
		defer admin.Close()
		return admin.Check(within(t, 10*time.Second))
	}
	require.EventuallyWithT(t, func(t *assert.CollectT) { require.NoError(t, check()) }, 20*time.Second, 50*time.Millisecond)

	c.AddUser(t, "rotating", "new")
	s.set("r rotated", map[string]string{"username": "rotating", "password": "new"})
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		require.NoError(t, check())
		fields, err := s.Fields(context.Background(), "r")
		require.NoError(t, err)
		require.Equal(t, "new", fields["password"], "the old one still worked, or was never forgotten")
	}, 20*time.Second, 50*time.Millisecond)
}
