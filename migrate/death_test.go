package migrate_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/migrate"
	"gantry/migrate/ledger"
	"gantry/plan"
	"gantry/store"
)

// way is a migration as people type it: every act, and the state it leads to.
var way = []struct {
	act  migrate.Act
	want plan.State
}{
	{migrate.ActShadow, plan.Shadowed},
	{migrate.ActRehearse, plan.RolledBack},
	{migrate.ActCutover, plan.Moved},
	{migrate.ActRollback, plan.RolledBack},
	{migrate.ActCutover, plan.Moved},
	{migrate.ActRelease, plan.Released},
}

// points are the writes to the store of the whole way, each behind the line of the ledger
// that it belongs to: the opening of the ledger, the states, the mappings.
var points = []string{
	"shadow: plan Planned at opening", "shadow: plan Shadowing", "shadow: mapping migration.p.shadow enabled false", "shadow: mapping migration.p.shadow enabled true", "shadow: plan Shadowed",
	"rehearse: plan Shadowed at opening", "rehearse: plan CuttingOver", "rehearse: mapping migration.p enabled false", "rehearse: mapping migration.p enabled true",
	"rehearse: plan Watching", "rehearse: plan RollingBack", "rehearse: plan RolledBack",
	"cutover: plan RolledBack at opening", "cutover: plan CuttingOver", "cutover: mapping migration.p enabled false", "cutover: mapping migration.p enabled true",
	"cutover: plan Watching", "cutover: plan Moved",
	"rollback: plan Moved at opening", "rollback: plan RollingBack", "rollback: mapping migration.p enabled false", "rollback: plan RolledBack",
	"release: plan Moved at opening", "release: plan Released",
}

// Gantry dies at every write to its store once, before it is done and right behind it. When
// it is started again it goes on by itself with whatever its ledger says was begun: nobody
// types a command twice, unless nothing had been begun.
func TestDiesAtEveryWriteToItsStore(t *testing.T) {
	for _, kept := range []bool{false, true} {
		t.Run(fmt.Sprint("kept ", kept), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.dies.each, w.dies.kept = map[string]bool{}, kept
				for _, step := range way {
					w.dies.act = step.act
					w.live(step.act, step.want)
				}
				for _, point := range points {
					require.True(w.t, w.dies.each[point], "it never died at: %s; it did at %q", point, w.dies.deaths)
				}
			})
		})
	}
}

// live does an act through every death.
func (w *world) live(act migrate.Act, want plan.State) {
	w.t.Helper()
	for range 30 {
		before := w.state()
		run, err := w.m.Start(w.t.Context(), act, order())
		require.NoError(w.t, err)
		for w.over(run) != "" {
			require.Equal(w.t, "dead", w.over(run), "%s: %v", act, w.dies.deaths)
			begun := w.underWay()
			w.stop()
			w.up()
			time.Sleep(time.Second) // it looks at what was under way
			if run = w.m.Running("p"); run == nil {
				require.False(w.t, begun, "the ledger says that %s is under way, and it does not go on; deaths: %q", act, w.dies.deaths)
				break
			}
			require.True(w.t, begun)
		}
		switch state := w.state(); {
		case state == want:
			return
		case state != before:
			require.Failf(w.t, "it ended elsewhere", "%s: %s, deaths: %q", act, state, w.dies.deaths)
		}
	}
	require.Fail(w.t, "it never ended")
}

// over waits for the end of a run, and says "dead" where its process died before.
func (w *world) over(run *migrate.Run) string {
	for i := 0; ; i++ {
		select {
		case <-w.dies.dead:
			return "dead"
		case <-time.After(100 * time.Millisecond):
		}
		event, more := run.Follow(w.t.Context(), i)
		if !more {
			return ""
		}
		require.Empty(w.t, event.Error)
	}
}

// underWay says whether the ledger holds an act that has not come to its end.
func (w *world) underWay() bool {
	lines, err := ledger.Read(w.t.Context(), w.cluster, ledger.DefaultTopic, "p")
	require.NoError(w.t, err)
	if len(lines) == 0 {
		return false
	}
	last := lines[len(lines)-1]
	under := []plan.State{plan.Shadowing, plan.CuttingOver, plan.Watching, plan.RollingBack}
	return slices.Contains(under, last.State) || last.Step == plan.StepRelease && last.Phase == plan.Intends
}

// That a shadow run is to end, or to be dropped, is not forgotten with the gantry that was
// told so.
func TestDiesWhileAShadowRunEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		tell func(w *world) (*migrate.Run, error)
		want plan.State
	}{
		{"end", func(w *world) (*migrate.Run, error) { return w.m.End(order()) }, plan.Shadowed},
		{"abort", func(w *world) (*migrate.Run, error) { return w.m.Abort(w.t.Context(), order()) }, plan.Planned},
	} {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, " kept ", kept), func(t *testing.T) {
				inWorld(t, func(w *world) {
					lasting := order()
					lasting.For = 1000 * time.Hour
					_, err := w.m.Start(w.t.Context(), migrate.ActShadow, lasting)
					require.NoError(w.t, err)
					time.Sleep(20 * time.Second)
					require.Equal(w.t, plan.Shadowing, w.state())
					w.dies.each, w.dies.kept = map[string]bool{}, kept
					w.dies.act = migrate.Act(c.name)
					w.dies.each[c.name+": plan Shadowing at opening"] = true // there it knows of nothing yet
					_, err = c.tell(w)
					require.NoError(w.t, err)
					time.Sleep(20 * time.Second)
					for n := 1; w.dies.isDead(); n++ {
						require.Len(w.t, w.dies.deaths, n)
						w.stop()
						w.up()
						time.Sleep(20 * time.Second)
					}
					require.Contains(w.t, w.dies.deaths, c.name+": mapping migration.p.shadow enabled false")
					require.Equal(w.t, c.want, w.state(), "%q", w.dies.deaths)
					all, err := store.MappingsOf(w.kept).List(w.t.Context())
					require.NoError(w.t, err)
					require.False(w.t, all[0].Value.Enabled)
				})
			})
		}
	}
}

// A cluster that does not answer when gantry starts is asked again.
func TestGoesOnWhenTheClusterAnswersAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		w.dies.each, w.dies.act = map[string]bool{}, migrate.ActCutover
		for _, point := range points {
			w.dies.each[point] = point != "cutover: plan Watching"
		}
		w.dies.each["cutover: plan Planned at opening"] = true
		o := order()
		o.Waive = true
		_, err := w.m.Start(w.t.Context(), migrate.ActCutover, o)
		require.NoError(w.t, err)
		time.Sleep(time.Minute)
		require.True(w.t, w.dies.isDead())
		w.stop()
		w.dies.each = nil
		w.away.Store(true)
		w.up()
		time.Sleep(time.Minute)
		require.Nil(w.t, w.m.Running("p"))
		w.away.Store(false)
		time.Sleep(2 * time.Minute)
		require.Equal(w.t, plan.Moved, w.state(), "%q", w.dies.deaths)
	})
}

// Where the store could not keep the state, an abort goes by the ledger.
func TestAnAbortGoesByTheLedger(t *testing.T) {
	inWorld(t, func(w *world) {
		o := order()
		o.Waive = true
		w.plan.Guards.Watch = time.Hour
		_, err := w.m.Put(w.t.Context(), w.plan, store.Write{Actor: "ann"})
		require.NoError(w.t, err)
		_, err = w.m.Start(w.t.Context(), migrate.ActCutover, o)
		require.NoError(w.t, err)
		time.Sleep(2 * time.Minute)
		require.Equal(w.t, plan.Watching, w.state())
		_, _, err = store.Of[migrate.Stored](w.kept, store.Plans).Change(w.t.Context(), "p", store.Write{}, func(s *migrate.Stored) error {
			s.State = plan.Planned
			return nil
		})
		require.NoError(w.t, err)
		run, err := w.m.Abort(w.t.Context(), order())
		require.NoError(w.t, err)
		require.Equal(w.t, migrate.ActRollback, run.Act)
		require.Empty(w.t, w.over(run))
		require.Equal(w.t, plan.RolledBack, w.state())
	})
}
