package encode

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"gantry/record"
)

// FuzzEncoder: whatever a record holds, its event is JSON that AWS's own type reads back
// to the same record, and the arithmetic of its size is exact.
func FuzzEncoder(f *testing.F) {
	f.Add("orders", int32(3), int64(7), int64(1767225600123), []byte("key"), []byte(`{"id":1}`), "trace", []byte{0, 255}, true)
	f.Add("o.r-d_e", int32(0), int64(0), int64(-1), []byte(nil), []byte{}, "a\"\n\xff\u2028", []byte(nil), false)
	f.Fuzz(func(t *testing.T, topic string, partition int32, offset, timestamp int64, key, value []byte, header string, headerValue []byte, logAppend bool) {
		r := record.Record{
			Offset: offset, Timestamp: timestamp, Key: key, Value: value, LogAppend: logAppend,
			Headers: []record.Header{{Key: header, Value: headerValue}, {Key: "x"}},
		}
		id := record.Partition{Topic: topic, Index: partition}
		e := New(selfManaged)
		r.Size = int32(e.Size(&r, id))
		b := record.Batch{Parts: []record.Part{{Lane: record.Lane{Topic: topic, Partition: partition}, Records: []record.Record{r, r}}}}
		event := e.Append(nil, &b)
		require.Len(t, event, e.BatchSize(&b))
		var read events.KafkaEvent
		require.NoError(t, json.Unmarshal(event, &read), "%s", event)
		require.Len(t, read.Records, 1)
		for _, records := range read.Records {
			require.Len(t, records, 2)
			got := records[1]
			require.Equal(t, offset, got.Offset)
			require.Equal(t, int64(partition), got.Partition)
			require.Equal(t, key, plain(t, got.Key, key == nil))
			require.Equal(t, value, plain(t, got.Value, value == nil))
			require.Len(t, got.Headers, 2)
			for _, bytes := range got.Headers[0] {
				require.Equal(t, string(headerValue), string(bytes))
			}
		}
	})
}

// plain takes a key or value out of its base64; an absent one is nil.
func plain(t *testing.T, text string, absent bool) []byte {
	t.Helper()
	if absent {
		require.Empty(t, text)
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	return b
}
