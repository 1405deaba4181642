package produce_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/function"
	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/produce"
)

// bench is a writer for one function on an in-memory cluster.
type bench struct {
	t      *testing.T
	fake   *kafkatest.Fake
	writer *produce.Writer
	right  *function.Produce
	log    bytes.Buffer
	server *httptest.Server
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, fake: kafkatest.Local(t), right: &function.Produce{Cluster: "onprem", Topics: []string{"valid", "gone"}}}
	require.NoError(t, b.fake.CreateTopic("valid", 2, nil))
	require.NoError(t, b.fake.CreateTopic("secret", 1, nil))
	b.writer = produce.New(produce.Config{
		Clusters: kafka.Resolver{Clusters: map[string]kafka.Config{"onprem": {Brokers: b.fake.Brokers()}}},
		Log:      slog.New(slog.NewTextHandler(&b.log, nil)),
	})
	t.Cleanup(func() { require.NoError(t, b.writer.Close()) })
	b.server = httptest.NewServer(b.writer.For("orders", func(context.Context) (*function.Produce, error) { return b.right, nil }))
	t.Cleanup(b.server.Close)
	return b
}

type answered struct {
	Type, Message string
	Records       []struct {
		Partition *int32
		Offset    *int64
		Error     *struct{ Type, Message string }
	}
}

func (b *bench) send(topic, body string) (int, answered) {
	b.t.Helper()
	res, err := http.Post(b.server.URL+"/gantry/v1/topics/"+topic+"/records", "application/json", strings.NewReader(body))
	require.NoError(b.t, err)
	defer res.Body.Close()
	var a answered
	require.NoError(b.t, json.NewDecoder(res.Body).Decode(&a))
	return res.StatusCode, a
}

func (b *bench) refused(status int, text, topic, body string) {
	b.t.Helper()
	got, a := b.send(topic, body)
	require.Equal(b.t, status, got, a.Message)
	require.Contains(b.t, a.Message, text)
}

func (b *bench) read(topic string, n int) []*kgo.Record {
	b.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.fake.Brokers()...), kgo.ConsumeTopics(topic))
	require.NoError(b.t, err)
	defer client.Close()
	var all []*kgo.Record
	for len(all) < n {
		fetched := client.PollFetches(b.t.Context())
		require.NoError(b.t, errors.Join(fetched.Err0()))
		all = append(all, fetched.Records()...)
	}
	return all
}

func TestRecordsAreWritten(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	status, a := b.send("valid", `{"records":[
		{"key":"AAE=","value":"/w==","headers":[{"h":[49,-1]},{"h":"text"}],"partition":1},
		{"keyText":"k","valueJson":{ "id": 12345678901234567890 },"partition":1},
		{"keyText":"k","valueText":"text","partition":1},
		{"keyText":"gone","partition":1}]}`)
	require.Equal(t, 200, status, a.Message)
	for i, r := range a.Records {
		require.Equal(t, int32(1), *r.Partition)
		require.Equal(t, int64(i), *r.Offset)
	}
	var got []string
	for _, r := range b.read("valid", 4) {
		got = append(got, fmt.Sprintf("%q %q %t %v", r.Key, r.Value, r.Value == nil, r.Headers))
	}
	require.Equal(t, []string{
		`"\x00\x01" "\xff" false [{h [49 255]} {h [116 101 120 116]}]`,
		`"k" "{ \"id\": 12345678901234567890 }" false []`, `"k" "text" false []`, `"gone" "" true []`,
	}, got)
	require.Equal(t, int64(4), b.writer.Uses()[0].Records.Load())
}

func TestRequestsAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const one = `{"records":[{"valueText":"s3cret-payload"}]}`
	b.refused(403, "function orders may not write to topic secret: give it the right with functions.orders.produce: {cluster: NAME, topics: [secret]}", "secret", one)
	b.refused(404, "gone", "gone", one)
	b.refused(413, "at most 6291556 bytes", "valid", `{"records":[{"valueText":"`+strings.Repeat("x", produce.MaxBody)+`"}]}`)
	b.refused(413, "larger than the topic accepts", "valid", `{"records":[{"valueText":"`+strings.Repeat("x", 2<<20)+`"}]}`)
	b.refused(400, "records: has 0, want 1 to 10000", "valid", `{}`)
	b.refused(400, "topic valid has 2 partitions", "valid", `{"records":[{"valueText":"a"},{"valueText":"b","partition":2}]}`)
	b.refused(400, `unknown field "topic"`, "valid", `{"records":[{"topic":"secret"}]}`)
	b.refused(400, `records[0].key: is no base64`, "valid", `{"records":[{"key":"!"},{"value":"a","valueText":"b","partition":-1,"headers":[{}, {"h":[256]}]}]}`)
	b.refused(400, `records[1].value: is given in two forms; keep one; records[1].partition: -1 is negative; leave it out to have the key choose; `+
		`records[1].headers[0]: has 0 members`, "valid", `{"records":[{},{"value":"a","valueText":"b","partition":-1,"headers":[{}, {"h":[256]}]}]}`)
	b.right = nil // it was taken away
	b.refused(403, "may not write to topic valid", "valid", one)
	require.NotContains(t, b.log.String(), "s3cret-payload")
	require.Equal(t, int64(2), b.writer.Uses()[0].Refused.Load())

	status, a := b.send("valid/x", one)
	require.Equal(t, 404, status, a.Message)
}

// A record that is too large fails alone, and the answer is no success.
func TestEachRecordHasItsOwnEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	status, a := b.send("valid", `{"records":[{"valueText":"a","partition":0},{"valueText":"`+strings.Repeat("x", 2<<20)+`","partition":0},{"valueText":"c","partition":0}]}`)
	require.Equal(t, 413, status)
	require.Contains(t, a.Message, "1 of 3 records were not written, see records")
	require.Equal(t, int64(0), *a.Records[0].Offset)
	require.Equal(t, "RecordTooLargeException", a.Records[1].Error.Type)
	require.Equal(t, int64(1), *a.Records[2].Offset)
	require.Len(t, b.read("valid", 2), 2)
}
