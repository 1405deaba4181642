package services_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/migrate/cutover"
	"gantry/plan"
	"gantry/record"
)

// functions are what replaces the service: a member of a group that writes for each record
// what the old service would, and commits when that is acknowledged. It never resets a
// position.
type functions struct {
	t              *testing.T
	c              *kafkatest.Cluster
	topic, outputs string
	principal      string                 // "" = nobody: the plaintext door asks for no name
	opts           []kgo.Opt              // added to the client's, they win
	poison         func(*kgo.Record) bool // a record that always fails, and what is behind it; nil = none

	mu       sync.Mutex
	prepared bool
	client   *kgo.Client
	cancel   context.CancelFunc
	ended    chan struct{}
	started  plan.Offsets
	records  int64
}

var _ cutover.Mappings = (*functions)(nil)

func (f *functions) Check(context.Context, string) []string { return nil }

func (f *functions) Prepare(context.Context, string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prepared = true
	return nil
}

func (f *functions) Enable(_ context.Context, group string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.prepared {
		return fmt.Errorf("there is no mapping for group %s", group)
	}
	if f.client != nil {
		return nil
	}
	f.started = plan.Offsets{}
	opts := append(f.c.Options(),
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(f.topic), kgo.ClientID("gantry"), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.ConsumeStartOffset(kgo.NoResetOffset()), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.AdjustFetchOffsetsFn(f.begins), kgo.ProducerLinger(0), kgo.FetchMaxWait(100*time.Millisecond),
	)
	client, err := kgo.NewClient(append(opts, f.opts...)...)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.client, f.cancel, f.ended = client, cancel, make(chan struct{})
	go f.run(ctx, client, f.ended)
	return nil
}

func (f *functions) begins(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for p, o := range offsets[f.topic] {
		f.started.Set(f.topic, p, o.EpochOffset().Offset)
	}
	return offsets, nil
}

func (f *functions) run(ctx context.Context, client *kgo.Client, ended chan struct{}) {
	defer close(ended)
	defer client.CloseAllowingRebalance()
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		var in, out []*kgo.Record
		fetches.EachRecord(func(r *kgo.Record) {
			if f.poison != nil && f.poison(r) {
				return
			}
			in = append(in, r)
			out = append(out, &kgo.Record{Topic: f.outputs, Key: r.Key, Value: fmt.Appendf(nil, `{"by":"new","from":"%d/%d"}`, r.Partition, r.Offset)})
		})
		if len(out) > 0 {
			if err := client.ProduceSync(context.Background(), out...).FirstErr(); !assert.NoError(f.t, err) {
				return
			}
			if err := client.CommitRecords(context.Background(), in...); err == nil {
				f.mu.Lock()
				f.records += int64(len(out))
				f.mu.Unlock()
			}
		}
		client.AllowRebalance()
	}
}

func (f *functions) Disable(context.Context, string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.client == nil {
		return nil
	}
	f.cancel()
	f.mu.Unlock() // begins takes it
	<-f.ended
	f.mu.Lock()
	f.client = nil
	return nil
}

func (f *functions) Progress(context.Context, string) (cutover.Progress, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	started := plan.Offsets{}
	for p, at := range f.started[f.topic] {
		started.Set(f.topic, p, at)
	}
	return cutover.Progress{Name: "functions", Started: started, Records: f.records}, nil
}

func (f *functions) done() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.records
}

func (f *functions) Owns(m kafka.Member) bool { return m.ClientID == "gantry" }

func (f *functions) Principal() string { return cmp.Or(f.principal, "User:ANONYMOUS") }

// ledger is a journal in memory; dead is asked before each write and behind it.
type ledger struct {
	mu    sync.Mutex
	lines []plan.Line
	dies  func(at string) bool
}

type death struct{ at string }

func (l *ledger) has(step plan.Step, phase plan.Phase) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.lines, func(l plan.Line) bool { return l.Step == step && l.Phase == phase })
}

func (l *ledger) Write(_ context.Context, step plan.Step, phase plan.Phase, facts any) error {
	text, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at := fmt.Sprint(step, " ", phase)
	if l.dies != nil && l.dies("before "+at) {
		panic(death{at})
	}
	l.lines = append(l.lines, plan.Line{Step: step, Phase: phase, Facts: text, At: time.Now(), Sequence: int64(len(l.lines) + 1)})
	if l.dies != nil && l.dies("behind "+at) {
		panic(death{at})
	}
	return nil
}

func (l *ledger) Lines(context.Context) ([]plan.Line, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines), nil
}

// load writes records at a rate, until it is told to rest.
type load struct {
	cancel context.CancelFunc
	done   chan struct{}
	ends   map[int32]int64 // of what was acknowledged
}

func startLoad(t *testing.T, c *kafkatest.Cluster, topic string, partitions, rate int) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{cancel: cancel, done: make(chan struct{}), ends: map[int32]int64{}}
	client := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	go func() {
		defer close(l.done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		began, n := time.Now(), 0
		for ctx.Err() == nil {
			var batch []*kgo.Record
			for want := int(time.Since(began).Seconds() * float64(rate)); n < want; n++ {
				batch = append(batch, &kgo.Record{Topic: topic, Partition: int32(n % partitions), Key: fmt.Appendf(nil, "k%d", n%500), Value: fmt.Appendf(nil, `{"n":%d}`, n)})
			}
			for _, r := range client.ProduceSync(context.Background(), batch...) {
				if !assert.NoError(t, r.Err) {
					return
				}
				l.ends[r.Record.Partition] = max(l.ends[r.Record.Partition], r.Record.Offset+1)
			}
			<-tick.C
		}
	}()
	t.Cleanup(func() { l.rest() })
	return l
}

// rest ends it and gives the ends of what was written.
func (l *load) rest() map[int32]int64 {
	l.cancel()
	<-l.done
	return l.ends
}

// processed is one output: who wrote it, old or new, and of a gantry which life of it.
type processed struct{ who, life string }

// readOutputs reads who wrote an output for each input, named PARTITION/OFFSET.
func readOutputs(t *testing.T, admin *kafka.Admin, topic string) map[string][]processed {
	t.Helper()
	by := map[string][]processed{}
	_, ends, err := admin.Bounds(t.Context(), topic, true)
	require.NoError(t, err)
	for p, end := range ends {
		require.NoError(t, admin.Scan(t.Context(), kafka.Scanning{Topic: topic, Partition: p, To: end, Uncommitted: true}, func(r record.Record) error {
			var v struct{ By, From string }
			if err := json.Unmarshal(r.Value, &v); err != nil {
				return err
			}
			life := ""
			for _, h := range r.Headers {
				if h.Key == "life" {
					life = string(h.Value)
				}
			}
			by[v.From] = append(by[v.From], processed{v.By, life})
			return nil
		}))
	}
	return by
}
