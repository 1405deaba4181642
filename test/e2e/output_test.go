package e2e_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

// answering is a function behind HTTP that answers by the topic of its event.
func answering(t *testing.T, answers map[string]string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e events.KafkaEvent
		_ = json.NewDecoder(r.Body).Decode(&e)
		for _, records := range e.Records {
			fmt.Fprint(w, answers[records[0].Topic])
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// readAll reads a topic as a reader of committed records finds it; each partition is in order.
func readAll(t *testing.T, c *kafkatest.Cluster, topic string, n int) []*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	reader := c.Client(t, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeTopics(topic))
	var all []*kgo.Record
	for len(all) < n {
		fetched := reader.PollFetches(ctx)
		require.NoError(t, fetched.Err(), "%s has %d of %d records", topic, len(all), n)
		all = append(all, fetched.Records()...)
	}
	return all
}

// asText is a record as text: key, value, headers.
func asText(r *kgo.Record) string {
	text := func(b []byte) string {
		if b == nil {
			return "null"
		}
		return fmt.Sprintf("%q", b)
	}
	out := text(r.Key) + " " + text(r.Value)
	for _, h := range r.Headers {
		out += " " + h.Key + "=" + text(h.Value)
	}
	return out
}

// header is a header's text.
func header(r *kgo.Record, name string) string {
	at := slices.IndexFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == name })
	if at < 0 {
		return ""
	}
	return string(r.Headers[at].Value)
}

// writers are mappings whose answers are records: of each a topic with one record, what the
// function answers to it, and what its output says.
type writers struct {
	answers map[string]string
	file    strings.Builder
}

func (w *writers) add(t *testing.T, c *kafkatest.Cluster, name, answer, output string) (topic string) {
	topic = kafkatest.Topic(t) + "-" + name
	c.CreateTopic(t, topic, 1, nil)
	c.CreateTopic(t, topic+"-dead", 1, nil)
	kafkatest.ProduceValues(t, c, topic, 0, "one")
	w.answers[topic] = answer
	fmt.Fprintf(&w.file, "  %s: {function: f, cluster: main, topic: %s, startingPosition: TRIM_HORIZON, maximumBatchingWindow: 0s, maximumRetryAttempts: 0, "+
		"onFailure: \"kafka://%s-dead\", output: %s}\n", name, topic, topic, output)
	return topic
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// What a function answers, behind HTTP or in AWS, is on the broker: keys, headers, partitions, tombstones, several
// topics, plain and in transactions; what can't be written is a dead letter that says why;
// what has a schema is in the registry's wire format.
func TestAnswersOnARealBroker(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	registry := srfake.New()
	t.Cleanup(registry.Close)
	out := kafkatest.Topic(t)
	for _, topic := range []string{"a", "b", "values", "cloud", "avro", "json", "protobuf", "registered"} {
		c.CreateTopic(t, out+topic, 3, nil)
	}
	schemas, err := sr.NewClient(sr.URLs(registry.URL()))
	require.NoError(t, err)
	const order = `{"type":"record","name":"Order","fields":[{"name":"sku","type":"string"}]}`
	ids := map[string]int{}
	for topic, s := range map[string]sr.Schema{
		"avro": {Schema: order}, "json": {Type: sr.TypeJSON, Schema: `{"type":"object","required":["sku"]}`},
		"protobuf": {Type: sr.TypeProtobuf, Schema: `syntax = "proto3"; message Order { string sku = 1; }`},
	} {
		made, err := schemas.CreateSchema(t.Context(), out+topic+"-value", s)
		require.NoError(t, err)
		ids[topic] = made.ID
	}
	w := writers{answers: map[string]string{}}
	mirror := fmt.Sprintf(`{"records":{%q:[{"key":%q,"value":%q,"headers":[{"h":[104,-1]}],"partition":2},{"key":%q,"value":null,"partition":2}],%q:[{"value":%q,"partition":1}]}}`,
		out+"a", b64("k"), b64("one"), b64("k"), out+"b", b64("two"))
	w.add(t, c, "mirror", mirror, fmt.Sprintf("{topics: [%sa, %sb]}", out, out))
	w.add(t, c, "exactly", mirror, fmt.Sprintf("{topics: [%sa, %sb], transactional: true}", out, out))
	w.add(t, c, "values", `[{"n":1},null,"x"]`, "{topic: "+out+"values}")
	w.add(t, c, "cloud", `{"n":1}`, "{topic: "+out+"cloud, transactional: true}")
	bad := map[string]string{
		w.add(t, c, "elsewhere", `{"records":{"elsewhere":[{}]}}`, "{topic: "+out+"values}"):                               `records.elsewhere[0]: topic "elsewhere" is not allowed`,
		w.add(t, c, "nobase64", `{"records":{"`+out+`values":[{"value":"*"}]}}`, "{topic: "+out+"values}"):                 "[0]: value is no base64",
		w.add(t, c, "nopartition", `{"records":{"`+out+`values":[{"partition":3}]}}`, "{topic: "+out+"values}"):            "partition 3 is not there",
		w.add(t, c, "misfit", `{"sku":7}`, "{topic: "+out+"avro, schema: {value: {format: avro}}}"):                        "sku",
		w.add(t, c, "notext", `{"sku":`, "{topic: "+out+"values, transactional: true}"):                                    "the answer can't be written",
		w.add(t, c, "misfitjson", `{"n":7}`, "{topic: "+out+"json, schema: {value: {format: json}}, transactional: true}"): "missing property 'sku'",
	}
	for _, format := range []string{"avro", "json", "protobuf"} {
		w.add(t, c, format, `{"sku":"x"}`, "{topic: "+out+format+", schema: {value: {format: "+format+"}}}")
	}
	w.add(t, c, "registered", `{"sku":"x"}`, "{topic: "+out+"registered, schema: {value: {format: avro, file: ./order.avsc, register: true}}}")
	dir := t.TempDir()
	writeFile(t, dir+"/order.avsc", order)
	functions := answering(t, w.answers)
	mappings := strings.Replace(w.file.String(), "cloud: {function: f,", "cloud: {function: in-aws,", 1)
	gantrytest.Start(t, gantrytest.Options{Dir: dir, Env: []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"}, Config: fmt.Sprintf(`
aws: {region: eu-west-1, endpoint: %[1]q}
clusters: {main: {brokers: [%[2]q], schemaRegistry: {url: %[3]q}}}
functions: {f: {http: %[1]q}, in-aws: {arn: "arn:aws:lambda:eu-west-1:123456789012:function:f"}}
mappings:
`, functions, c.Brokers()[0], registry.URL()) + mappings})

	var got []string
	for _, r := range readAll(t, c, out+"a", 4) {
		require.EqualValues(t, 2, r.Partition)
		got = append(got, asText(r))
	}
	slices.Sort(got)
	require.Equal(t, []string{`"k" "one" h="h\xff"`, `"k" "one" h="h\xff"`, `"k" null`, `"k" null`}, got)
	two := readAll(t, c, out+"b", 2)[0]
	require.Equal(t, `1 null "two"`, fmt.Sprint(two.Partition, " ", asText(two)))
	got = nil
	for _, values := range readAll(t, c, out+"values", 2) {
		got = append(got, asText(values))
	}
	slices.Sort(got)
	require.Equal(t, []string{`null "\"x\""`, `null "{\"n\":1}"`}, got)
	require.Equal(t, `null "{\"n\":1}"`, asText(readAll(t, c, out+"cloud", 1)[0]), "of a function in AWS")
	for topic, text := range bad {
		letter := readAll(t, c, topic+"-dead", 1)[0]
		require.Contains(t, header(letter, "gantry-error"), text)
		require.Contains(t, header(letter, "gantry-error"), "the answer can't be written")
	}
	ids["registered"] = ids["avro"] // the same schema under another subject
	for topic, want := range map[string]string{"avro": "\x02x", "json": `{"sku":"x"}`, "protobuf": "\x00\x0a\x01x", "registered": "\x02x"} {
		value := readAll(t, c, out+topic, 1)[0].Value
		require.Equal(t, fmt.Sprintf("\x00\x00\x00\x00%c%s", ids[topic], want), string(value), topic)
	}
	_, found := registry.GetSchema(out+"registered-value", 1)
	require.True(t, found)
}
