package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/function"
	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/migrate"
	"gantry/migrate/cutover"
	"gantry/migrate/ledger"
	"gantry/plan"
	"gantry/store"
	"gantry/store/memory"
)

// world is a cluster with a service on it, a store, and gantrys that come and go. What the
// engine does with mappings is done by consumers here. Everything is in a bubble.
type world struct {
	t       *testing.T
	fake    *kafkatest.Fake
	cluster kafka.Cluster
	kept    *memory.Store
	m       *migrate.Migrations
	plan    plan.Plan
	dies    *dying
	dir     string
	away    atomic.Bool // the cluster can't be reached by gantry
	stop    func()      // ends the gantry that runs now

	mu  sync.Mutex
	run map[string]*reader // by group
}

func inWorld(t *testing.T, fn func(w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := kafkatest.Virtual(t, kfake.SeedTopics(2, "orders"), kfake.SeedTopics(1, "bills"), kfake.GroupMinSessionTimeout(time.Second))
		w := &world{
			t: t, fake: fake, kept: memory.New(), run: map[string]*reader{}, dies: &dying{}, dir: t.TempDir(),
			cluster: kafka.Cluster{Brokers: fake.Brokers(), Dial: fake.Dial},
			plan: plan.Plan{
				Name: "p", Service: plan.Service{Cluster: "main", Group: "g", Topics: []string{"orders"}, NoPosition: plan.ResetEarliest},
				Functions: []plan.Function{{Name: "f"}}, Outputs: []plan.Output{{Topic: "bills", Pair: plan.PairKey}},
				Batch: plan.Batch{Size: 10, RetryAttempts: mapping.Endless, RecordAge: mapping.Endless}, Gates: plan.Gates{Compared: 1, Different: 1},
				Guards: plan.Guards{Unresolved: time.Minute, Errors: 0.5, ErrorsOver: 100, LagFactor: 100, Watch: 5 * time.Second},
				Fence:  plan.FenceWeak, Handover: plan.HandoverNew, Rollback: plan.Resume, Stop: plan.Stop{Wait: 20 * time.Second},
			},
		}
		ctx, cancel := context.WithCancel(context.Background())
		var around sync.WaitGroup
		for _, does := range []func(context.Context){w.write, w.service, w.engine} {
			around.Go(func() { does(ctx) })
		}
		defer func() {
			w.stop()
			cancel()
			around.Wait()
			for _, r := range w.run {
				r.end()
			}
		}()
		w.declare("first")
		w.up()
		_, err := w.m.Put(t.Context(), w.plan, store.Write{Actor: "ann"})
		require.NoError(t, err)
		time.Sleep(10 * time.Second) // the service is in its stride
		fn(w)
	})
}

// up starts a gantry, as after a crash: it takes up what was under way.
func (w *world) up() {
	w.dies.revive()
	w.m = migrate.New(migrate.Config{
		Store: &mortal{w.kept, w.dies}, Sources: w, Resolve: func(context.Context, *mapping.Mapping) error { return nil },
		Progress: func(uuid string) (cutover.Progress, error) { return cutover.Progress{Name: uuid}, nil },
		Dir:      w.dir, Log: slog.New(slog.DiscardHandler),
		Timing: cutover.Timing{Sample: 2 * time.Second, Rejoin: 3 * time.Second},
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	m := w.m
	go func() { defer close(ended); m.Run(ctx) }()
	w.stop = func() {
		cancel()
		select {
		case <-ended:
		case <-w.dies.dead: // its acts never end
		}
	}
}

// Resolve implements migrate.Sources.
func (w *world) Resolve(context.Context, mapping.Source) (kafka.Cluster, error) {
	if w.away.Load() {
		return kafka.Cluster{}, errors.New("no broker answers")
	}
	return w.cluster, nil
}

// declare makes the function, or another one of its name.
func (w *world) declare(code string) {
	w.t.Helper()
	fns := store.FunctionsOf(w.kept)
	item, err := fns.Item(w.t.Context(), "f")
	if err != nil {
		item = store.Item[function.Function]{ID: "f"}
	}
	item.Value = function.Function{Name: "f", Kind: function.Process, Code: function.Code{SHA256: code}, Timeout: time.Second}
	_, err = fns.Put(w.t.Context(), item, store.Write{})
	require.NoError(w.t, err)
}

// write produces ten records a second.
func (w *world) write(ctx context.Context) {
	cl := w.fake.Client(w.t)
	for i := 0; wait(ctx, 100*time.Millisecond); i++ {
		_ = cl.ProduceSync(context.Background(), &kgo.Record{Topic: "orders", Key: fmt.Append(nil, i), Value: fmt.Append(nil, i)}).FirstErr()
	}
}

// service runs while nobody was asked to stop it, by the ledger.
func (w *world) service(ctx context.Context) {
	for wait(ctx, 500*time.Millisecond) {
		lines, err := ledger.Read(ctx, w.cluster, ledger.DefaultTopic, w.plan.Name)
		if err != nil {
			continue
		}
		stopped := false
		for _, l := range lines {
			if l.Phase == plan.Intends && (l.Step == plan.StepStop || l.Step == plan.StepRestart) {
				stopped = l.Step == plan.StepStop
			}
		}
		w.reads(!stopped, "g", "old", "bills")
	}
}

// engine runs the mappings that the store has.
func (w *world) engine(ctx context.Context) {
	for wait(ctx, 200*time.Millisecond) {
		all, err := store.MappingsOf(w.kept).List(ctx)
		if err != nil {
			continue
		}
		for _, item := range all {
			to := "bills"
			if in := item.Value.Surroundings; in != nil {
				to = in.Capture[to]
			}
			w.reads(item.Value.Enabled, item.Value.GroupID, "gantry-"+item.ID, to)
		}
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// reader reads by a group and answers each record with one.
type reader struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

func (r *reader) end() { r.cancel(); <-r.ended }

func (w *world) reads(on bool, group, name, to string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.run[group]
	switch {
	case on && r == nil:
		ctx, cancel := context.WithCancel(context.Background())
		r = &reader{cancel, make(chan struct{})}
		w.run[group] = r
		opts := []kgo.Opt{
			kgo.ConsumerGroup(group), kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.FetchMaxWait(100 * time.Millisecond),
			kgo.SessionTimeout(6 * time.Second), kgo.HeartbeatInterval(time.Second), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(time.Second),
		}
		if strings.HasPrefix(name, "gantry-") {
			opts = append(opts, kgo.InstanceID(name))
		}
		cl, err := kgo.NewClient(append(w.fake.Options(), opts...)...)
		require.NoError(w.t, err)
		go r.loop(ctx, cl, to)
	case !on && r != nil:
		r.end()
		delete(w.run, group)
	}
}

func (r *reader) loop(ctx context.Context, cl *kgo.Client, to string) {
	defer close(r.ended)
	for ctx.Err() == nil {
		polling, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		fetches := cl.PollFetches(polling)
		cancel()
		var out []*kgo.Record
		fetches.EachRecord(func(in *kgo.Record) { out = append(out, &kgo.Record{Topic: to, Key: in.Key, Value: in.Value}) })
		_ = cl.ProduceSync(context.Background(), out...).FirstErr()
		committing, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		_ = cl.CommitUncommittedOffsets(committing)
		cancel()
		cl.AllowRebalance()
		if fetches.Err() != nil {
			wait(ctx, 50*time.Millisecond)
		}
	}
	cl.CloseAllowingRebalance()
}

func order() migrate.Order {
	return migrate.Order{Plan: "p", By: store.Write{Actor: "ann", Reason: "CHG-1"}, For: 15 * time.Second}
}

func (w *world) state() plan.State {
	w.t.Helper()
	s, _, err := store.Of[migrate.Stored](w.kept, store.Plans).Get(w.t.Context(), "p")
	require.NoError(w.t, err)
	return s.State
}

// dying is a gantry's death at a write to its store.
type dying struct {
	mu     sync.Mutex
	each   map[string]bool // dies once at each write it has not died at; nil = it does not
	kept   bool            // the write is done when it dies
	act    migrate.Act     // what is under way: the same write of another act is another one
	deaths []string
	dead   chan struct{} // closed by the death
}

func (d *dying) revive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = make(chan struct{})
}

func (d *dying) isDead() bool {
	select {
	case <-d.dead:
		return true
	default:
		return false
	}
}

// at says whether this write is one to die at.
func (d *dying) at(write string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	write = string(d.act) + ": " + write
	if d.each == nil || d.each[write] || d.isDead() {
		return false
	}
	d.each[write] = true
	d.deaths = append(d.deaths, write)
	close(d.dead)
	return true
}
