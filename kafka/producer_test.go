package kafka

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/record"
)

func openProducer(t *testing.T, c Cluster) *Producer {
	t.Helper()
	p, err := NewProducer(c)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func TestProducedRecordsAreThereWhenProduceReturns(t *testing.T) {
	t.Parallel()
	_, brokers := fake(t, kfake.SeedTopics(1, "orders"))
	p := openProducer(t, Cluster{Brokers: brokers})
	at := time.UnixMilli(1_700_000_000_000)
	positions, err := p.Produce(t.Context(), "orders",
		Message{Key: []byte("k"), Value: []byte("v"), Timestamp: at, Headers: []record.Header{{Key: "h", Value: []byte("1")}, {Key: "h"}}},
		Message{}, Message{Value: []byte{}},
	)
	require.NoError(t, err)
	require.Equal(t, []record.Position{{Topic: "orders", Offset: 0}, {Topic: "orders", Offset: 1}, {Topic: "orders", Offset: 2}}, positions)

	reader := newClient(t, brokers, kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var got []*kgo.Record
	for len(got) < 3 {
		fetches := reader.PollFetches(t.Context())
		require.NoError(t, fetches.Err())
		got = append(got, fetches.Records()...)
	}
	require.Equal(t, "k", string(got[0].Key))
	require.Equal(t, "v", string(got[0].Value))
	require.Equal(t, at.UnixMilli(), got[0].Timestamp.UnixMilli())
	require.Equal(t, []kgo.RecordHeader{{Key: "h", Value: []byte("1")}, {Key: "h"}}, got[0].Headers)
	require.Nil(t, got[1].Key)
	require.Nil(t, got[1].Value, "null stays null")
	require.NotNil(t, got[2].Value, "empty stays empty")
}

func TestAnUnknownTopicFailsFastAndIsFoundOnceItIsThere(t *testing.T) {
	t.Parallel()
	_, brokers := fake(t)
	p := openProducer(t, Cluster{Brokers: brokers})
	began := time.Now()
	positions, err := p.Produce(t.Context(), "orders", Message{Value: []byte("x")}, Message{Value: []byte("y")})
	require.ErrorIs(t, err, ErrUnknownTopic)
	require.ErrorContains(t, err, "write 2 records to topic orders")
	require.Less(t, time.Since(began), 3*time.Second)
	require.Equal(t, int64(-1), positions[0].Offset)

	admin := openAdmin(t, Cluster{Brokers: brokers})
	_, err = admin.admin.CreateTopic(t.Context(), 1, 1, nil, "orders")
	require.NoError(t, err)
	_, err = p.Produce(t.Context(), "orders", Message{Value: []byte("x")})
	require.NoError(t, err)
}

func TestTheSizeLimitIsTheTopics(t *testing.T) {
	t.Parallel()
	_, brokers := fake(t)
	admin := openAdmin(t, Cluster{Brokers: brokers})
	small, large := "20000", "5000000"
	_, err := admin.admin.CreateTopic(t.Context(), 1, 1, map[string]*string{"max.message.bytes": &small}, "small")
	require.NoError(t, err)
	_, err = admin.admin.CreateTopic(t.Context(), 1, 1, map[string]*string{"max.message.bytes": &large}, "large")
	require.NoError(t, err)
	p := openProducer(t, Cluster{Brokers: brokers})

	_, err = p.Produce(t.Context(), "large", Message{Value: bytes.Repeat([]byte("x"), 4_000_000)})
	require.NoError(t, err, "a topic of large records takes a large one")

	positions, err := p.Produce(t.Context(), "small", Message{Value: []byte("fits")}, Message{Value: bytes.Repeat([]byte("x"), 30_000)})
	require.ErrorIs(t, err, ErrTooLarge)
	require.ErrorContains(t, err, "20000 bytes")
	require.Equal(t, []int64{0, -1}, []int64{positions[0].Offset, positions[1].Offset}, "what fits is written")
}

func TestProduceEndsWithItsContext(t *testing.T) {
	t.Parallel()
	p := openProducer(t, Cluster{Brokers: []string{closedPort}})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := p.Produce(ctx, "orders", Message{Value: []byte("x")})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Contains(t, Diagnose(err).Cause, "nothing listens at that address")
}
