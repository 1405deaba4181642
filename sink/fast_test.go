package sink

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const plainEvent = `{"eventSource":"SelfManagedKafka","bootstrapServers":"a:9092,b:9092","records":{` +
	`"orders-1":[{"topic":"orders","partition":1,"offset":0,"timestamp":1767323045000,"timestampType":"CREATE_TIME","key":"MQ==","value":"eyJhIjoxfQ==","headers":[]},` +
	`{"topic":"orders","partition":1,"offset":7,"timestamp":0,"timestampType":"LOG_APPEND_TIME","value":"","headers":[]}],` +
	`"orders-0":[{"topic":"orders","partition":0,"offset":123456789012,"timestamp":1,"timestampType":"CREATE_TIME","key":"MQ==","headers":[]}]}}`

func TestTheFastWayReadsWhatGantryWrites(t *testing.T) {
	t.Parallel()
	_, ok := fast([]byte(plainEvent))
	require.True(t, ok)
}

// FuzzFast holds the fast way against the one that reads any JSON: what it takes it reads
// as the other does.
func FuzzFast(f *testing.F) {
	f.Add([]byte(plainEvent))
	f.Add([]byte(`{"eventSource":"aws:kafka","records":{"a-0":[{"topic":"\u0061","partition":0,"offset":1,"timestamp":1,"timestampType":"CREATE_TIME","headers":[]}]}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, ok := fast(payload)
		if !ok {
			return
		}
		want, err := slow(payload)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}
