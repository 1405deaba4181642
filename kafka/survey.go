package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/record"
)

// surveyFreshness is how old the metadata may be that requests are dealt out by. A survey
// asks thousands of times and has to find the leaders anew only where one has moved, which
// the client notices by itself.
const surveyFreshness = time.Minute

// Surveyor asks a cluster much, slowly, and changes nothing in it: it joins no group,
// commits nothing and makes no topic. A refusal or a failure of one topic, partition or
// group is an answer about that one, and the rest goes on. Safe for use by many goroutines.
type Surveyor struct {
	client   *kgo.Client
	admin    *kadm.Client
	attempts attempts
	pace     *pace
	asked    asked

	mu      sync.Mutex
	leaders map[record.Partition]int32
	ids     map[string][16]byte // of topics
	names   map[[16]byte]string
}

// OpenSurveyor makes a Surveyor without connecting. Close it.
func OpenSurveyor(c Cluster, p Pace) (*Surveyor, error) {
	s := &Surveyor{pace: &pace{limits: p, brokers: 1}, asked: asked{requests: map[string]int{}}}
	c.OnConnect = s.attempts.listen(c.OnConnect)
	client, err := kgo.NewClient(append(c.Options(), kgo.RetryTimeout(retryFor),
		kgo.MetadataMinAge(surveyFreshness), kgo.MetadataMaxAge(time.Hour), kgo.WithHooks(&askedHook{s}))...)
	if err != nil {
		return nil, fmt.Errorf("open %v: %w", c.Brokers, err)
	}
	s.client, s.admin = client, kadm.NewClient(client)
	return s, nil
}

// Close ends all connections.
func (s *Surveyor) Close() { s.client.Close() }

// Asked gives what was sent so far, requests by Kafka's name of them, and the bytes that
// came back.
func (s *Surveyor) Asked() (requests map[string]int, bytes int64) { return s.asked.read() }

// Pace is the pace with what was learned of the brokers: how many lookups by time take
// the share of a core they may.
func (s *Surveyor) Pace() Pace {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	return s.pace.now()
}

// ask waits for its turn and sends a request, which the client splits among brokers.
func (s *Surveyor) ask(ctx context.Context, req kmsg.Request) ([]kgo.ResponseShard, error) {
	if err := s.pace.turn(ctx, 0); err != nil {
		return nil, err
	}
	shards := s.client.RequestSharded(ctx, req)
	return shards, context.Cause(ctx)
}

// askBroker is ask for a request that one broker answers.
func (s *Surveyor) askBroker(ctx context.Context, broker int32, partitions int, req kmsg.Request) (kmsg.Response, error) {
	if err := s.pace.turn(ctx, partitions); err != nil {
		return nil, err
	}
	return s.client.Broker(int(broker)).RetriableRequest(ctx, req)
}

// asked counts what went over the wire.
type asked struct {
	mu       sync.Mutex
	requests map[string]int
	bytes    int64
	quickest time.Duration // answer to any request: what the way there and back takes
}

func (a *asked) way() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.quickest
}

func (a *asked) read() (map[string]int, int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	requests := make(map[string]int, len(a.requests))
	for name, n := range a.requests {
		requests[name] = n
	}
	return requests, a.bytes
}

// askedHook hears from the client of each request, also of those it makes by itself.
type askedHook struct{ s *Surveyor }

var _ kgo.HookBrokerE2E = (*askedHook)(nil)

// OnBrokerE2E counts a request and charges it to the pace.
func (h *askedHook) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	h.s.asked.mu.Lock()
	h.s.asked.requests[kmsg.NameForKey(key)]++
	h.s.asked.bytes += int64(e2e.BytesRead)
	if took := e2e.DurationE2E(); e2e.Err() == nil && (h.s.asked.quickest == 0 || took < h.s.asked.quickest) {
		h.s.asked.quickest = took
	}
	h.s.asked.mu.Unlock()
	h.s.pace.charge(1, 0, e2e.BytesRead)
}
