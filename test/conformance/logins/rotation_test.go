package logins_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

const (
	session   = 4 * time.Second // brokers end sessions that are not authenticated again by then (KIP-368)
	tokenLife = 6 * time.Second // and tokens and tickets hold little longer
	batchSize = 50
	lanes     = 2 // partitions of each topic
)

// rotated are the mappings of the test, each with the way it comes in by.
func rotated() []way {
	return []way{
		{name: "scram", door: "sasl", sasl: `{mechanism: SCRAM-SHA-512, secret: "file:rotating.json"}`},
		{name: "mtls", door: "mtls", tls: `, cert: "file:client.pem", key: "file:client.key"`},
		{name: "oauth", door: "oauth", sasl: `{mechanism: OAUTHBEARER, oauth: {tokenEndpoint: "IDP", ca: "file:idp.pem", clientId: gantry-client, clientSecret: "file:client-secret"}}`},
		{name: "kerberos", door: "kerberos", sasl: `{mechanism: GSSAPI, kerberos: {principal: gantry, keytab: gantry.keytab, config: krb5.conf}}`},
		{name: "msk", door: "msk", sasl: `{mechanism: AWS_MSK_IAM, iam: {region: eu-west-1, profile: msk}}`},
	}
}

// While records flow, tokens and tickets expire, sessions are authenticated again, and
// every password, secret, keytab, access key and certificate is replaced so that the one
// before counts no more: no record is lost, none comes out of order, and none is given
// out again but what was in flight when the broker was started again.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, versions()[:kafkatest.Size(1, 2)], func(t *testing.T, version string) {
		t.Parallel()
		w := newWorld(t, version, map[string]string{"connections.max.reauth.ms": fmt.Sprint(session.Milliseconds())})
		w.idp.Life(tokenLife)
		w.kdc.Do(t, fmt.Sprintf("modprinc -maxlife %dseconds gantry", int(tokenLife.Seconds())))
		conf, err := os.ReadFile(w.kdc.Config)
		require.NoError(t, err)
		w.file(t, "krb5.conf", conf)
		w.AddUser(t, "rotating", "first")
		w.login(t, "rotating", "rotating", "first")

		journal := kafkatest.NewJournal()
		url := journal.Serve(t)
		topics := map[string]string{}
		for _, v := range rotated() {
			topics[v.name] = v.name + "-" + kafkatest.Topic(t)
			w.CreateTopic(t, topics[v.name], lanes, nil)
		}
		gantry := gantrytest.Start(t, gantrytest.Options{
			Config: w.config(topics, url), Dir: w.dir, Env: []string{"AWS_SHARED_CREDENTIALS_FILE=" + w.dir + "/aws", "AWS_CONFIG_FILE=" + os.DevNull},
		})
		feed := w.feed(t, topics)
		feed.flow(t, journal, 2*time.Second)
		w.rotate(t)
		recovered := time.Now().Add(session)
		feed.flow(t, journal, 2*tokenLife)
		counts := feed.stop()
		for name, topic := range topics {
			for p := range int32(lanes) {
				journal.ExpectFirst(topic, p, counts[topic])
			}
			t.Logf("%s: %d records", name, lanes*counts[topic])
		}
		journal.Wait(t, time.Minute)
		v := journal.Verdict()
		require.Empty(t, v.Lost)
		require.Empty(t, v.Disorder)
		repeats := map[string]int{}
		for _, r := range v.Repeats {
			repeats[r.Topic]++
			require.True(t, r.First.Before(recovered), "%+v", r)
		}
		for topic, n := range repeats {
			require.LessOrEqual(t, n, lanes*batchSize, "%s: more than was in flight", topic)
		}
		t.Logf("%d records given out again; %d tokens granted", len(v.Repeats), w.idp.Granted())
		require.Greater(t, w.idp.Granted(), 3, "tokens expired and were fetched again")
		for _, hidden := range []string{kafkatest.ClientSecret, "second", secretKey, "eyJ"} {
			require.NotContains(t, gantry.Log(), hidden)
		}
	})
}

// config is the configuration file.
func (w *world) config(topics map[string]string, url string) string {
	var clusters, functions, mappings strings.Builder
	for _, v := range rotated() {
		fmt.Fprintf(&clusters, "  %s: {brokers: [%s], tls: {ca: \"file:ca.pem\"%s}", v.name, w.brokers(v.door), v.tls)
		if v.sasl != "" {
			fmt.Fprintf(&clusters, ", sasl: %s", w.fill(v.sasl))
		}
		clusters.WriteString("}\n")
		fmt.Fprintf(&functions, "  %s: {http: \"%s?process=%s\"}\n", v.name, url, v.name)
		fmt.Fprintf(&mappings, "  %s: {function: %[1]s, cluster: %[1]s, topic: %s, startingPosition: TRIM_HORIZON, batchSize: %d, maximumBatchingWindow: 0s}\n", v.name, topics[v.name], batchSize)
	}
	return "clusters:\n" + clusters.String() + "functions:\n" + functions.String() + "mappings:\n" + mappings.String()
}

// rotate replaces everything one comes in with.
func (w *world) rotate(t *testing.T) {
	t.Helper()
	w.AddUser(t, "rotating", "second")
	w.login(t, "rotating", "rotating", "second")

	w.idp.Secret("second")
	w.file(t, "client-secret", []byte("second"))

	keytab, err := os.ReadFile(w.kdc.Export(t, "gantry"))
	require.NoError(t, err)
	w.file(t, "gantry.keytab", keytab)

	w.msk.Keys(t, "AKIAGANTRYTWO=second")
	w.profile(t, "AKIAGANTRYTWO", "second")

	client, key, err := w.TLS.RotateClientCA()
	require.NoError(t, err)
	w.file(t, "client.key", key.Bytes)
	w.file(t, "client.pem", client.Bytes)
	w.StopBroker(t, 1)
	w.StartBroker(t, 1)
}

// feeder writes to every topic until it is stopped.
type feeder struct {
	topics []string
	client *kgo.Client
	end    context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	counts map[string]int // records of each partition
}

func (w *world) feed(t *testing.T, topics map[string]string) *feeder {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	f := &feeder{client: w.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner())), end: end, done: make(chan struct{}), counts: map[string]int{}}
	for _, topic := range topics {
		f.topics = append(f.topics, topic)
	}
	t.Cleanup(func() { f.stop() })
	go func() {
		defer close(f.done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			f.write(t)
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	return f
}

// write adds a few records to each partition of each topic.
func (f *feeder) write(t *testing.T) {
	const each = 5
	var records []*kgo.Record
	for _, topic := range f.topics {
		for i := range lanes * each {
			records = append(records, &kgo.Record{Topic: topic, Partition: int32(i % lanes), Value: []byte(`{"n":1}`)})
		}
	}
	if err := f.client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Errorf("produce: %v", err)
		f.end()
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, topic := range f.topics {
		f.counts[topic] += each
	}
}

// flow lets records flow, and then until every record written by then was delivered.
func (f *feeder) flow(t *testing.T, journal *kafkatest.Journal, d time.Duration) {
	t.Helper()
	<-time.After(d)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, topic := range f.topics {
		for p := range int32(lanes) {
			journal.ExpectFirst(topic, p, f.counts[topic])
		}
	}
	journal.Wait(t, time.Minute)
}

func (f *feeder) stop() map[string]int {
	f.end()
	<-f.done
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts
}
