package cutover_test

import (
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
