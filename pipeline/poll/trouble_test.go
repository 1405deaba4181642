package poll_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
	"gantry/mapping"
	"gantry/pipeline/poll"
	"gantry/record"
)

// listener counts what a poller reports.
type listener struct{ troubles, records atomic.Int64 }

func (l *listener) Size(*record.Record, record.Partition) int   { return 1 }
func (l *listener) Ready(ctx context.Context) error             { return ctx.Err() }
func (l *listener) Assigned(map[record.Partition]record.Offset) {}
func (l *listener) Revoked([]record.Partition)                  {}
func (l *listener) Lost([]record.Partition)                     {}
func (l *listener) SourceLoss(mapping.Loss)                     {}
func (l *listener) Records(chunks []poll.Chunk) {
	for _, c := range chunks {
		l.records.Add(int64(len(c.Records)))
	}
}

func (l *listener) Trouble(err error) {
	if err != nil {
		l.troubles.Add(1)
	}
}

// A broker that refuses every fetch answers at once, and the client asks again at once:
// without a rest that is as fast as the two can go.
func TestARefusedFetchIsNotRepeatedAtFullSpeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, seen := kafkatest.Virtual(t), &listener{}
		require.NoError(t, f.CreateTopic("orders", 1, nil))
		kafkatest.ProduceValues(t, f, "orders", 0, "a")
		const refusals = 3000
		f.FailFetches("orders", refusals, kerr.TopicAuthorizationFailed)
		p, err := poll.New(poll.Config{
			Options: []kgo.Opt{kgo.SeedBrokers(f.Brokers()...), kgo.Dialer(f.Dial)}, Group: "g", Topics: []string{"orders"},
			Positions: map[string]map[int32]int64{"orders": {0: 0}}, Log: slog.New(slog.DiscardHandler),
		}, seen)
		require.NoError(t, err)
		p.Use(nil, seen)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); p.Run(ctx) }()
		time.Sleep(20 * time.Second) // the bubble's clock
		require.Positive(t, seen.troubles.Load())
		require.LessOrEqual(t, seen.troubles.Load(), int64(210))
		time.Sleep(15 * time.Minute)
		require.EqualValues(t, 1, seen.records.Load(), "what was refused comes when it is allowed")
		stop()
		<-done
		require.NoError(t, p.Close(context.Background()))
	})
}
