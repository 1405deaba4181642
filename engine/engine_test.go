package engine_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"gantry/engine"
	"gantry/function"
	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/record"
	"gantry/store"
	"gantry/store/memory"
)

// place is an engine over a cluster on a virtual network, with functions that are Go
// code of the test.
type place struct {
	t      *testing.T
	fake   *kafkatest.Fake
	store  *memory.Store
	engine *engine.Engine
	by     store.Write

	mu     sync.Mutex
	calls  map[string][]int64                  // function → offsets seen
	done   map[record.Partition]map[int64]bool // by any of them
	order  map[record.Partition][]int64        // as they were done
	fail   map[string]bool                     // functions, and topics
	lose   map[string]int                      // answers of a function to be lost; -1: it answers when it is cut
	made   []string                            // targets: the function's name and its role
	events written
	said   said
	end    func()
}

// said keeps what the engine logs.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) count(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), text)
}

func newPlace(t *testing.T) *place {
	p := &place{
		t: t, fake: kafkatest.Virtual(t), store: memory.New(), by: store.Write{Actor: "test", Reason: "test"},
		calls: map[string][]int64{}, done: map[record.Partition]map[int64]bool{}, order: map[record.Partition][]int64{}, fail: map[string]bool{}, lose: map[string]int{},
	}
	p.engine = engine.New(engine.Config{OneLane: func(fn function.Function) string { return fn.Settings["strict"] },
		Store: p.store, Sources: p, Targets: p.target, Process: "one", EventLog: &p.events,
		Log: slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), &p.said), nil)),
		ARN: func(name string) string { return "arn:aws:lambda:eu-west-1:000000000000:function:" + name },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.engine.Run(ctx, context.Background()) }()
	p.end = func() { cancel(); require.NoError(t, <-done) }
	return p
}

// Resolve implements engine.Sources.
func (p *place) Resolve(context.Context, mapping.Source) (kafka.Cluster, error) {
	return kafka.Cluster{Brokers: p.fake.Brokers(), Dial: p.fake.Dial}, nil
}

type target struct {
	p    *place
	name string
}

func (p *place) target(_ context.Context, fn function.Function, _ *mapping.Surroundings) (engine.Target, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made = append(p.made, fn.Name+" "+fn.Role)
	return target{p, fn.Name}, nil
}

func (t target) Close(context.Context) error { return nil }

func (t target) Invoke(ctx context.Context, in function.Invocation) function.Outcome {
	var e events.KafkaEvent
	_ = json.Unmarshal(in.Payload, &e)
	if t.loses(ctx) {
		return function.Outcome{Class: function.Unknown, Message: "the connection broke"}
	}
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	for _, rs := range e.Records {
		if t.p.fail["topic "+rs[0].Topic] {
			return function.Outcome{Class: function.Failed, StatusCode: 200, FunctionError: "Unhandled", Message: "told to fail"}
		}
	}
	if t.p.fail[t.name] {
		return function.Outcome{Class: function.Failed, StatusCode: 200, FunctionError: "Unhandled", Message: "told to fail"}
	}
	for _, rs := range e.Records {
		for _, r := range rs {
			t.p.calls[t.name] = append(t.p.calls[t.name], r.Offset)
			at := record.Partition{Topic: r.Topic, Index: int32(r.Partition)}
			if t.p.done[at] == nil {
				t.p.done[at] = map[int64]bool{}
			}
			t.p.done[at][r.Offset] = true
			t.p.order[at] = append(t.p.order[at], r.Offset)
		}
	}
	return function.Outcome{Class: function.Succeeded, StatusCode: 200}
}

func (t target) loses(ctx context.Context) bool {
	t.p.mu.Lock()
	n := t.p.lose[t.name]
	t.p.lose[t.name] = max(n-1, min(n, 0))
	t.p.mu.Unlock()
	if n < 0 {
		<-ctx.Done()
	}
	return n != 0
}

func (p *place) function(name string) {
	_, err := store.FunctionsOf(p.store).Put(p.t.Context(), store.Item[function.Function]{
		ID: name, Value: function.Function{Name: name, Kind: function.InProcess, Timeout: 3 * time.Second},
	}, p.by)
	require.NoError(p.t, err)
}

func (p *place) mapping(m mapping.Mapping) {
	require.NoError(p.t, p.engine.Resolve(p.t.Context(), &m))
	_, err := store.MappingsOf(p.store).Put(p.t.Context(), store.Item[mapping.Mapping]{ID: m.UUID, Value: m}, p.by)
	require.NoError(p.t, err)
}

func (p *place) change(uuid string, edit func(*mapping.Mapping)) {
	_, _, err := store.MappingsOf(p.store).Change(p.t.Context(), uuid, p.by, func(m *mapping.Mapping) error { edit(m); return nil })
	require.NoError(p.t, err)
}

func (p *place) seen(name string) []int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]int64(nil), p.calls[name]...)
}

const id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

func orders() mapping.Mapping {
	window := time.Duration(0)
	return mapping.Mapping{
		UUID: id, GroupID: "g", Source: mapping.Source{Topics: []string{"orders"}, Bootstrap: []string{"b:9092"}},
		Functions: []mapping.Consumer{{Function: "f"}}, Start: mapping.TrimHorizon, Enabled: true,
		BatchSize: 100, Window: &window, RetryAttempts: mapping.Endless, RecordAge: mapping.Endless,
	}
}

func bubble(t *testing.T, body func(t *testing.T, p *place)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		require.NoError(t, p.fake.CreateTopic("orders", 1, nil))
		body(t, p)
		p.end()
	})
}

func settle(d time.Duration) {
	time.Sleep(d) // the bubble's clock
	synctest.Wait()
}

func TestAMappingLivesThroughItsStates(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.function("f")
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "a", "b", "c")
		p.mapping(orders())
		settle(5 * time.Second)
		require.Equal(t, []int64{0, 1, 2}, p.seen("f"))
		s := p.engine.Status(id)
		require.Equal(t, mapping.Enabled, s.State)
		require.Equal(t, mapping.OK, s.ProcessingResult)
		require.Equal(t, map[int32]int64{0: 3}, p.fake.Committed("g", "orders"))

		p.change(id, func(m *mapping.Mapping) { m.Enabled = false })
		settle(5 * time.Second)
		require.Equal(t, mapping.Disabled, p.engine.Status(id).State)
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "d")
		settle(5 * time.Second)
		require.Len(t, p.seen("f"), 3)

		p.change(id, func(m *mapping.Mapping) { m.Enabled = true })
		settle(5 * time.Second)
		require.Equal(t, []int64{0, 1, 2, 3}, p.seen("f"))

		p.change(id, func(m *mapping.Mapping) { m.Deleting = true })
		settle(5 * time.Second)
		_, _, err := store.MappingsOf(p.store).Get(t.Context(), id)
		require.ErrorIs(t, err, store.ErrNotFound)
	})
}

// A function's role is whose credentials its processes get: another one makes new processes,
// and what they are not made of does not.
func TestAChangedRoleTakesEffectAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.function("f")
		p.mapping(orders())
		for i, edit := range []func(*function.Function){
			func(*function.Function) {},
			func(f *function.Function) { f.Description = "the same" },
			func(f *function.Function) { f.Role = "arn:aws:iam::000000000000:role/orders" },
		} {
			_, _, err := store.FunctionsOf(p.store).Change(t.Context(), "f", p.by, func(f *function.Function) error { edit(f); return nil })
			require.NoError(t, err)
			kafkatest.ProduceValues(t, p.fake, "orders", 0, "a")
			settle(5 * time.Second)
			require.Len(t, p.seen("f"), i+1)
		}
		require.Equal(t, []string{"f ", "f arn:aws:iam::000000000000:role/orders"}, p.made)
	})
}

func TestAMissingFunctionIsAProblemAndHealsByItself(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "a")
		p.mapping(orders())
		settle(2 * time.Second)
		s := p.engine.Status(id)
		require.Equal(t, mapping.Enabled, s.State)
		require.Equal(t, mapping.ReasonFunctionInvalid, s.Reason)
		require.Contains(t, s.Detail, "function f")
		p.function("f")
		settle(5 * time.Second)
		require.Equal(t, []int64{0}, p.seen("f"))
	})
}

func TestAFunctionThatNeedsOneLaneGetsNoMore(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "a")
		_, err := store.FunctionsOf(p.store).Put(t.Context(), store.Item[function.Function]{ID: "f", Value: function.Function{
			Name: "f", Kind: function.InProcess, Timeout: 3 * time.Second, Settings: map[string]string{"strict": "it counts by partition"},
		}}, p.by)
		require.NoError(t, err)
		m := orders()
		m.Lanes = mapping.Lanes{PerPartition: 4, Order: mapping.OrderKey}
		p.mapping(m)
		settle(2 * time.Second)
		require.Contains(t, p.engine.Status(id).Detail, "lanes.perPartition is 4 and function f needs one lane a partition: it counts by partition")
		require.Empty(t, p.seen("f"))
		p.change(id, func(m *mapping.Mapping) { m.Lanes = mapping.Lanes{} })
		settle(time.Minute)
		require.Equal(t, []int64{0}, p.seen("f"))
	})
}

func TestRetentionPassingABlockedOffsetStopsAndWaitsForItsOwner(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.function("f")
		m := orders()
		m.Enabled = false
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "a", "b", "c", "d")
		p.mapping(m)
		settle(time.Second)
		p.fake.Commit(t, "g", "orders", map[int32]int64{0: 1})
		p.fake.Retain(t, "orders", 0, 3)
		p.change(id, func(m *mapping.Mapping) { m.Enabled = true })
		settle(10 * time.Second)
		s := p.engine.Status(id)
		require.Equal(t, mapping.ProblemSourceLoss, s.ProcessingResult)
		require.Len(t, s.Lost, 1)
		require.Equal(t, int64(1), s.Lost[0].First)
		require.Equal(t, int64(2), s.Lost[0].Last)
		require.Equal(t, int64(2), s.Lost[0].Count)
		require.Empty(t, p.seen("f"))
		require.Equal(t, map[int32]int64{0: 1}, p.fake.Committed("g", "orders"))

		preview, token, err := p.engine.PreviewLoss(t.Context(), id, nil)
		require.NoError(t, err)
		_, err = p.engine.AcceptLoss(t.Context(), id, "nobody saw this", nil, p.by)
		require.ErrorIs(t, err, engine.ErrStale)
		accepted, err := p.engine.AcceptLoss(t.Context(), id, token, nil, p.by)
		require.NoError(t, err)
		require.Equal(t, preview, accepted)
		settle(10 * time.Second)
		require.Equal(t, []int64{3}, p.seen("f"))
		require.Equal(t, map[int32]int64{0: 4}, p.fake.Committed("g", "orders"))
		require.Equal(t, mapping.OK, p.engine.Status(id).ProcessingResult)
		_, err = p.engine.AcceptLoss(t.Context(), id, token, nil, p.by)
		require.ErrorIs(t, err, engine.ErrNoLoss)
	})
}

func TestAConnectionThatWorksAgainClearsItsProblem(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.function("f")
		p.mapping(orders())
		settle(5 * time.Second)
		p.fake.Cut()
		settle(time.Minute)
		require.Equal(t, mapping.ProblemConnection, p.engine.Status(id).ProcessingResult)
		p.fake.Heal()
		settle(2 * time.Minute)
		require.Equal(t, mapping.NoRecords, p.engine.Status(id).ProcessingResult, p.engine.Status(id).Detail)
	})
}
