package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/function"
	"gantry/mapping"
	"gantry/pipeline"
	"gantry/pipeline/encode"
	"gantry/pipeline/invoke"
	"gantry/pipeline/poll"
	"gantry/record"
)

// bench is a cluster on a virtual network and what a test needs around it.
type bench struct {
	t       *testing.T
	net     kfake.VirtualNetwork
	cluster *kfake.Cluster
	client  *kgo.Client
	admin   *kadm.Client
}

func newBench(t *testing.T, partitions int32, topics ...string) *bench {
	b := &bench{t: t}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topics...), kfake.ListenFn(b.net.Listen))
	require.NoError(t, err)
	b.cluster = c
	b.client, err = kgo.NewClient(append(b.options(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	require.NoError(t, err)
	b.admin = kadm.NewClient(b.client)
	return b
}

func (b *bench) options() []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(b.cluster.ListenAddrs()...), kgo.Dialer(b.net.DialContext)}
}

func (b *bench) close() {
	b.client.Close()
	b.cluster.Close()
}

func (b *bench) produce(topic string, partition int32, values ...string) {
	var rs []*kgo.Record
	for _, v := range values {
		rs = append(rs, &kgo.Record{Topic: topic, Partition: partition, Value: []byte(v)})
	}
	require.NoError(b.t, b.client.ProduceSync(context.Background(), rs...).FirstErr())
}

func (b *bench) committed(group string) map[int32]int64 {
	out := map[int32]int64{}
	os, err := b.admin.FetchOffsets(context.Background(), group)
	require.NoError(b.t, err)
	os.Each(func(o kadm.OffsetResponse) { out[o.Partition] = o.At })
	return out
}

// script is a function under test: it sees every event and answers as it is told.
type script struct {
	mu     sync.Mutex
	events []events.KafkaEvent
	answer func(n int, e events.KafkaEvent) function.Outcome
}

func (s *script) Invoke(_ context.Context, in function.Invocation) function.Outcome {
	var e events.KafkaEvent
	if err := json.Unmarshal(in.Payload, &e); err != nil {
		panic(err)
	}
	s.mu.Lock()
	s.events = append(s.events, e)
	n := len(s.events)
	s.mu.Unlock()
	if s.answer == nil {
		return function.Outcome{Class: function.Succeeded, StatusCode: 200, Answer: []byte("null")}
	}
	return s.answer(n, e)
}

// shape writes an event as topic-partition[offsets].
func shape(e events.KafkaEvent) map[string][]int64 {
	m := map[string][]int64{}
	for k, rs := range e.Records {
		for _, r := range rs {
			m[k] = append(m[k], r.Offset)
		}
	}
	return m
}

type run struct {
	p    *pipeline.Pipeline
	poll *poll.Poller
	stop func()
}

func (b *bench) start(m mapping.Mapping, inv function.Invoker) *run {
	enc := encode.New(encode.Envelope{EventSource: mapping.SelfManagedType, Bootstrap: "b:9092"})
	log := slog.New(slog.NewTextHandler(b.t.Output(), nil))
	p := pipeline.New(pipeline.Config{
		Settings: pipeline.Settings{
			Mapping: m, Caller: &invoke.Caller{Encoder: enc, Invoker: inv}, Gate: invoke.NewGate(-1),
			Sizer: enc, Timeout: 3 * time.Second, Parallel: 8,
		},
		Log: log,
	})
	poller, err := poll.New(poll.Config{
		Options: b.options(), Group: m.GroupID, Topics: m.Source.Topics, Positions: m.Positions, Log: log,
		Membership: poll.Membership{Instance: "one"},
	}, p)
	require.NoError(b.t, err)
	poller.Use(nil, enc)
	p.Attach(poller, plain{poller})
	ctx, cancel := context.WithCancel(context.Background())
	polling, stopPolling := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { p.Run(ctx) })
	var pw sync.WaitGroup
	pw.Go(func() { poller.Run(polling) })
	return &run{p: p, poll: poller, stop: func() {
		stopPolling()
		pw.Wait()
		require.NoError(b.t, poller.Close(context.Background()))
		cancel()
		wg.Wait()
	}}
}

type plain struct{ p *poll.Poller }

func (c plain) Commit(ctx context.Context, s pipeline.Settled) error {
	return c.p.Commit(ctx, s.Offsets)
}

func orders(batch int, window time.Duration) mapping.Mapping {
	return mapping.Mapping{
		UUID: "11111111-1111-1111-1111-111111111111", GroupID: "g", Source: mapping.Source{Topics: []string{"orders"}},
		BatchSize: batch, Window: &window, RetryAttempts: mapping.Endless, RecordAge: mapping.Endless, Enabled: true,
	}
}

func values(n int) []string {
	var vs []string
	for i := range n {
		vs = append(vs, fmt.Sprintf(`{"n":%d}`, i))
	}
	return vs
}

func TestRecordsReachTheFunctionAndOffsetsFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 2, "orders")
		defer b.close()
		b.produce("orders", 0, values(25)...)
		b.produce("orders", 1, values(3)...)
		s := &script{}
		r := b.start(orders(10, time.Second), s)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Equal(t, map[int32]int64{0: 25, 1: 3}, b.committed("g"))
		got := map[string][]int64{}
		for _, e := range s.events {
			for k, os := range shape(e) {
				got[k] = append(got[k], os...)
			}
		}
		require.Len(t, got["orders-0"], 25)
		require.Len(t, got["orders-1"], 3)
		require.IsIncreasing(t, got["orders-0"])
		r.stop()
	})
}

func TestPoisonRecordHoldsItsOwnLaneOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 2, "orders")
		defer b.close()
		b.produce("orders", 0, values(5)...)
		b.produce("orders", 1, values(5)...)
		s := &script{answer: func(_ int, e events.KafkaEvent) function.Outcome {
			for _, r := range e.Records["orders-0"] {
				if r.Offset == 2 {
					return function.Outcome{Class: function.Failed, StatusCode: 200, FunctionError: "Unhandled", Message: "poison"}
				}
			}
			return function.Outcome{Class: function.Succeeded, StatusCode: 200}
		}}
		r := b.start(orders(100, time.Second), s)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		require.Equal(t, map[int32]int64{0: 0, 1: 5}, b.committed("g"))
		snap := r.p.Snapshot()
		require.Equal(t, mapping.ProblemFunction, snap.Result)
		r.stop()
		require.Equal(t, int64(0), b.committed("g")[0])
	})
}

var _ = record.Position{}
