package deliver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/pipeline/deliver"
	"gantry/pipeline/encode"
	"gantry/record"
)

// broker takes messages up to its limit.
type broker struct {
	limit   int
	err     error
	refused int
	taken   []deliver.Message
}

func (b *broker) Produce(_ context.Context, m deliver.Message) error {
	switch size := len(m.Key) + len(m.Value); {
	case b.err != nil:
		return b.err
	case size > b.limit:
		b.refused++
		return fmt.Errorf("%d bytes: %w", size, deliver.ErrTooLarge)
	}
	b.taken = append(b.taken, m)
	return nil
}

func topicOf(b *broker) *deliver.Topic {
	return &deliver.Topic{
		Name: "orders.dead", Producer: b, Encoder: encode.New(encode.Envelope{EventSource: "SelfManagedKafka", Bootstrap: "b1:9092"}),
		Origin: deliver.Origin{MappingUUID: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", FunctionARN: "arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST", Bootstrap: "b1:9092"},
	}
}

func headersOf(m deliver.Message) map[string]string {
	all := map[string]string{}
	for _, h := range m.Headers {
		all[h.Key] = string(h.Value)
	}
	return all
}

// read is what a document says of its record.
type read struct {
	RequestContext struct{ Condition string }
	KafkaBatchInfo struct {
		PayloadSize int
		RecordInfo  struct{ Offset string }
	}
	Payload json.RawMessage
}

func documentIn(t *testing.T, text string) (d read) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &d), text)
	return d
}

// A letter that fits is AWS's document; one that does not is the record as it was, the
// document without it in a header: no letter is lost because it is large.
func TestALetterOverTheLimitIsTheRecordItself(t *testing.T) {
	t.Parallel()
	p := parcel()
	p.Records[2].Headers = []record.Header{{Key: "trace", Value: []byte("abc")}, {Key: "none"}}
	p.Records[2].Key = []byte("customer-7")
	l := p.Letter(2)

	roomy := &broker{limit: 10_000}
	require.NoError(t, topicOf(roomy).Deliver(t.Context(), l))
	require.Len(t, roomy.taken, 1)
	fits := documentIn(t, string(roomy.taken[0].Value))
	require.Equal(t, "RetriesExhausted", fits.RequestContext.Condition)
	require.Len(t, fits.Payload, fits.KafkaBatchInfo.PayloadSize)
	require.NotContains(t, headersOf(roomy.taken[0]), deliver.HeaderDocument)

	narrow := &broker{limit: 50}
	require.NoError(t, topicOf(narrow).Deliver(t.Context(), l))
	require.Equal(t, 1, narrow.refused)
	require.Len(t, narrow.taken, 1)
	got := narrow.taken[0]
	require.Equal(t, "orders.dead", got.Topic)
	require.Equal(t, "customer-7", string(got.Key))
	require.Equal(t, `{"c":"<d>"}`, string(got.Value))
	require.Equal(t, p.Records[2].Headers, got.Headers[:2], "the record's own come first")
	facts := headersOf(got)
	require.Equal(t, "metadata", facts[deliver.HeaderDocument])
	require.Equal(t, "RetriesExhausted", facts[deliver.HeaderCondition])
	require.Equal(t, "104", facts[deliver.HeaderOffset])
	bare := documentIn(t, facts[deliver.HeaderDocument+"-value"])
	require.Equal(t, "RetriesExhausted", bare.RequestContext.Condition)
	require.Equal(t, "104", bare.KafkaBatchInfo.RecordInfo.Offset)
	require.Empty(t, bare.Payload)
}

// What no topic takes is an error, not a loss; a tombstone stays one.
func TestALetterThatIsNotTaken(t *testing.T) {
	t.Parallel()
	l := parcel().Letter(0)
	require.ErrorIs(t, topicOf(&broker{limit: 1}).Deliver(t.Context(), l), deliver.ErrTooLarge)
	gone := errors.New("the brokers are away")
	err := topicOf(&broker{err: gone}).Deliver(t.Context(), l)
	require.ErrorIs(t, err, gone)
	require.ErrorContains(t, err, "deliver the dead letter of orders/3@100 to topic orders.dead")

	l.Record.Value = nil
	small := &broker{limit: 1}
	require.NoError(t, topicOf(small).Deliver(t.Context(), l))
	require.Nil(t, small.taken[0].Value, "a tombstone stays one")
}
