package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	broker "gantry/kafka"

	"gantry/integration/kafka"
	"gantry/record"
	"gantry/sink"
)

type fake struct {
	wrote map[string][]sink.Message
	err   error
}

func (f *fake) Produce(_ context.Context, topic string, messages []sink.Message) []error {
	errs := make([]error, len(messages))
	for i, m := range messages {
		if f.err != nil && string(m.Key) == "bad" {
			errs[i] = f.err
			continue
		}
		f.wrote[topic] = append(f.wrote[topic], m)
	}
	return errs
}

func (f *fake) Close() {}

func open(t *testing.T, f *fake, s sink.Settings) sink.Sink {
	t.Helper()
	full, err := kafka.Spec().Prepare(s)
	require.NoError(t, err)
	made, err := kafka.Spec().New(full, sink.Deps{Kafka: func(_ context.Context, to sink.Cluster) (sink.Producer, error) {
		require.Equal(t, "cloud", to.Name)
		f.wrote = map[string][]sink.Message{}
		return f, nil
	}}.WithDefaults())
	require.NoError(t, err)
	return made
}

func TestRecordsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := open(t, f, sink.Settings{"cluster": "cloud", "topic": "copy.{{ .topic }}", "partition": "same"})
	at := time.UnixMilli(1700000000123).UTC()
	result, err := s.Write(t.Context(), []sink.Record{
		{Topic: "orders", Partition: 3, Offset: 9, Time: at, Key: []byte("k"), Value: []byte("v"), Headers: []record.Header{{Key: "h", Value: nil}}},
		{Topic: "orders", Partition: 3, Offset: 10, Time: at, Key: []byte("k")},
	})
	require.NoError(t, err)
	require.Empty(t, result.Failed)
	require.Len(t, f.wrote["copy.orders"], 2)
	m := f.wrote["copy.orders"][0]
	require.Equal(t, "k v 3 2023-11-14 22:13:20.123 +0000 UTC", fmt.Sprintf("%s %s %d %s", m.Key, m.Value, m.Partition, m.Time))
	require.Equal(t, []record.Header{{Key: "h"}, {Key: "gantry-source-topic", Value: []byte("orders")}, {Key: "gantry-source-partition", Value: []byte("3")}, {Key: "gantry-source-offset", Value: []byte("9")}}, m.Headers)
	require.Nil(t, f.wrote["copy.orders"][1].Value, "a tombstone stays one")
	require.NoError(t, s.Close())
}

func TestWhatTheOtherClusterRefuses(t *testing.T) {
	t.Parallel()
	for err, cause := range map[error]sink.Cause{
		fmt.Errorf("x: %w", broker.ErrTooLarge): sink.Refused, fmt.Errorf("x: %w", broker.ErrUnknownTopic): sink.Misconfigured, errors.New("gone"): sink.Failed,
	} {
		s := open(t, &fake{err: err}, sink.Settings{"cluster": "cloud", "topic": "t"})
		result, werr := s.Write(t.Context(), []sink.Record{{Topic: "a", Key: []byte("ok")}, {Topic: "a", Key: []byte("bad"), Offset: 1}})
		require.NoError(t, werr)
		require.Len(t, result.Failed, 1)
		require.Equal(t, 1, result.Failed[0].Index)
		require.Equal(t, cause, sink.CauseOf(result.Failed[0].Err))
	}
	require.ErrorContains(t, kafka.Spec().Check(sink.Settings{"topic": "t"}), "exactly one of cluster and brokers")
	require.ErrorContains(t, kafka.Spec().Check(sink.Settings{"topic": "t", "brokers": "b:1", "mechanism": "PLAIN"}), "login: ")
}
