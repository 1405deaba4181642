package aws_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/cloud/call"
	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

const (
	account = "123456789012"
	region  = "eu-west-2"
	keys    = 20
)

// environment is what gantry is given to call AWS with.
func environment(key, secret, token string) []string {
	return []string{"AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_SESSION_TOKEN=" + token, "AWS_REGION=" + region,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true"}
}

// cloud is a MiniStack.
type cloud struct {
	t   *testing.T
	url string
	cfg aws.Config
}

func newCloud(t *testing.T) *cloud {
	program := gantrytest.Kit(t, "venv-ministack", "ministack")
	port := fmt.Sprint(gantrytest.FreePort(t))
	cmd := exec.Command(program) //nolint:gosec // of a kit
	cmd.Env = append(os.Environ(), "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "MINISTACK_REGION="+region, "MINISTACK_ACCOUNT_ID="+account,
		"LAMBDA_EXECUTOR=local", "STATE_DIR="+t.TempDir())
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
	c := &cloud{t: t, url: "http://127.0.0.1:" + port}
	c.cfg = aws.Config{Region: region, BaseEndpoint: &c.url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	return c
}

type object = map[string]any

func (c *cloud) do(service, operation string, input object) object {
	c.t.Helper()
	model, err := call.Open(service)
	require.NoError(c.t, err)
	client, err := call.New(c.t.Context(), c.cfg, model, call.Options{})
	require.NoError(c.t, err)
	out, err := client.Call(c.t.Context(), call.Request{Operation: operation, Input: input})
	require.NoError(c.t, err)
	return out.Output
}

// queue makes a queue and gives its URL.
func (c *cloud) queue(name string) string {
	input := object{"QueueName": name}
	if strings.HasSuffix(name, ".fifo") {
		input["Attributes"] = object{"FifoQueue": "true"}
	}
	return c.do("sqs", "CreateQueue", input)["QueueUrl"].(string)
}

// fill makes all that the integrations write to.
func (c *cloud) fill() {
	for _, name := range []string{"std", "ordered.fifo", "fromsns", "frombus"} {
		c.queue(name)
	}
	topic := c.do("sns", "CreateTopic", object{"Name": "news"})["TopicArn"]
	c.do("sns", "Subscribe", object{"TopicArn": topic, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:" + region + ":" + account + ":fromsns", "Attributes": object{"RawMessageDelivery": "true"}})
	c.do("events", "CreateEventBus", object{"Name": "bus"})
	c.do("events", "PutRule", object{"Name": "all", "EventBusName": "bus", "EventPattern": `{"source":["gantry"]}`})
	c.do("events", "PutTargets", object{"Rule": "all", "EventBusName": "bus", "Targets": []any{object{"Id": "1", "Arn": "arn:aws:sqs:" + region + ":" + account + ":frombus"}}})
	c.do("kinesis", "CreateStream", object{"StreamName": "clicks", "ShardCount": 2})
	c.s3(http.MethodPut, "/lake", "<CreateBucketConfiguration><LocationConstraint>"+region+"</LocationConstraint></CreateBucketConfiguration>")
	c.do("firehose", "CreateDeliveryStream", object{"DeliveryStreamName": "lake", "ExtendedS3DestinationConfiguration": object{
		"RoleARN": "arn:aws:iam::" + account + ":role/r", "BucketARN": "arn:aws:s3:::lake"}})
	c.do("stepfunctions", "CreateStateMachine", object{"name": "order", "roleArn": "arn:aws:iam::" + account + ":role/r",
		"definition": `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`})
	for _, table := range []string{"replaced", "newest"} {
		c.do("dynamodb", "CreateTable", object{"TableName": table, "BillingMode": "PAY_PER_REQUEST",
			"KeySchema":            []any{object{"AttributeName": "id", "KeyType": "HASH"}},
			"AttributeDefinitions": []any{object{"AttributeName": "id", "AttributeType": "S"}}})
	}
}

func (c *cloud) s3(method, path, send string) []byte {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(send))
	require.NoError(c.t, err)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/"+region+"/s3/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	require.Less(c.t, resp.StatusCode, 300, string(body))
	return body
}

// drain receives what a queue has now, in order.
func (c *cloud) drain(name string) []string {
	url := c.url + "/" + account + "/" + name
	var bodies []string
	for {
		got := list(c.do("sqs", "ReceiveMessage", object{"QueueUrl": url, "MaxNumberOfMessages": 10})["Messages"])
		if len(got) == 0 {
			return bodies
		}
		var done []any
		for n, m := range got {
			bodies = append(bodies, m.(object)["Body"].(string))
			done = append(done, object{"Id": fmt.Sprint(n), "ReceiptHandle": m.(object)["ReceiptHandle"]})
		}
		c.do("sqs", "DeleteMessageBatch", object{"QueueUrl": url, "Entries": done})
	}
}

func (c *cloud) stream() []string {
	var bodies []string
	for _, shard := range list(c.do("kinesis", "ListShards", object{"StreamName": "clicks"})["Shards"]) {
		at := c.do("kinesis", "GetShardIterator", object{"StreamName": "clicks", "ShardId": shard.(object)["ShardId"], "ShardIteratorType": "TRIM_HORIZON"})["ShardIterator"]
		for {
			out := c.do("kinesis", "GetRecords", object{"ShardIterator": at})
			got := list(out["Records"])
			if len(got) == 0 {
				break
			}
			for _, r := range got {
				bodies = append(bodies, string(r.(object)["Data"].([]byte)))
			}
			at = out["NextShardIterator"]
		}
	}
	return bodies
}

// lake reads what Firehose delivered; what was read before is not read again.
func (c *cloud) lake(known map[string][]string) []string {
	after := ""
	var bodies []string
	for {
		var page struct {
			IsTruncated bool
			Contents    []struct{ Key string }
		}
		require.NoError(c.t, xml.Unmarshal(c.s3(http.MethodGet, "/lake?list-type=2&start-after="+after, ""), &page))
		for _, o := range page.Contents {
			if known[o.Key] == nil {
				known[o.Key] = strings.Split(strings.TrimSpace(string(c.s3(http.MethodGet, "/lake/"+o.Key, ""))), "\n")
			}
			bodies = append(bodies, known[o.Key]...)
			after = o.Key
		}
		if !page.IsTruncated || len(page.Contents) == 0 {
			return bodies
		}
	}
}

func (c *cloud) executions() []string {
	var names []string
	input := object{"stateMachineArn": "arn:aws:states:" + region + ":" + account + ":stateMachine:order", "maxResults": 1000}
	for {
		out := c.do("stepfunctions", "ListExecutions", input)
		for _, e := range list(out["executions"]) {
			names = append(names, e.(object)["name"].(string))
		}
		if out["nextToken"] == nil {
			return names
		}
		input["nextToken"] = out["nextToken"]
	}
}

func (c *cloud) table(name string) map[string]string {
	have := map[string]string{}
	for _, item := range list(c.do("dynamodb", "Scan", object{"TableName": name})["Items"]) {
		have[item.(object)["id"].(object)["S"].(string)] = item.(object)["n"].(object)["N"].(string)
	}
	return have
}

// config is one function and one mapping for each integration, all on one topic.
func config(brokers []string, topic, endpoint string) string {
	functions := map[string]string{
		"std":        `{integration: sqs, timeout: 20s, settings: {queueUrl: "` + endpoint + `/` + account + `/std"}}`,
		"ordered":    `{integration: sqs, timeout: 20s, settings: {queueUrl: "` + endpoint + `/` + account + `/ordered.fifo"}}`,
		"news":       `{integration: sns, timeout: 20s, settings: {topicArn: "arn:aws:sns:` + region + `:` + account + `:news"}}`,
		"bus":        `{integration: eventbridge, timeout: 20s, settings: {bus: bus}}`,
		"clicks":     `{integration: kinesis, timeout: 20s, settings: {stream: clicks}}`,
		"lake":       `{integration: firehose, timeout: 20s, settings: {stream: lake}}`,
		"executions": `{integration: stepfunctions, timeout: 20s, settings: {stateMachineArn: "arn:aws:states:` + region + `:` + account + `:stateMachine:order"}}`,
		"replaced":   `{integration: dynamodb, timeout: 20s, settings: {table: replaced, keys: id}}`,
		"newest":     `{integration: dynamodb, timeout: 20s, settings: {table: newest, keys: id, write: newest}}`,
	}
	var b strings.Builder
	fmt.Fprintf(&b, "region: %s\naws: {endpoint: %q}\nclusters: {main: {brokers: [\"%s\"]}}\nfunctions:\n", region, endpoint, strings.Join(brokers, `", "`))
	for name, f := range functions {
		fmt.Fprintf(&b, "  %s: %s\n", name, f)
	}
	b.WriteString("mappings:\n")
	for name := range functions {
		fmt.Fprintf(&b, "  %s: {function: %s, cluster: main, topic: %s, batchSize: 60, maximumBatchingWindow: 0s, startingPosition: TRIM_HORIZON, consumerGroupId: %s-%s}\n", name, name, topic, topic, name)
	}
	return b.String()
}

func key(n int) string { return fmt.Sprintf("k%02d", n%keys) }

func produce(t *testing.T, cluster *kafkatest.Cluster, topic string, from, to int) {
	var load []*kgo.Record
	for n := from; n < to; n++ {
		load = append(load, &kgo.Record{Topic: topic, Key: []byte(key(n)), Value: fmt.Appendf(nil, `{"id":%q,"n":%d}`, key(n), n)})
	}
	kafkatest.Produce(t, cluster, load...)
}

// Throttles, partial failures, lost answers, an outage of the services and kill -9 of
// gantry: nothing is lost, and what the service can keep apart is there once.
func TestServicesGetEverything(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Shared(t)
	aws := newCloud(t)
	aws.fill()
	between := newProxy(t, aws.url)
	topic, total := kafkatest.Topic(t), kafkatest.Size(300, 3000)
	cluster.CreateTopic(t, topic, 4, nil)
	produce(t, cluster, topic, 0, total/2)
	g := gantrytest.Start(t, gantrytest.Options{Config: config(cluster.Brokers(), topic, between.URL), Env: environment("test", "test", "")})
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(g.CLI("status"))
			t.Log(between.count)
			for _, name := range []string{"executions", "std", "lake"} {
				t.Log(g.CLI("logs", name))
			}
		}
	})
	await(t, func() bool { return len(aws.executions()) > total/10 })
	g.Kill()
	g.Up()
	between.gone.Store(true)
	produce(t, cluster, topic, total/2, total)
	await(t, func() bool { return between.times("gone") > 9 })
	between.gone.Store(false)
	await(t, func() bool {
		n := len(aws.executions())
		t.Logf("%d executions", n)
		return n > total*6/10
	})
	g.Kill()
	g.Up()

	got, objects := map[string][]string{}, map[string][]string{}
	await(t, func() bool {
		for name, queue := range map[string]string{"std": "std", "ordered": "ordered.fifo", "news": "fromsns", "bus": "frombus"} {
			got[name] = append(got[name], aws.drain(queue)...)
		}
		got["clicks"], got["lake"] = aws.stream(), aws.lake(objects)
		for name := range got {
			if distinct(t, got[name]) < total {
				return false
			}
		}
		return len(aws.executions()) == total
	})
	for name, bodies := range got {
		t.Logf("%s: %d records, %d messages", name, total, len(bodies))
		if name == "ordered" || name == "clicks" {
			inOrder(t, name, bodies)
		}
	}
	require.Len(t, got["ordered"], total, "a FIFO queue has each record once")
	want := map[string]string{}
	for n := range total {
		want[key(n)] = fmt.Sprint(n)
	}
	await(t, func() bool { return maps.Equal(want, aws.table("replaced")) && maps.Equal(want, aws.table("newest")) })
	require.Len(t, between.due, len(partials)+2, "with StartExecution and PutItem")
	for operation, due := range between.due {
		require.Empty(t, due, "did not become of %s", operation)
	}
	t.Log(between.count)
}

// number is n of a record, whatever is around it.
func number(t *testing.T, body string) (id string, n int) {
	t.Helper()
	var doc struct {
		ID     string
		N      *int
		Detail struct {
			ID string
			N  int
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &doc), body)
	if doc.N == nil {
		return doc.Detail.ID, doc.Detail.N
	}
	return doc.ID, *doc.N
}

func distinct(t *testing.T, bodies []string) int {
	seen := map[int]bool{}
	for _, b := range bodies {
		_, n := number(t, b)
		seen[n] = true
	}
	return len(seen)
}

// inOrder: of each key, records stand in their order, where each is seen first.
func inOrder(t *testing.T, name string, bodies []string) {
	t.Helper()
	first, seen := map[string][]int{}, map[int]bool{}
	for _, b := range bodies {
		if id, n := number(t, b); !seen[n] {
			seen[n] = true
			first[id] = append(first[id], n)
		}
	}
	for id, list := range first {
		require.True(t, slices.IsSorted(list), "%s: key %s is out of order: %v", name, id, list)
	}
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("it does not come about within three minutes")
		case <-tick.C:
		}
	}
}
