package shadow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/migrate/shadow"
	"gantry/plan"
	"gantry/record"
)

const in, out, captured, group, shadowGroup = "orders", "bills", "bills.shadow.p", "g", "g.shadow.p"

// world is a cluster whose groups and outputs are moved by hand, in a bubble.
type world struct {
	t      *testing.T
	fake   *kafkatest.Fake
	client *kgo.Client
	admin  *kafka.Admin
	plan   plan.Plan
	kept   journal
	on     bool // the mapping of the functions
	are    []plan.Revision
	lasts  time.Duration

	mu    sync.Mutex
	shown plan.Shadow
	over  chan error
	end   chan struct{}
	cut   context.CancelCauseFunc
}

func inWorld(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := kafkatest.Virtual(t, kfake.SeedTopics(2, in), kfake.SeedTopics(1, out))
		admin, err := kafka.Open(kafka.Cluster{Brokers: fake.Brokers(), Dial: fake.Dial})
		require.NoError(t, err)
		defer admin.Close()
		w := &world{t: t, fake: fake, admin: admin, client: fake.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner())), plan: plan.Plan{
			Name: "p", Service: plan.Service{Group: group, Topics: []string{in}, NoPosition: plan.ResetEarliest},
			Outputs: []plan.Output{{Topic: out, Pair: plan.PairKey, Order: true}}, Gates: plan.Gates{Compared: 1, Different: 0.96},
		}}
		w.become("first")
		fn(t, w)
	})
}

// begin runs in the background, until done.
func (w *world) begin() {
	ctx, cancel := context.WithCancelCause(context.Background())
	w.over, w.end, w.cut = make(chan error, 1), make(chan struct{}), cancel
	go func() {
		_, err := shadow.Run(ctx, shadow.Config{
			Plan: w.plan, Admin: w.admin, Journal: &w.kept, Functions: w, End: w.end, For: w.lasts,
			Show: func(s plan.Shadow) { w.mu.Lock(); w.shown = s; w.mu.Unlock() },
		})
		w.over <- err
	}()
}

// later is what is shown when a minute has passed.
func (w *world) later() plan.Compared {
	time.Sleep(time.Minute)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.shown.Outputs) == 0 {
		return plan.Compared{}
	}
	return w.shown.Outputs[0]
}

func (w *world) done() plan.Shadow {
	w.t.Helper()
	close(w.end)
	require.NoError(w.t, <-w.over)
	s, ok, err := shadow.Last(w.kept.lines)
	require.True(w.t, ok)
	require.NoError(w.t, err)
	return s
}

func (w *world) write(topic string, partition int32, key, value string) {
	w.t.Helper()
	require.NoError(w.t, w.client.ProduceSync(context.Background(), &kgo.Record{Topic: topic, Partition: partition, Key: []byte(key), Value: []byte(value)}).FirstErr())
}

func (w *world) commit(group string, at ...int64) {
	w.t.Helper()
	to := kafka.Offsets{in: {}}
	for p, o := range at {
		to[in][int32(p)] = record.Offset{At: o, Epoch: -1}
	}
	require.NoError(w.t, w.admin.Commit(context.Background(), group, to))
}

// Prepare, Enable and Disable implement shadow.Functions.
func (w *world) Prepare(context.Context) error { return nil }
func (w *world) Enable(context.Context) error  { w.on = true; return nil }
func (w *world) Disable(context.Context) error { w.on = false; return nil }
func (w *world) Revisions(context.Context) ([]plan.Revision, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.are == nil {
		return nil, errors.New("the store does not answer")
	}
	return w.are, nil
}

// become makes the functions others.
func (w *world) become(code string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.are = []plan.Revision{{Function: "f", Code: code, Configuration: "c"}}
}

type journal struct{ lines []plan.Line }

func (j *journal) Write(_ context.Context, step plan.Step, phase plan.Phase, facts any) error {
	text, err := json.Marshal(facts)
	j.lines = append(j.lines, plan.Line{Step: step, Phase: phase, Facts: text})
	return err
}

func (j *journal) Lines(context.Context) ([]plan.Line, error) { return j.lines, nil }

// An output of one side is no difference for as long as the other side may write it still:
// until both groups have committed beyond everything that was there.
func TestNothingIsMissingBeforeBothAreBeyondIt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(in, 0, "a", "1")
		w.commit(group, 0, 0)
		w.begin()
		time.Sleep(10 * time.Second)
		require.True(t, w.on)
		require.Equal(t, map[int32]int64{0: 0, 1: 0}, w.fake.Committed(shadowGroup, in))

		w.write(out, 0, "a", `{"n":1}`) // the old service is done
		w.commit(group, 1, 0)
		got := w.later()
		require.Equal(t, int64(1), got.Pending)
		require.Zero(t, got.Judged())

		w.write(captured, 0, "a", `{"n":1}`) // the functions were slow
		w.commit(shadowGroup, 1, 0)
		got = w.later()
		require.Equal(t, int64(1), got.Equal, "%+v", got)

		w.write(in, 1, "b", "2") // the functions write nothing for this one
		w.write(out, 0, "b", `{"n":2}`)
		w.commit(shadowGroup, 1, 1)
		require.Zero(t, w.later().Missing)
		w.commit(group, 1, 1)
		got = w.later()
		require.Equal(t, int64(1), got.Missing, "%+v", got)

		w.write(in, 1, "c", "3") // … and this one the old service does not know
		w.write(captured, 0, "c", `{"n":3}`)
		w.commit(shadowGroup, 1, 2)
		require.Zero(t, w.later().Extra)
		w.commit(group, 1, 2)
		require.Equal(t, int64(1), w.later().Extra)

		s := w.done()
		require.False(t, w.on)
		require.Equal(t, int64(3), s.Inputs)
		require.False(t, s.Passed)
	})
}

// What the old service wrote just before the run began may belong to records before it.
func TestWhatWasWrittenBeforeIsNotMissing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(in, 0, "a", "1")
		w.write(in, 0, "a", "2")
		w.write(out, 0, "a", `{"n":1}`) // committed
		w.write(out, 0, "a", `{"n":2}`) // not committed yet
		w.commit(group, 1, 0)
		w.begin()
		time.Sleep(10 * time.Second)
		w.write(captured, 0, "a", `{"n":2}`)
		w.commit(group, 2, 0)
		w.commit(shadowGroup, 2, 0)
		got := w.later()
		require.Equal(t, int64(1), got.Equal, "%+v", got)
		require.Equal(t, int64(1), got.Seam, "%+v", got)
		require.Equal(t, int64(1), got.Judged())
		require.True(t, w.done().Passed)
	})
}

// A position that stands before markers of transactions has everything behind it.
func TestMarkersAtTheEndAreNoRecords(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.commit(group, 0, 0)
		w.begin()
		time.Sleep(10 * time.Second)
		tx := w.fake.Client(t, kgo.TransactionalID("t"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		require.NoError(t, tx.BeginTransaction())
		require.NoError(t, tx.ProduceSync(t.Context(), &kgo.Record{Topic: in, Key: []byte("a")}).FirstErr())
		require.NoError(t, tx.EndTransaction(t.Context(), kgo.TryCommit))
		w.write(out, 0, "a", `{"n":1}`)
		w.commit(group, 1, 0) // the marker is at 1
		w.commit(shadowGroup, 1, 0)
		require.Equal(t, int64(1), w.later().Missing)
		w.done()
	})
}

// A run whose gantry died is gone on with: what was compared is compared again, from where
// the run began, also by another host.
func TestARunIsGoneOnWith(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.commit(group, 0, 0)
		w.begin()
		time.Sleep(10 * time.Second)
		for i := range 20 {
			w.write(in, 0, "a", fmt.Sprint(i))
			w.write(out, 0, "a", fmt.Sprintf(`{"n":%d}`, i))
			w.write(captured, 0, "a", fmt.Sprintf(`{"n":%d}`, i))
		}
		w.commit(group, 20, 0)
		w.commit(shadowGroup, 20, 0)
		require.Equal(t, int64(20), w.later().Equal)
		w.cut(context.Canceled)
		require.ErrorIs(t, <-w.over, context.Canceled)
		_, ok := shadow.UnderWay(w.kept.lines)
		require.True(t, ok)

		w.begin()
		got := w.later()
		require.Equal(t, int64(20), got.Equal, "%+v", got)
		require.Len(t, w.kept.lines, 2, "nothing was begun anew")
		require.True(t, w.done().Passed)
		_, ok = shadow.UnderWay(w.kept.lines)
		require.False(t, ok)
	})
}

// A run that should have ended while no gantry was there compares what came until then.
func TestAnOverdueRunReadsEverything(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.commit(group, 0, 0)
		w.lasts = time.Hour
		w.begin()
		time.Sleep(10 * time.Second)
		w.cut(context.Canceled)
		require.ErrorIs(t, <-w.over, context.Canceled)
		for i := range 5_000 {
			value := fmt.Sprintf(`{"n":%d}`, i)
			for _, topic := range []string{in, out, captured} {
				w.client.Produce(context.Background(), &kgo.Record{Topic: topic, Key: []byte("a"), Value: []byte(value)}, nil)
			}
		}
		require.NoError(t, w.client.Flush(context.Background()))
		w.commit(group, 5000, 0)
		w.commit(shadowGroup, 5000, 0)
		time.Sleep(2 * time.Hour)
		began := time.Now()
		w.lasts = 0 // it is kept with the run
		w.begin()
		require.NoError(t, <-w.over)
		require.Less(t, time.Since(began), 5*time.Minute)
		s, ok, err := shadow.Last(w.kept.lines)
		require.True(t, ok)
		require.NoError(t, err)
		require.Equal(t, int64(5000), s.Outputs[0].Equal, "%+v", s.Outputs[0])
	})
}

// Without a position and without a rule for it nothing begins, and the journal has why.
func TestAPartitionWithoutAPositionIsAFault(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.plan.Service.NoPosition = plan.ResetNone
		w.begin()
		err := <-w.over
		require.ErrorContains(t, err, "orders-0 has no position in group g, and service.noPosition is none; orders-1 has")
		require.Equal(t, plan.Failed, w.kept.lines[1].Phase)
		require.False(t, w.on)
	})
}

// A run ends by itself when it has lasted as long as it should.
func TestARunEndsByItself(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.commit(group, 0, 0)
		began := time.Now()
		s, err := shadow.Run(t.Context(), shadow.Config{Plan: w.plan, Admin: w.admin, Journal: &w.kept, Functions: w, For: time.Hour})
		require.NoError(t, err)
		require.True(t, s.Over)
		require.Less(t, time.Since(began), time.Hour+2*time.Minute)
		require.GreaterOrEqual(t, time.Since(began), time.Hour)
		require.False(t, s.Passed, "nothing was compared")
	})
}
