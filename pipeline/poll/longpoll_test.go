package poll_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/internal/kafkatest"
	"gantry/pipeline/poll"
	"gantry/record"
)

// fetches notes the wait that each fetch asks the broker for.
type fetches struct {
	mu    sync.Mutex
	waits []time.Duration
}

func (s *fetches) listen(f *kafkatest.Fake) {
	f.ControlKey(kmsg.Fetch.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		s.mu.Lock()
		defer s.mu.Unlock()
		asked := req.(*kmsg.FetchRequest)
		s.waits = append(s.waits, time.Millisecond*time.Duration(asked.MaxWaitMillis))
		return nil, nil, false
	})
}

// during gives the fetches of the next d.
func (s *fetches) during(d time.Duration) []time.Duration {
	s.mu.Lock()
	s.waits = nil
	s.mu.Unlock()
	time.Sleep(d) // the bubble's clock
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waits
}

// idle runs a poller on topic orders with two empty partitions until nothing has moved
// for a while, and then the test.
func idle(t *testing.T, test func(t *testing.T, f *kafkatest.Fake, p *poll.Poller, seen *listener, sent *fetches)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, seen, sent := kafkatest.Virtual(t), &listener{}, &fetches{}
		require.NoError(t, f.CreateTopic("orders", 2, nil))
		sent.listen(f)
		p, err := poll.New(poll.Config{
			Options: f.Options(), Dial: f.Dial, Group: "g", Topics: []string{"orders"},
			Positions: map[string]map[int32]int64{"orders": {0: 0, 1: 0}}, Log: slog.New(slog.DiscardHandler),
		}, seen)
		require.NoError(t, err)
		p.Use(nil, seen)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); p.Run(ctx) }()
		defer func() {
			stop()
			<-done
			require.NoError(t, p.Close(context.Background()))
		}()
		require.Contains(t, sent.during(4*time.Second), 500*time.Millisecond)
		time.Sleep(22 * time.Second)
		test(t, f, p, seen, sent)
	})
}

func TestAnIdleMappingFetchesSeldomAndHearsAtOnce(t *testing.T) {
	idle(t, func(t *testing.T, f *kafkatest.Fake, _ *poll.Poller, seen *listener, sent *fetches) {
		rare := sent.during(time.Minute)
		require.LessOrEqual(t, len(rare), 4)
		for _, wait := range rare {
			require.Equal(t, 20*time.Second, wait)
		}
		time.Sleep(2 * time.Second) // into a long wait
		kafkatest.ProduceValues(t, f, "orders", 1, "a")
		time.Sleep(50 * time.Millisecond)
		require.EqualValues(t, 1, seen.records.Load(), "a record ends the wait")
		for _, wait := range sent.during(4 * time.Second) {
			require.Equal(t, 500*time.Millisecond, wait)
		}
	})
}

// What resumes is not in the fetch under way: that one is cut.
func TestAPartitionThatResumesDoesNotWaitForALongFetch(t *testing.T) {
	idle(t, func(t *testing.T, f *kafkatest.Fake, p *poll.Poller, seen *listener, sent *fetches) {
		p.Pause(record.Partition{Topic: "orders", Index: 1})
		time.Sleep(40 * time.Second)
		kafkatest.ProduceValues(t, f, "orders", 1, "a")
		time.Sleep(22 * time.Second)
		require.Zero(t, seen.records.Load())
		p.Resume(record.Partition{Topic: "orders", Index: 1})
		time.Sleep(500 * time.Millisecond)
		require.EqualValues(t, 1, seen.records.Load())
	})
}
