package integrations_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// A topic is copied to another cluster whose login is in Secrets Manager, while its broker
// and gantry are killed and the password is rotated: every record is there as it was, in the
// order of its partition.
func TestKafkaTopicIsCopied(t *testing.T) {
	t.Parallel()
	source, topic := kafkatest.Shared(t), kafkatest.Topic(t)
	other := kafkatest.Start(t, kafkatest.Options{})
	other.AddUser(t, "copier", "first")
	count := kafkatest.Size(4000, 100_000)
	source.CreateTopic(t, topic, 4, nil)
	other.CreateTopic(t, "copy."+topic, 4, nil)
	w := startAWS(t)
	arn := w.cli("secretsmanager", "create-secret", "--name", "kafka/copier", "--secret-string", login("first"), "--query", "ARN", "--output", "text")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), other.TLS.CA.Bytes, 0o600))
	g := gantrytest.Start(t, gantrytest.Options{Dir: dir, Env: []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"}, Config: fmt.Sprintf(`
aws: {region: us-east-1, endpoint: %q}
secrets: [{prefix: "arn:aws:secretsmanager:", from: aws}]
clusters: {onprem: {brokers: [%q]}}
functions:
  copy: {integration: kafka, timeout: 30s, settings: {brokers: %q, ca: "file:./ca.pem", mechanism: SCRAM-SHA-512, login: %q, topic: "copy.{{ .topic }}", partition: same}}
mappings:
  copy: {function: copy, cluster: onprem, topic: %s, startingPosition: TRIM_HORIZON, batchSize: 200, consumerGroupId: %[5]s-copy}
`, w.URL, source.Brokers()[0], other.SASLBrokers()[0], arn, topic)})
	t.Cleanup(func() {
		if t.Failed() {
			status, _ := g.CLI("status")
			logs, _ := g.CLI("logs", "copy")
			t.Log(status, logs)
		}
		g.Kill()
	})
	sent := make([]*kgo.Record, count)
	at := time.Now().Add(-time.Hour) // not over the retention of either topic
	for i := range sent {
		sent[i] = &kgo.Record{Topic: topic, Partition: int32(i % 4), Key: strconv.AppendInt(nil, int64(i), 10), Value: fmt.Appendf(nil, "value %d", i), //nolint:gosec // small
			Timestamp: at.Add(time.Duration(i) * time.Millisecond), Headers: []kgo.RecordHeader{{Key: "n", Value: []byte{0xff, byte(i)}}, {Key: "n", Value: []byte{}}}}
		if i%10 == 9 {
			sent[i].Value = nil
		}
	}
	steps := []func(){
		func() { g.Kill(); g.Up() },
		func() { other.KillBroker(1); other.StartBroker(t, 1) },
		func() {
			other.AddUser(t, "copier", "second")
			w.cli("secretsmanager", "put-secret-value", "--secret-id", arn, "--secret-string", login("second"))
			other.KillBroker(1) // who is logged in stays so
			other.StartBroker(t, 1)
		},
		func() { g.Kill(); g.Up() },
	}
	for i, step := range steps {
		before := written(t, source, topic, "copy")
		kafkatest.Produce(t, source, sent[count*i/len(steps):count*(i+1)/len(steps)]...)
		require.Eventually(t, func() bool { return written(t, source, topic, "copy") > before }, time.Minute, 5*time.Millisecond)
		step()
	}
	require.Eventually(t, func() bool { return written(t, source, topic, "copy") == int64(count) }, 3*time.Minute, 100*time.Millisecond, "the copy does not finish")
	sameRecords(t, other, "copy."+topic, sent)
}

func login(password string) string {
	text, _ := json.Marshal(map[string]string{"username": "copier", "password": password})
	return string(text)
}

// sameRecords reads a topic to its end: each record of the source is there, in the order of
// its partition where it is first seen, with all that it had.
func sameRecords(t *testing.T, c *kafkatest.Cluster, topic string, sent []*kgo.Record) {
	t.Helper()
	ends, err := c.Admin(t).ListEndOffsets(t.Context(), topic)
	require.NoError(t, err)
	total := int64(0)
	for _, end := range ends[topic] {
		total += end.Offset
	}
	cl := c.Client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	seen, next := map[string]bool{}, map[int32]int64{}
	for read := int64(0); read < total; {
		fetched := cl.PollFetches(ctx)
		require.NoError(t, fetched.Err())
		fetched.EachRecord(func(r *kgo.Record) {
			read++
			if seen[string(r.Key)] {
				return
			}
			seen[string(r.Key)] = true
			i, err := strconv.Atoi(string(r.Key))
			require.NoError(t, err)
			of := sent[i]
			require.Equal(t, []any{of.Partition, of.Value, of.Timestamp.UnixMilli(), of.Headers}, []any{r.Partition, r.Value, r.Timestamp.UnixMilli(), r.Headers[:2]})
			require.Equal(t, next[r.Partition], of.Offset, "partition %d is out of order", r.Partition)
			next[r.Partition]++
		})
	}
	require.Len(t, seen, len(sent))
	t.Logf("%d records, %d written", len(sent), total)
}
