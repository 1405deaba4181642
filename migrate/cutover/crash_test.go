package cutover_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/kafkatest"
	"gantry/migrate/cutover"
	"gantry/plan"
)

// writes are those of a cutover without an approval (9 steps) and of its rollback (5).
const writes = 2 * (9 + 5)

// Whoever moves the service dies at every write of the journal, once, and another goes on:
// before the line is kept, and right behind it. The end is the same.
func TestDiesAtEveryWriteOnce(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{false, true} {
		t.Run(fmt.Sprint("kept ", kept), func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.running()
				w.ledger.each, w.ledger.kept = map[string]bool{}, kept
				w.moveDying()
				require.Equal(w.t, writes, w.ledger.deaths, "every step of the way there and back writes twice")
			})
		})
	}
}

// The same with one death, at each write of its own.
func TestDiesAtOneWrite(t *testing.T) {
	t.Parallel()
	every := kafkatest.Size(7, 1)
	for n := 1; n <= writes; n += every {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprint("write ", n, " kept ", kept), func(t *testing.T) {
				t.Parallel()
				inWorld(t, func(w *world) {
					w.running()
					w.ledger.dieAt, w.ledger.kept = n, kept
					w.moveDying()
					require.Equal(w.t, 1, w.ledger.deaths)
				})
			})
		}
	}
}

// moveDying cuts over and rolls back through every death.
func (w *world) moveDying() {
	t := w.t
	var proof cutover.Proof
	w.live(func(again bool) (err error) {
		proof, err = w.protocol().Cutover(t.Context())
		return err
	})
	require.True(t, w.new.on(w.plan.NewGroup()))
	require.Equal(t, []string{"User:legacy"}, w.denied())
	for _, s := range proof.Seams {
		require.True(t, s.Holds())
	}
	w.live(func(again bool) (err error) {
		if again && w.ledger.has(plan.StepHalt, plan.Intends) {
			return w.protocol().Resume(t.Context())
		}
		_, err = w.protocol().Rollback(t.Context(), "enough")
		return err
	})
	require.False(t, w.new.on(w.plan.NewGroup()))
	require.Empty(t, w.denied())
	w.settled(oldGroup)
	require.Zero(t, w.members(w.plan.NewGroup()))
	w.judge(tail(proof))
	require.NoError(t, w.protocol().Resume(t.Context()), "there is nothing to resume")
	_, err := w.protocol().Rollback(t.Context(), "again")
	require.ErrorIs(t, err, cutover.ErrNothing)
}

// live calls until it is not killed any more; some time passes before another host takes
// over.
func (w *world) live(call func(again bool) error) {
	w.t.Helper()
	for again := false; ; again = true {
		err, died := surviving(func() error { return call(again) })
		if !died {
			require.NoError(w.t, err)
			return
		}
		time.Sleep(2 * time.Second)
	}
}

// What people asked for is in the journal: whoever goes on knows whether it was a rehearsal,
// whether the tail is skipped, and whether a release keeps the fence.
func TestWhatWasAskedForSurvives(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{false, true} {
		t.Run(fmt.Sprint("rehearsal, kept ", kept), func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.running()
				w.ledger.each, w.ledger.kept = map[string]bool{}, kept
				w.live(func(again bool) error {
					if again && cutover.UnderWay(w.ledger.lines) {
						return w.protocol().Resume(w.t.Context())
					}
					if w.ledger.has(plan.StepHalt, plan.Intends) {
						return nil // the last line was kept
					}
					_, err := w.protocol().Rehearse(w.t.Context())
					return err
				})
				require.Equal(w.t, writes, w.ledger.deaths)
				require.False(w.t, w.ledger.has(plan.StepWatch, plan.Intends), "it is no cutover now")
				require.False(w.t, cutover.UnderWay(w.ledger.lines))
				require.False(w.t, w.new.on(w.plan.NewGroup()))
			})
		})
		t.Run(fmt.Sprint("tail and fence, kept ", kept), func(t *testing.T) {
			t.Parallel()
			inWorld(t, func(w *world) {
				w.old.deaf, w.old.every, w.plan.Stop.Wait = true, 2*time.Second, 5*time.Second
				w.running()
				w.ledger.each, w.ledger.kept = map[string]bool{}, kept
				w.live(func(again bool) error {
					if again && cutover.UnderWay(w.ledger.lines) {
						return w.protocol().Resume(w.t.Context())
					}
					if w.ledger.has(plan.StepWatch, plan.Did) {
						return nil
					}
					w.edit = func(c *cutover.Config) { c.Skip = true }
					_, err := w.protocol().Cutover(w.t.Context())
					w.edit = nil
					return err
				})
				w.live(func(bool) error { return w.protocol().Resume(w.t.Context()) })
				w.live(func(again bool) error {
					if again && w.ledger.has(plan.StepRelease, plan.Intends) {
						return w.protocol().Resume(w.t.Context())
					}
					return w.protocol().Release(w.t.Context(), true)
				})
				require.True(w.t, w.ledger.has(plan.StepRelease, plan.Did))
				require.False(w.t, cutover.UnderWay(w.ledger.lines))
				require.NotEmpty(w.t, w.denied(), "the fence was to stay")
				require.True(w.t, w.ledger.skipped())
			})
		})
	}
}

// skipped says whether the functions began behind the tail.
func (l *ledger) skipped() bool {
	for _, line := range l.lines {
		var tail cutover.Tail
		if line.Step == plan.StepTail && line.Phase == plan.Did && json.Unmarshal(line.Facts, &tail) == nil {
			return tail.Skipped
		}
	}
	return false
}

// A cutover does not go on with a rehearsal as if it were one.
func TestARehearsalIsNoCutover(t *testing.T) {
	t.Parallel()
	inWorld(t, func(w *world) {
		w.running()
		w.ledger.dieAt, w.ledger.kept = 2*9, true // behind the proof
		_, died := surviving(func() error { _, err := w.protocol().Rehearse(w.t.Context()); return err })
		require.True(w.t, died)
		_, err := w.protocol().Cutover(w.t.Context())
		require.ErrorIs(w.t, err, cutover.ErrBegun)
		_, err = w.protocol().Watch(w.t.Context())
		require.ErrorIs(w.t, err, cutover.ErrBegun)
		require.NoError(w.t, w.protocol().Resume(w.t.Context()))
		require.False(w.t, w.new.on(w.plan.NewGroup()))
		w.settled(oldGroup)
	})
}
