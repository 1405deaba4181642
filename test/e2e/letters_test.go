package e2e_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/fakelambda"
	"gantry/internal/gantrytest"
	"gantry/internal/kafkatest"
)

var requestID = regexp.MustCompile(`"requestId": "[^"]*"`)

// A record that is given up arrives on a topic in AWS's shape, its key and headers kept.
func TestDeadLettersOnATopic(t *testing.T) {
	t.Parallel()
	c, topic := kafkatest.Shared(t), kafkatest.Topic(t)
	dead := topic + ".dead"
	c.CreateTopic(t, topic, 1, nil)
	c.CreateTopic(t, dead, 1, nil)
	fn := fakelambda.Start(t, fakelambda.Fail("OrderError", "order 42 is unknown"))
	g := gantrytest.Start(t, gantrytest.Options{Config: "functions: {orders: {http: " + fn.URL + "}}\n"})
	awaitFunction(t, g, "orders")
	in := apiMapping("orders", topic, c.Brokers()[0])
	in.MaximumRetryAttempts = aws.Int32(2)
	in.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("kafka://" + dead)}}
	made, err := g.Lambda().CreateEventSourceMapping(t.Context(), in)
	require.NoError(t, err)
	kafkatest.Produce(t, c, &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte(`{"id":42}`), Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte("t")}}})
	settles(t, c, aws.ToString(made.UUID), topic)
	require.Len(t, fn.Calls(), 3, "the first attempt and two retries")

	fetches := c.Client(t, kgo.ConsumeTopics(dead)).PollFetches(t.Context())
	require.NoError(t, fetches.Err())
	letters := fetches.Records()
	require.Len(t, letters, 1)
	require.Equal(t, "k", string(letters[0].Key))
	headers := map[string]string{}
	for _, h := range letters[0].Headers {
		headers[h.Key] = string(h.Value)
	}
	require.Equal(t, "t", headers["trace"])
	require.Equal(t, []string{"3", "0", topic, "RetriesExhausted"},
		[]string{headers["gantry-attempts"], headers["gantry-offset"], headers["gantry-topic"], headers["gantry-condition"]})
	text := strings.NewReplacer(topic, "orders", c.Brokers()[0], "broker:9092").Replace(indented(t, string(letters[0].Value)))
	text = requestID.ReplaceAllString(timeText.ReplaceAllString(text, "TIME"), `"requestId": "ID"`)
	text = regexp.MustCompile(`("timestamp"|"payloadSize"): \d+`).ReplaceAllString(text, `$1: "N"`)
	matchFile(t, "testdata/dead-letter.json", text, "dead letter")
}
