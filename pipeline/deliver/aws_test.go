package deliver_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/function"
	"gantry/pipeline/deliver"
	"gantry/pipeline/encode"
	"gantry/record"
)

var givenUp = time.Date(2026, 1, 14, 0, 38, 6, 21e6, time.UTC)

func parcel() deliver.Parcel {
	at := time.Date(2026, 1, 14, 0, 38, 4, 835e6, time.UTC).UnixMilli()
	return deliver.Parcel{
		Partition: record.Partition{Topic: "orders", Index: 3}, Condition: "RetryAttemptsExhausted", Invoked: 2, At: givenUp,
		Records: []record.Record{
			{Offset: 100, Timestamp: at, Key: []byte("k"), Value: []byte("a")},
			{Offset: 101, Timestamp: at, Value: []byte("b")}, {Offset: 104, Timestamp: at + 745, Value: []byte(`{"c":"<d>"}`)},
		},
		Outcome: &function.Outcome{
			Class: function.Failed, RequestID: "11111111-2222-3333-4444-555555555555", StatusCode: 200, ExecutedVersion: "$LATEST",
			FunctionError: "Unhandled", Answer: []byte(`{"errorType":"OrderError","errorMessage":"order 42 of card 4111 is unknown"}`),
		},
	}
}

func way() deliver.AWS {
	return deliver.AWS{
		Name: "arn:aws:sqs:eu-west-1:123456789012:dead", Encoder: encode.New(encode.Envelope{EventSource: "SelfManagedKafka", Bootstrap: "b1:9092"}),
		Origin: deliver.Origin{MappingUUID: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", FunctionARN: "arn:aws:lambda:eu-west-1:123456789012:function:f", Bootstrap: "b1:9092"},
		Shown:  func(text string) string { return strings.ReplaceAll(text, "4111", "****") },
	}
}

type kept struct {
	body string
	with map[string]string
	key  string
	err  error
}

func (k *kept) Send(_ context.Context, body string, with map[string]string) error {
	k.body, k.with = body, with
	return k.err
}

func (k *kept) Put(_ context.Context, key string, body []byte, with map[string]string) error {
	k.key, k.body, k.with = key, string(body), with
	return k.err
}

// What SQS and SNS get: AWS's document with positions only, offsets as text; which of the
// offsets were given up stands beside it.
func TestADocumentWithPositions(t *testing.T) {
	t.Parallel()
	var got kept
	d := way()
	d.Sender = &got
	require.NoError(t, d.DeliverAll(t.Context(), parcel()))
	require.JSONEq(t, `{
		"requestContext": {"requestId": "11111111-2222-3333-4444-555555555555", "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:f",
			"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 2},
		"responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"version": "1.0", "timestamp": "2026-01-14T00:38:06.021Z",
		"KafkaBatchInfo": {"batchSize": 3, "bootstrapServers": "b1:9092", "payloadSize": `+size(t, parcel())+`,
			"recordsInfo": {"orders-3": {"firstRecordOffset": "100", "lastRecordOffset": "104",
				"firstRecordTimestamp": "2026-01-14T00:38:04.835Z", "lastRecordTimestamp": "2026-01-14T00:38:05.580Z"}}}
	}`, got.body)
	require.Equal(t, map[string]string{
		"gantry-mapping": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "gantry-offsets": "100-101,104",
		"gantry-error": "OrderError: order 42 of card **** is unknown",
	}, got.with)
}

func size(t *testing.T, p deliver.Parcel) string {
	t.Helper()
	event := way().Encoder.Append(nil, &record.Batch{Parts: []record.Part{{Lane: record.Lane{Topic: "orders", Partition: 3}, Records: p.Records}}})
	text, err := json.Marshal(len(event))
	require.NoError(t, err)
	return string(text)
}

// What S3 gets: the same with the event as text, under a name that is the same at each
// attempt and another for other records.
func TestAnObjectWithTheEvent(t *testing.T) {
	t.Parallel()
	var got, again, other kept
	d := way()
	d.Putter = &got
	p := parcel()
	p.Condition, p.Outcome, p.Note = "MaximumPayloadSizeExceeded", nil, "ann: too large"
	require.NoError(t, d.DeliverAll(t.Context(), p))
	var doc struct {
		RequestContext  struct{ Condition, RequestID string }
		ResponseContext *struct{}
		Payload         string
		KafkaBatchInfo  struct{ PayloadSize int }
	}
	require.NoError(t, json.Unmarshal([]byte(got.body), &doc))
	require.Equal(t, "MaximumPayloadSizeExceeded", doc.RequestContext.Condition)
	require.Nil(t, doc.ResponseContext)
	require.Contains(t, got.body, `"responseContext":null`)
	require.Len(t, doc.Payload, doc.KafkaBatchInfo.PayloadSize)
	var event struct {
		Records map[string][]struct{ Offset int64 }
	}
	require.NoError(t, json.Unmarshal([]byte(doc.Payload), &event))
	require.Len(t, event.Records["orders-3"], 3)
	require.Regexp(t, `^aws/lambda/6f9619ff-8b86-4d01-b42d-00cf4fc964ff/orders-3/2026/01/14/2026-01-14T00\.38\.06-[0-9a-f-]{36}$`, got.key)
	require.Equal(t, "ann: too large", got.with["gantry-skipped-by"])

	d.Putter = &again
	require.NoError(t, d.DeliverAll(t.Context(), p))
	require.Equal(t, got.key, again.key)
	d.Putter = &other
	p.Records = p.Records[1:]
	require.NoError(t, d.DeliverAll(t.Context(), p))
	require.NotEqual(t, got.key, other.key)
}

func TestADestinationThatFails(t *testing.T) {
	t.Parallel()
	d := way()
	d.Sender = &kept{err: errors.New("no way")}
	require.EqualError(t, d.DeliverAll(t.Context(), parcel()),
		"deliver the dead letter of orders-3 offsets 100 to 104 to arn:aws:sqs:eu-west-1:123456789012:dead: no way")
}
