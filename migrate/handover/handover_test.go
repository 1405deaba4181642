package handover

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// world is both sides of a hand-over and the group between them. The time of a bubble
// moves it.
type world struct {
	paused  bool
	kept    bool // off whatever its file says
	silent  time.Time
	aws     string // state of AWS's mapping
	members map[string]bool
	at, end int64
	without bool // a partition without an offset
	busy    int  // how often AWS refuses an update
	idle    bool // AWS's function gets nothing done
	deaf    bool // AWS takes updates and does nothing
	sticks  bool // AWS's member does not leave
	remote  Remote

	calls []string

	coming []event
}

// event is something that happens by itself.
type event struct {
	at time.Time
	do func()
}

func newWorld() *world {
	return &world{aws: "Disabled", members: map[string]bool{"gantry": true}, at: 5, end: 9,
		remote: Remote{UUID: "u", Group: "g", Topics: []string{"t"}, Brokers: []string{"k:9092"}}}
}

// later lets something happen; whoever looks at the world next sees it.
func (w *world) later(d time.Duration, do func()) {
	w.coming = append(w.coming, event{time.Now().Add(d), do})
}

// pass lets happen what is due.
func (w *world) pass() {
	coming := w.coming
	w.coming = nil
	for _, e := range coming {
		if time.Now().Before(e.at) {
			w.coming = append(w.coming, e)
			continue
		}
		e.do()
	}
}

func (w *world) Pause(context.Context) error {
	w.pass()
	if w.kept {
		return nil
	}
	w.kept = true
	if w.paused { // by its owner, before
		w.calls = append(w.calls, "keep off")
		return nil
	}
	w.calls = append(w.calls, "pause")
	w.paused = true
	w.later(time.Second, func() { w.at++; delete(w.members, "gantry") })
	return nil
}

func (w *world) Resume(context.Context) error {
	w.pass()
	w.calls = append(w.calls, "resume")
	w.paused, w.kept = false, false
	w.members["gantry"] = true
	return nil
}

func (w *world) Paused(context.Context) (asked, stopped bool, err error) {
	w.pass()
	return w.paused, w.paused && !w.members["gantry"], nil
}

func (w *world) Group(ctx context.Context) (Group, error) {
	w.pass()
	if !w.silent.IsZero() && time.Now().After(w.silent) { // the coordinator answers the half of it
		<-ctx.Done()
		return Group{State: "Stable"}, ctx.Err()
	}
	g := Group{State: "Empty"}
	for m := range w.members {
		g.State = "Stable"
		g.Members = append(g.Members, m)
	}
	return g, nil
}

func (w *world) Offsets(context.Context) ([]Partition, error) {
	w.pass()
	list := []Partition{{Topic: "t", Index: 0, End: w.end, Committed: w.at}}
	if w.without {
		list = append(list, Partition{Topic: "t", Index: 1, End: 3, Committed: -1})
	}
	return list, nil
}

func (w *world) Look(context.Context) (Remote, error) {
	w.pass()
	w.remote.State = w.aws
	return w.remote, nil
}

func (w *world) Enable(_ context.Context, on bool) error {
	w.pass()
	if w.busy > 0 {
		w.busy--
		return errors.New("ResourceInUseException")
	}
	w.calls = append(w.calls, fmt.Sprintf("aws %t", on))
	switch {
	case w.deaf:
	case on:
		w.aws = "Enabling"
		w.later(20*time.Second, func() {
			w.aws = "Enabled"
			w.members["aws"] = true
			if !w.idle {
				w.later(3*time.Second, func() { w.at = w.end })
			}
		})
	default:
		w.aws = "Disabling"
		w.later(5*time.Second, func() {
			w.aws = "Disabled"
			if !w.sticks {
				delete(w.members, "aws")
			}
		})
	}
	return nil
}

// both are never told to run at once.
func (w *world) handOver(t *testing.T, change ...func(c *Config)) (steps []Step, err error) {
	t.Helper()
	c := Config{
		Here: w, There: w, Want: Wanted{Group: "g", Topics: []string{"t"}, Brokers: []string{"k:9092"}}, Within: time.Minute, Name: "orders",
		Say: func(s Step) { steps = append(steps, s) }, Audit: func(what, how string) { w.calls = append(w.calls, "audit "+what+" "+how) },
	}
	for _, f := range change {
		f(&c)
	}
	err = Run(t.Context(), c)
	w.pass()
	require.False(t, !w.paused && (w.aws == "Enabled" || w.aws == "Enabling"), "both sides are told to run")
	return steps, err
}

const on = "audit UpdateEventSourceMapping Enabled=true"
const off = "audit UpdateEventSourceMapping Enabled=false"

func TestOrderOfAHandOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.busy = 3
		steps, err := w.handOver(t)
		require.NoError(t, err)
		require.Equal(t, []string{"pause", "aws true", on}, w.calls)
		require.Equal(t, Done, steps[len(steps)-1].Result)
		again, err := w.handOver(t)
		require.NoError(t, err)
		require.Len(t, w.calls, 3, "nothing is done twice")
		require.Contains(t, again[1].Detail, "was done before")
	})
}

// A mapping that its owner paused, or gave away by hand, is kept off as well.
func TestAPausedMappingIsKeptOff(t *testing.T) {
	t.Parallel()
	for _, aws := range []string{"Disabled", "Enabled"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.paused, w.aws, w.members = true, aws, map[string]bool{}
			if aws == "Enabled" {
				w.members["aws"], w.at = true, 5
				w.later(time.Second, func() { w.at = w.end })
			}
			_, err := w.handOver(t)
			require.NoError(t, err)
			require.True(t, w.kept)
			require.Equal(t, "keep off", w.calls[0], "before AWS's is enabled")
		})
	}
}

// From every point at which a hand-over can break off, the next one ends it.
func TestABrokenHandOverIsCarriedOn(t *testing.T) {
	t.Parallel()
	for cut := time.Duration(0); cut < 30*time.Second; cut += 700 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			ctx, kill := context.WithTimeout(t.Context(), cut)
			defer kill()
			c := Config{Here: w, There: w, Want: Wanted{Group: "g", Topics: []string{"t"}}, Within: time.Minute, Say: func(Step) {}, Audit: func(string, string) {}}
			if Run(ctx, c) != nil {
				require.NotContains(t, w.calls, "resume", "cut at %s", cut)
				require.NotContains(t, w.calls, "aws false", "cut at %s", cut)
			}
			_, err := w.handOver(t)
			require.NoError(t, err, "cut at %s", cut)
			require.Equal(t, w.end, w.at)
			require.True(t, w.paused)
		})
	}
}

func TestAGroupIsGivenBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set  func(w *world)
		says string
	}{
		"AWS gets nothing done": {func(w *world) { w.idle = true }, "nothing was committed"},
		"AWS does not start":    {func(w *world) { w.deaf = true }, "AWS's mapping is Disabled"},
		"AWS refuses":           {func(w *world) { w.busy = 1000 }, "AWS does not take Enabled=true: ResourceInUseException"},
		"no place to begin":     {func(w *world) { w.without = true }, "no place in t-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				c.set(w)
				steps, err := w.handOver(t)
				require.ErrorIs(t, err, ErrGivenBack)
				require.ErrorContains(t, err, c.says)
				require.Equal(t, Given, steps[len(steps)-1].Result)
				require.False(t, w.paused)
				require.Equal(t, "Disabled", w.aws)
				require.Equal(t, "resume", w.calls[len(w.calls)-1], "at the very end")
			})
		})
	}
}

// While AWS is in the group, gantry does not go on.
func TestNobodyIsSetRunningBesideAMember(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.idle, w.sticks = true, true // AWS does not leave
		steps, err := w.handOver(t)
		require.Error(t, err)
		require.NotErrorIs(t, err, ErrGivenBack)
		require.True(t, w.paused)
		require.NotContains(t, w.calls, "resume")
		require.Equal(t, Failed, steps[len(steps)-1].Result)
		require.Contains(t, steps[len(steps)-1].Detail, "gantry resume orders")
	})
}

// Somebody else in the group keeps AWS from being enabled. gantry was beside him before and
// is again.
func TestAStrangerInTheGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.members["stranger"] = true
		w.silent = time.Now().Add(20 * time.Second) // what was known before is said
		_, err := w.handOver(t)
		require.ErrorIs(t, err, ErrGivenBack)
		require.ErrorContains(t, err, "group g is Stable with stranger")
		require.Equal(t, []string{"pause", "resume"}, w.calls, "AWS is not asked for anything")
	})
}

func TestWhatCanNotTakeOverIsRefusedWhole(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.remote = Remote{UUID: "u", Group: "other", Topics: []string{"x"}, Brokers: []string{"z:1"}}
	w.aws = "Enabled"
	var steps []Step
	err := Run(t.Context(), Config{Here: w, There: w, Want: Wanted{Group: "g", Topics: []string{"t"}, Brokers: []string{"k:9092"}}, Within: time.Minute, Name: "orders",
		Say: func(s Step) { steps = append(steps, s) }})
	for _, fault := range []string{`ConsumerGroupId is "other"`, "it reads x, not t", "bootstrap servers (z:1)", "Disable it first"} {
		require.ErrorContains(t, err, fault)
	}
	require.Empty(t, w.calls, "nothing was changed")
	require.Equal(t, Failed, steps[0].Result)
}

func TestAMappingOfSeveralTopicsIsNotHandedOver(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.remote = Remote{UUID: "u", Group: "g", Topics: []string{"t"}, Brokers: []string{"k:9092"}}
	err := Run(t.Context(), Config{Here: w, There: w, Want: Wanted{Group: "g", Topics: []string{"t", "u"}, Brokers: []string{"k:9092"}}, Within: time.Minute, Name: "orders",
		Say: func(Step) {}})
	require.ErrorContains(t, err, "this mapping reads t, u, and a mapping in AWS reads one topic")
	require.Empty(t, w.calls, "nothing was changed")
}

func TestADryRunChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	steps, err := w.handOver(t, func(c *Config) { c.DryRun = true })
	require.NoError(t, err)
	require.Empty(t, w.calls)
	require.Len(t, steps, 7)
	require.Equal(t, Would, steps[6].Result)
}

// Where there is nothing to read there is nothing to commit: AWS's member is enough.
func TestAnIdleTopicIsHandedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.idle, w.end = true, 6
		steps, err := w.handOver(t)
		require.NoError(t, err)
		require.Contains(t, steps[len(steps)-2].Detail, "nothing to read")
		require.NotContains(t, w.calls, off)
	})
}
