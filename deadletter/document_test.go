package deadletter

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/cloud/places"
	"gantry/record"
)

// The documents are AWS's own samples (kafka-on-failure), shortened.
const positions = `{"requestContext":{"requestId":"r","functionArn":"arn:aws:lambda:eu-west-1:123456789012:function:f","condition":"RetryAttemptsExhausted","approximateInvokeCount":1},
"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"version":"1.0","timestamp":"2026-01-14T00:38:06.021Z",
"KafkaBatchInfo":{"batchSize":3,"eventSourceArn":"arn:aws:kafka:…","bootstrapServers":"b1:9092","payloadSize":2039086,
"recordsInfo":{"my-orders-0":{"firstRecordOffset":"100","lastRecordOffset":"104","firstRecordTimestamp":"2026-01-14T00:38:04.835Z","lastRecordTimestamp":"2026-01-14T00:38:05.580Z"}}}}`

const onTopic = `{"requestContext":{"functionArn":"arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":1},
"responseContext":null,"version":"1.0","timestamp":"2026-01-14T00:38:06.021Z","KafkaBatchInfo":{"batchSize":1,"recordInfo":{"offset":"7","timestamp":"2026-01-14T00:38:04.835Z"}},
"payload":{"eventSource":"aws:kafka","records":{"my-orders-0":[{"topic":"my-orders","partition":0,"offset":7,"timestamp":1,"timestampType":"CREATE_TIME","value":"YQ==","headers":[{"h":[-1,65]}]}]}}}`

func TestDocumentsOfAWS(t *testing.T) {
	t.Parallel()
	l, ok := read([]byte(positions))
	require.True(t, ok)
	require.Equal(t, []Span{{"my-orders", 0, 100, 104}}, l.Spans)
	require.False(t, l.Exact, "three of five, and nobody says which")
	require.Equal(t, "Unhandled", l.Error)
	l.exactly("100-101,104")
	require.True(t, l.Exact)
	require.Len(t, l.positions(), 3)

	l, ok = ofTopic("dead", 2, record.Record{Offset: 9, Key: nil, Value: []byte(onTopic)})
	require.True(t, ok)
	require.Equal(t, "dead-2-9", l.ID)
	require.Equal(t, "f", l.FunctionName())
	require.Equal(t, record.Position{Topic: "my-orders", Partition: 0, Offset: 7}, l.Records[0].At)
	require.Nil(t, l.Records[0].Key)
	require.Equal(t, []record.Header{{Key: "h", Value: []byte{255, 65}}}, l.Records[0].Headers)
	require.Equal(t, "dead-2-9", l.unitID(l.Records[0].At))

	for _, text := range []string{"", "null", "{}", `{"requestContext":{}}`, `{"requestContext":{},"KafkaBatchInfo":{}}`, `[1]`} {
		_, ok := read([]byte(text))
		require.False(t, ok, text)
	}
}

func TestALetterThroughSNS(t *testing.T) {
	t.Parallel()
	body := `{"Type":"Notification","Message":` + quote(positions) + `,"MessageAttributes":{"gantry-offsets":{"Type":"String","Value":"100,102,104"},"gantry-error":{"Type":"String","Value":"no card"}}}`
	l, ok := ofMessage(places.Message{ID: "m", Receipt: "r", Body: body, Attributes: map[string]string{}})
	require.True(t, ok)
	require.True(t, l.Exact)
	require.Equal(t, "no card", l.Error)
	require.Equal(t, "m#my-orders-0-102", l.unitID(l.positions()[1]))
}

func quote(s string) string {
	text, _ := json.Marshal(s) // a text always can be
	return string(text)
}

// A record that had been a letter before keeps the headers it had then; only the newest
// facts are gantry's.
func TestFactsOfTheLastTime(t *testing.T) {
	t.Parallel()
	h := func(k, v string) record.Header { return record.Header{Key: k, Value: []byte(v)} }
	own, facts := apart([]record.Header{h("a", "1"), h("gantry-mapping", "forged"), h("gantry-topic", "x"), h("gantry-mapping", "m"), h("gantry-topic", "t")})
	require.Len(t, own, 3)
	require.Equal(t, map[string]string{"gantry-mapping": "m", "gantry-topic": "t"}, facts)
	headers := again([]record.Header{h("a", "1"), h(HeaderRedriveCount, "1"), h(HeaderRedriveOf, "dead-0-1")}, "dead-0-2", 2)
	require.Equal(t, []record.Header{h("a", "1"), h(HeaderRedriveOf, "dead-0-1"), h(HeaderRedriveCount, "2"), h(HeaderRedriveOf, "dead-0-2")}, headers)
	require.Equal(t, 2, countOf(headers))
}

func TestErrorsThatAreAlike(t *testing.T) {
	t.Parallel()
	require.Equal(t, alike("order 42 of 6f9619ff-8b86-4d01-b42d-00cf4fc964ff is unknown"), alike("order 7 of 0f9619ff-8b86-4d01-b42d-00cf4fc964ff is unknown\nat line 3"))
	require.NotEqual(t, alike("order 42 is unknown"), alike("card 42 is unknown"))
}
