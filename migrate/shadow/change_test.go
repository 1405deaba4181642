package shadow_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/plan"
)

// passing is a run that would pass.
func (w *world) passing() {
	w.commit(group, 0, 0)
	w.begin()
	time.Sleep(10 * time.Second)
	w.write(in, 0, "a", "1")
	w.write(out, 0, "a", `{"n":1}`)
	w.write(captured, 0, "a", `{"n":1}`)
	w.commit(group, 1, 0)
	w.commit(shadowGroup, 1, 0)
	require.Equal(w.t, int64(1), w.later().Equal)
}

func functionsGate(s plan.Shadow) plan.Gate { return s.Gates[len(s.Gates)-1] }

// A run whose functions become others can't pass, though nothing differs: also when they
// become what they were again, and when gantry died meanwhile.
func TestFunctionsThatChangeMeanwhile(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.passing()
		w.become("second")
		w.later()
		w.become("first")
		w.later()
		w.cut(context.Canceled)
		require.ErrorIs(t, <-w.over, context.Canceled)
		w.begin()
		require.Equal(t, int64(1), w.later().Equal)
		s := w.done()
		require.False(t, s.Passed)
		require.Equal(t, "function f: its code was first and is second", functionsGate(s).Have)
		require.Equal(t, "first", s.Revisions[0].Code)

		w.passing() // a new run knows nothing of it
		require.True(t, w.done().Passed)
	})
}

// One that changed while no gantry was there, or in the last moment, is seen as well.
func TestFunctionsThatChangeUnseen(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.passing()
		w.cut(context.Canceled)
		require.ErrorIs(t, <-w.over, context.Canceled)
		w.become("second")
		w.begin()
		require.Equal(t, int64(1), w.later().Equal)
		require.False(t, w.done().Passed)

		w.passing()
		w.become("third")
		require.False(t, w.done().Passed)
	})
}

// Who can't be asked for a moment has changed nothing.
func TestFunctionsThatCantBeToldForAMoment(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.passing()
		w.mu.Lock()
		w.are = nil
		w.mu.Unlock()
		w.later()
		w.mu.Lock()
		w.are = []plan.Revision{{Function: "f", Unknown: "AWS does not answer", Configuration: "c"}}
		w.mu.Unlock()
		w.later()
		s := w.done()
		require.True(t, s.Passed, "%+v", s.Gates)
		require.Equal(t, "first", s.Revisions[0].Code)
	})
}

// Code that can't be known is said not to be.
func TestCodeThatIsNotKnownIsSaid(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.are = []plan.Revision{{Function: "f", Unknown: "it answers behind HTTP", Configuration: "c"}}
		w.passing()
		s := w.done()
		require.True(t, s.Passed)
		require.Equal(t, "the code of function f", s.NotCompared[0].What)
		require.Contains(t, s.NotCompared[0].Why, "it answers behind HTTP")
	})
}
