package letters_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

const (
	queueARN  = "arn:aws:sqs:eu-west-1:123456789012:orders-dead"
	snsARN    = "arn:aws:sns:eu-west-1:123456789012:orders-dead"
	fanOutARN = "arn:aws:sqs:eu-west-1:123456789012:orders-dead-subscribed"
)

// cloud is an AWS API server with an empty queue, topic and bucket.
func cloud(t *testing.T) string {
	t.Helper()
	program := gantrytest.Kit(t, "venv-ministack", "ministack")
	port := fmt.Sprint(gantrytest.FreePort(t))
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "MINISTACK_REGION=eu-west-1",
		"MINISTACK_ACCOUNT_ID=123456789012", "STATE_DIR="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	api := "http://127.0.0.1:" + port
	require.Eventually(t, func() bool {
		res, err := http.Get(api + "/_ministack/health")
		return err == nil && res.Body.Close() == nil
	}, 60*time.Second, 50*time.Millisecond, "MiniStack does not answer")
	for _, name := range []string{"orders-dead", "orders-dead-subscribed"} {
		call(t, api, "sqs", url.Values{"Action": {"CreateQueue"}, "QueueName": {name}, "Version": {"2012-11-05"}})
	}
	call(t, api, "sns", url.Values{"Action": {"CreateTopic"}, "Name": {"orders-dead"}, "Version": {"2010-03-31"}})
	call(t, api, "sns", url.Values{"Action": {"Subscribe"}, "TopicArn": {snsARN}, "Protocol": {"sqs"}, "Endpoint": {fanOutARN}, "Version": {"2010-03-31"}})
	send(t, http.MethodPut, api+"/orders-bucket", "s3", "", strings.NewReader(`<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>`))
	return api
}

// call is an action of the query protocol.
func call(t *testing.T, api, service string, form url.Values) string {
	t.Helper()
	return send(t, http.MethodPost, api+"/", service, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

func send(t *testing.T, method, at, service, kind string, body io.Reader) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, at, body)
	require.NoError(t, err)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Less(t, res.StatusCode, 300, string(text))
	return string(text)
}

// given starts a gantry whose letters go to AWS and waits until n orders were given up.
func given(t *testing.T, c *kafkatest.Cluster, s *shop, api, topic, to string, n int64) *gantrytest.Gantry {
	t.Helper()
	config := fmt.Sprintf("aws: {region: eu-west-1, endpoint: %q}\n", api) + configOf(c, s, topic, "batchSize: 3, onFailure: \""+to+"\"")
	g := gantrytest.Start(t, gantrytest.Options{Config: config, Env: []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true"}})
	require.Eventually(t, func() bool {
		var sum int64
		for _, at := range c.Committed(t, "gantry.orders", topic) {
			sum += at
		}
		return sum == n
	}, 2*time.Minute, 50*time.Millisecond, "the letters are never taken:\n%s", g.Log())
	return g
}

// awsCase is a place in AWS: where letters go, and where they are read.
type awsCase struct {
	to, from string
	payload  bool
}

// To SQS, SNS and S3 and back: AWS's documents, expired positions reported, every record
// redriven once, queues empty in the end.
func TestLettersInAWS(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	for name, place := range map[string]awsCase{
		"sqs": {to: queueARN}, "sns": {to: snsARN, from: fanOutARN}, "s3": {to: "s3://orders-bucket", payload: true},
	} {
		t.Run(name, func(t *testing.T) {
			if t.Parallel(); name == "sns" {
				kafkatest.Whole(t)
			}
			thereAndBack(t, c, cloud(t), place)
		})
	}
}

func thereAndBack(t *testing.T, c *kafkatest.Cluster, api string, place awsCase) {
	topic := kafkatest.Topic(t)
	c.CreateTopic(t, topic, 1, nil)
	orders(t, c, topic, 1, 12)
	s := newShop(t)
	g := given(t, c, s, api, topic, place.to, 12)
	examined, _ := g.CLI("doctor", "mapping", "orders") // it fails for the function
	require.Regexp(t, `ok +reach the destination arn:aws:`, examined)
	from := []string{}
	if place.from != "" {
		from = []string{"--from", place.from}
		_, code := g.CLI("deadletters", "list", "orders")
		require.Equal(t, 1, code, "an SNS topic can't be listed")
	}
	with := func(words ...string) []string { return append(words, from...) }

	list := ask[listed](t, g, with("list", "orders")...)
	require.EqualValues(t, 4, list.Summary.Matched, "one letter for each batch of three")
	for _, l := range list.Letters {
		require.Equal(t, 3, l.Count)
		require.Regexp(t, `^CardError: the card of order \d+ is expired$`, l.Error)
	}
	shown := ask[letter](t, g, with("show", "orders", list.Letters[0].ID)...)
	require.Len(t, shown.Records, 3, "the records are read")
	require.Len(t, shown.Records[0].Headers, 2)

	// The first batch expires; where positions are all there is, it can't be redriven.
	_, err := c.Admin(t).DeleteRecords(t.Context(), kadm.Offsets{topic: {0: {Topic: topic, Partition: 0, At: 3}}})
	require.NoError(t, err)
	s.repair(causes...)
	want, expired := int64(9), int64(3)
	if place.payload {
		want, expired = 12, 0
	}
	// One letter goes through the topic, where the mapping reads its records again.
	require.EqualValues(t, 3, redrive(t, g, with("orders", "--to", "topic", "--error", "order 9 ")...).Totals.Redriven)
	require.Eventually(t, func() bool { taken, _ := s.counts(); return taken == 3 }, time.Minute, 50*time.Millisecond)
	require.Equal(t, "1", s.headersOf(9)["gantry-redrive-count"])
	want -= 3
	plan := ask[totals](t, g, with("redrive", "orders", "--to", "function")...)
	require.Equal(t, want, plan.Totals.Redriven)
	require.Equal(t, expired, plan.Totals.Expired)
	done := redrive(t, g, with("orders", "--to", "function")...)
	require.Equal(t, want, done.Totals.Redriven)
	require.Equal(t, expired, done.Totals.Expired)
	taken, twice := s.counts()
	require.EqualValues(t, want+3, taken)
	require.Empty(t, twice)
	require.Equal(t, "1", s.headersOf(5)["gantry-redrive-count"])

	again := redrive(t, g, with("orders", "--to", "topic", "--drop-expired")...)
	require.Zero(t, again.Totals.Redriven)
	require.Equal(t, expired, again.Totals.Expired)
	if !place.payload {
		require.Zero(t, ask[listed](t, g, with("list", "orders")...).Summary.Matched, "the queue is not empty")
		return
	}
	require.EqualValues(t, 4, ask[listed](t, g, "list", "orders", "--state", "redriven").Summary.Matched)
	require.Contains(t, send(t, http.MethodGet, api+"/orders-bucket/"+list.Letters[0].ID+"?tagging", "s3", "", nil), "gantry-redriven")
}

// What lies in AWS is AWS's document, member by member; offsets are text, S3 has the event
// as text.
func TestDocumentsInAWS(t *testing.T) {
	t.Parallel()
	c, api, topic := kafkatest.Shared(t), cloud(t), kafkatest.Topic(t)
	c.CreateTopic(t, topic, 1, nil)
	orders(t, c, topic, 1, 3)
	s := newShop(t)
	g := given(t, c, s, api, topic, queueARN, 3)
	answer := call(t, api, "sqs", url.Values{
		"Action": {"ReceiveMessage"}, "QueueUrl": {api + "/123456789012/orders-dead"}, "Version": {"2012-11-05"}, "MessageAttributeName.1": {"All"},
	})
	require.Contains(t, answer, "gantry-offsets")
	_, body, ok := strings.Cut(answer, "<Body>")
	require.True(t, ok, answer)
	body, _, _ = strings.Cut(body, "</Body>")
	body = strings.NewReplacer("&quot;", `"`, "&amp;", "&").Replace(body)
	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &doc), body)
	require.ElementsMatch(t, []string{"requestContext", "responseContext", "version", "timestamp", "KafkaBatchInfo"}, keysOf(doc))
	asked, info := doc["requestContext"].(map[string]any), doc["KafkaBatchInfo"].(map[string]any)
	require.ElementsMatch(t, []string{"requestId", "functionArn", "condition", "approximateInvokeCount"}, keysOf(asked))
	require.Equal(t, "RetryAttemptsExhausted", asked["condition"])
	require.ElementsMatch(t, []string{"batchSize", "bootstrapServers", "payloadSize", "recordsInfo"}, keysOf(info))
	span := info["recordsInfo"].(map[string]any)[topic+"-0"].(map[string]any)
	require.Equal(t, []any{"0", "2"}, []any{span["firstRecordOffset"], span["lastRecordOffset"]})
	require.Contains(t, g.MustCLI("iam", "orders"), "sqs:SendMessage")
}

func keysOf(m map[string]any) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// A destination in AWS that is away holds the partition, visibly, and takes the letters
// when it is back.
func TestADestinationInAWSThatIsAway(t *testing.T) {
	kafkatest.Whole(t)
	t.Parallel()
	c, topic := kafkatest.Shared(t), kafkatest.Topic(t)
	c.CreateTopic(t, topic, 1, nil)
	orders(t, c, topic, 1, 1)
	s, api := newShop(t), cloud(t)
	call(t, api, "sqs", url.Values{"Action": {"DeleteQueue"}, "QueueUrl": {api + "/123456789012/orders-dead"}, "Version": {"2012-11-05"}})
	config := fmt.Sprintf("aws: {region: eu-west-1, endpoint: %q}\n", api) + configOf(c, s, topic, "onFailure: \""+queueARN+"\"")
	g := gantrytest.Start(t, gantrytest.Options{Config: config, Env: []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"}})
	require.Eventually(t, func() bool {
		out, _ := g.CLI("status")
		return strings.Contains(out, "sqs:SendMessage")
	}, 2*time.Minute, 100*time.Millisecond, "status does not say what is wrong")
	require.Zero(t, c.Committed(t, "gantry.orders", topic)[0])
	call(t, api, "sqs", url.Values{"Action": {"CreateQueue"}, "QueueName": {"orders-dead"}, "Version": {"2012-11-05"}})
	require.Eventually(t, func() bool { return c.Committed(t, "gantry.orders", topic)[0] == 1 }, 2*time.Minute, 100*time.Millisecond)
	require.EqualValues(t, 1, ask[listed](t, g, "list", "orders").Summary.Matched)
}
