package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/api/admin"
	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/mapping"
)

func TestRecordsAreProduced(t *testing.T) {
	t.Parallel()
	fake := kafkatest.Local(t)
	require.NoError(t, fake.CreateTopic("orders", 1, nil))
	b := newBench(t, func(c *admin.Config) {
		c.Kafka = kafka.Resolver{Clusters: map[string]kafka.Config{"onprem": {Brokers: fake.Brokers()}}}
	})
	const path = "/gantry/v1/topics/orders/records"
	answer := b.fine("POST", path, `{"cluster":"onprem","records":[
		{"keyText":"k","valueText":"text","headers":[{"key":"h","value":"1"},{"key":"h","value":"2"}]},
		{"key":"AAE=","value":"/w=="}, {}]}`)
	requireJSON(t, `[{"topic":"orders","partition":0,"offset":0},{"topic":"orders","partition":0,"offset":1},{"topic":"orders","partition":0,"offset":2}]`, answer["positions"])
	var got []string
	for _, r := range read(t, fake, "orders", 3) {
		got = append(got, fmt.Sprintf("%q %q %t %v", r.Key, r.Value, r.Value == nil, r.Headers))
	}
	require.Equal(t, []string{`"k" "text" false [{h [49]} {h [50]}]`, `"\x00\x01" "\xff" false []`, `"" "" true []`}, got)

	b.refused(400, "InvalidParameterValueException", "records: there is none", "POST", path, `{"cluster":"onprem"}`)
	b.refused(400, "InvalidParameterValueException", `"far"`, "POST", path, `{"cluster":"far","records":[{}]}`)
	b.refused(404, "ResourceNotFoundException", "0 of 1 records were written: write 1 records to topic nope", "POST",
		"/gantry/v1/topics/nope/records", `{"cluster":"onprem","records":[{}]}`)
}

// away is a cluster whose brokers do not answer.
type away struct{}

// Resolve implements admin.Clusters.
func (away) Resolve(context.Context, mapping.Source) (kafka.Cluster, error) {
	return kafka.Cluster{Brokers: []string{"b:9092"}, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no route to host")
	}}, nil
}

func TestRecordsForBrokersThatAreAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *admin.Config) { c.Kafka = away{} })
		began := time.Now()
		b.refused(502, "ClusterException", "0 of 1 records were written", "POST", "/gantry/v1/topics/t/records", `{"cluster":"onprem","records":[{}]}`)
		require.LessOrEqual(t, time.Since(began), time.Minute, "nobody waits for ever")
	})
}

func read(t *testing.T, fake *kafkatest.Fake, topic string, n int) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.Brokers()...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer client.Close()
	var got []*kgo.Record
	for len(got) < n {
		fetches := client.PollFetches(context.WithoutCancel(t.Context()))
		require.NoError(t, fetches.Err())
		got = append(got, fetches.Records()...)
	}
	return got
}
