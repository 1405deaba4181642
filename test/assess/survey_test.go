package assess

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"gantry/internal/clustertest"
	"gantry/internal/kafkatest"
	"gantry/kafka"
	"gantry/migrate/assess/collect"
	"gantry/workload"
)

// world is a cluster with topics and groups of known shapes.
type world struct {
	*kafkatest.Cluster
	made clustertest.Made
}

func (w world) way() kafka.Cluster { return kafka.Cluster{Brokers: w.Brokers()} }

// build makes the cluster: 300 topics and 120 groups in the whole size.
func build(t *testing.T) world {
	t.Helper()
	c := kafkatest.Start(t, kafkatest.Options{JVM: []string{"-Xmx512m", "-XX:TieredStopAtLevel=4", "-XX:-UseDynamicNumberOfCompilerThreads"}})
	began := time.Now()
	made := clustertest.Build(t, c, clustertest.Spec{Topics: kafkatest.Size(20, 300), Groups: kafkatest.Size(24, 120)})
	t.Logf("made %d topics and %d groups in %s", len(made.Topics), len(made.Groups), time.Since(began).Round(time.Second))
	w := world{Cluster: c, made: made}
	w.keepMoving(t)
	return w
}

// keepMoving commits for the groups whose members are nowhere to be seen, every second.
func (w world) keepMoving(t *testing.T) {
	admin := w.Admin(t)
	ctx, cancel := context.WithCancel(context.Background())
	done, moving := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		moved := 0 // rounds in which every group moved
		for n := int64(1); ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			ok := true
			for _, g := range w.made.Groups {
				if g.Kind == clustertest.Manual {
					all := kadm.Offsets{}
					for p := range g.At {
						all.AddOffset(g.Topic, p, n, -1)
					}
					ok = admin.CommitAllOffsets(ctx, g.ID, all) == nil && ok
				}
			}
			if !ok {
				continue
			}
			if moved++; moved == 2 {
				close(moving)
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	select {
	case <-moving:
	case <-time.After(time.Minute):
		t.Fatal("the positions of groups without members don't move")
	}
}

// spent is what a broker has used of processors so far: its own work, and that of the JVM's
// compilers, which a broker pays once in its life, whoever asks first.
type spent struct{ work, compiling time.Duration }

func (s spent) since(before spent) spent {
	return spent{s.work - before.work, s.compiling - before.compiling}
}

// cpu reads what the broker has used. Its compilers are threads that the JVM keeps.
func (w world) cpu(t *testing.T) (s spent) {
	t.Helper()
	process := fmt.Sprintf("/proc/%d", w.Pid(1))
	_, all, err := ticks(process + "/stat")
	if err != nil {
		t.Skipf("the broker's share of a core cannot be measured here: %v", err)
	}
	threads, err := filepath.Glob(process + "/task/*/stat")
	require.NoError(t, err)
	for _, path := range threads {
		// One that ended meanwhile was no compiler.
		if name, used, err := ticks(path); err == nil && compiler.MatchString(name) {
			s.compiling += used
		}
	}
	s.work = all - s.compiling
	return s
}

var compiler = regexp.MustCompile(`^C[12] Compiler`)

// ticks reads the name and the processor time in a stat file of a process or a thread.
func ticks(path string) (name string, used time.Duration, err error) {
	stat, err := os.ReadFile(path)
	if err != nil {
		return "", 0, err
	}
	text := string(stat)
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	n := 0
	for _, f := range strings.Fields(text[end+1:])[11:13] { // utime, stime
		one, err := strconv.Atoi(f)
		if err != nil {
			return "", 0, err
		}
		n += one
	}
	const tick = 10 * time.Millisecond // of Linux on every machine Go runs on
	return text[open+1 : end], time.Duration(n) * tick, nil
}

// What a survey says is what was made; a quick one takes at most a minute; the full one
// says beforehand how long it takes, and the broker hardly notices it.
func TestSurvey(t *testing.T) {
	if !whole() { // nothing is measured
		t.Parallel()
	}
	w := build(t)
	t.Run("quick", func(t *testing.T) {
		began := time.Now()
		forecast, err := collect.Estimate(t.Context(), w.way(), collect.Options{Quick: true})
		require.NoError(t, err)
		s, err := collect.Run(t.Context(), w.way(), collect.Options{Quick: true})
		require.NoError(t, err)
		took := time.Since(began)
		t.Logf("quick: %s; took %s, %v", forecast, took.Round(time.Millisecond), s.Requests)
		require.Less(t, took, time.Minute)
		w.judgeRates(t, s, 24)
		w.judgeGroups(t, s)
	})
	t.Run("full", func(t *testing.T) { w.full(t) })
}

func (w world) full(t *testing.T) {
	before := w.idle(t)
	watch := time.Duration(kafkatest.Size(15, 60)) * time.Second
	o := collect.Options{WatchFor: &watch}
	forecast, err := collect.Estimate(t.Context(), w.way(), o)
	require.NoError(t, err)
	used, began := w.cpu(t), time.Now()
	s, err := collect.Run(t.Context(), w.way(), o)
	require.NoError(t, err)
	took := time.Since(began)
	used = w.cpu(t).since(used)
	idle := (before + w.idle(t)) / 2
	share := used.work.Seconds()/took.Seconds() - idle
	t.Logf("full: %s; took %s, %v, %.1f MB", forecast, took.Round(time.Second), s.Requests, float64(s.BytesRead)/1e6)
	w.judgeRates(t, s, 168)
	w.judgeSamples(t, s)
	w.judgeGroups(t, s)
	require.Less(t, took, forecast.Takes*5/4+10*time.Second, "it takes no longer than it said")
	if whole() {
		t.Logf("%.2f %% of a core of the broker over %.2f %% without, and %s of its compilers", share*100, idle*100, used.compiling)
		require.LessOrEqual(t, share, 0.02, "of a core of the broker")
	}
}

// idle is the broker's share of a core when nobody asks: heartbeats, cleaners, the JVM. A
// small cluster's broker runs uncompiled, and what it uses tells nothing.
func (w world) idle(t *testing.T) float64 {
	t.Helper()
	if !whole() {
		return 0
	}
	used, began := w.cpu(t), time.Now()
	//gantry:sleep what a process uses without being asked has to be waited for
	time.Sleep(time.Minute)
	return w.cpu(t).since(used).work.Seconds() / time.Since(began).Seconds()
}

// whole says that the cluster is of the size that the survey's share is judged by.
func whole() bool { return kafkatest.Size(0, 1) == 1 }

func topics(s workload.Survey) map[string]workload.Topic {
	out := map[string]workload.Topic{}
	for _, t := range s.Topics {
		out[t.Name] = t
	}
	return out
}

// judgeRates holds each hour of each topic against what was written in it.
func (w world) judgeRates(t *testing.T, s workload.Survey, hours int) {
	t.Helper()
	read := topics(s)
	for _, want := range w.made.Topics {
		got, there := read[want.Name]
		require.True(t, there, want.Name)
		require.True(t, got.TimestampsSane)
		require.Len(t, got.Partitions, want.Partitions)
		for i, n := range got.Rate.Counts {
			at := got.Rate.From.Add(time.Duration(i) * time.Hour)
			h := int(at.Sub(w.made.From) / time.Hour)
			written := 0
			if h >= 0 && h < w.made.Hours {
				written = want.Hour(h)
			}
			require.EqualValues(t, written, n, "%s at %s", want.Name, at)
		}
		require.Len(t, got.Rate.Counts, hours)
		for p := range want.Counts {
			require.EqualValues(t, want.In(p), got.Partitions[p].End-got.Partitions[p].Start)
		}
	}
}

// judgeSamples holds sizes, keys and bursts against what was written.
func (w world) judgeSamples(t *testing.T, s workload.Survey) {
	t.Helper()
	read := topics(s)
	for _, want := range w.made.Topics {
		got := read[want.Name].Sample
		require.NotNil(t, got, want.Name)
		require.Equal(t, "lz4", got.Compression)
		require.EqualValues(t, 1, got.Keyed)
		require.InDelta(t, float64(want.ValueBytes)+7, got.MeanBytes, 6, want.Name)
		hot := got.TopKeys[0].Share
		switch want.Shape {
		case clustertest.Skewed:
			require.InDelta(t, clustertest.HotShare, hot, 0.02, want.Name)
		case clustertest.Bursty:
			require.Greater(t, got.Gaps.Std, got.Gaps.Mean, want.Name)
		case clustertest.Steady:
			require.Less(t, got.Gaps.Std, got.Gaps.Mean, want.Name)
			require.Less(t, hot, 0.1)
		}
	}
}

// judgeGroups holds class and lag of each group against what was made.
func (w world) judgeGroups(t *testing.T, s workload.Survey) {
	t.Helper()
	class := map[clustertest.Kind]workload.Class{
		clustertest.Plain: workload.Plain, clustertest.Idler: workload.Idle, clustertest.Streams: workload.Streams,
		clustertest.Connect: workload.Connect, clustertest.Sink: workload.Connect, clustertest.Outside: workload.Outside,
		clustertest.Manual: workload.Manual,
	}
	read := map[string]workload.Group{}
	for _, g := range s.Groups {
		read[g.ID] = g
	}
	for _, want := range w.made.Groups {
		got, there := read[want.ID]
		require.True(t, there, want.ID)
		assert.Equal(t, class[want.Kind], got.Class, "%s: %s", want.ID, got.Why)
		if want.Kind == clustertest.Manual {
			continue
		}
		assert.Equal(t, want.Lag, got.Lag, want.ID)
		for _, p := range got.Positions {
			if at, committed := want.At[p.Partition]; committed {
				assert.Equal(t, at, p.Committed, want.ID)
			} else {
				assert.EqualValues(t, -1, p.Committed, want.ID)
			}
		}
		assert.True(t, got.LagTime.Known, want.ID)
	}
}
