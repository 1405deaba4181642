package migrate_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/migrate"
	"gantry/plan"
	"gantry/store"
)

// What a shadow run showed counts for the functions that showed it. One that is changed
// afterwards is named, with what it was and is, wherever the gates are asked.
func TestAFunctionThatIsChangedAfterItsShadowRun(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx := w.t.Context()
		require.NoError(t, w.m.Shadow(ctx, order()))
		require.Equal(t, plan.Shadowed, w.state())
		_, said, err := w.m.Look(ctx, order())
		require.NoError(t, err)
		require.Empty(t, said.NoGo)

		w.declare("second")
		for _, do := range []func(context.Context, migrate.Order) error{w.m.Cutover, w.m.Rehearse} {
			err := do(ctx, order())
			require.ErrorIs(t, err, migrate.ErrState)
			require.ErrorContains(t, err, "function f: its code was first and is second; gantry migrate shadow shows it, or --without-shadow")
		}
		_, said, err = w.m.Look(ctx, order())
		require.NoError(t, err)
		require.Len(t, said.NoGo, 1)
		require.Contains(t, said.NoGo[0], "its code was first and is second")
		_, said, err = w.m.Look(ctx, migrate.Order{Plan: "p", Waive: true})
		require.NoError(t, err)
		require.Empty(t, said.NoGo)
		require.Equal(t, plan.Shadowed, w.state())

		w.declare("first") // it was taken back
		require.NoError(t, w.m.Rehearse(ctx, order()))
		w.declare("second")
		waived := order()
		waived.Waive = true
		require.NoError(t, w.m.Rehearse(ctx, waived))
		lines, err := w.m.Lines(ctx, "p")
		require.NoError(t, err)
		waive := lineOf(lines, plan.StepWaive, plan.Did)
		require.Contains(t, string(waive.Facts), "its code was first and is second")

		require.NoError(t, w.m.Shadow(ctx, order()), "a new run shows what the newest does")
		require.NoError(t, w.m.Cutover(ctx, order()))
		require.Equal(t, plan.Moved, w.state())
	})
}

// The second operator may think for hours: what is changed meanwhile is seen before the old
// service is asked to stop.
func TestAFunctionThatIsChangedBeforeTheApproval(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx := w.t.Context()
		require.NoError(t, w.m.Shadow(ctx, order()))
		o := order()
		o.ApproveBy = "bob"
		o.Tell = func(e migrate.Event) {
			if e.Line != nil && e.Line.Step == plan.StepApprove && e.Line.Phase == plan.Intends {
				w.declare("second")
				go func() {
					for errors.Is(w.m.Answer(context.Background(), "p", store.Write{Actor: "bob"}), migrate.ErrState) {
						wait(context.Background(), 1)
					}
				}()
			}
		}
		require.ErrorContains(t, w.m.Cutover(ctx, o), "its code was first and is second")
		require.Equal(t, plan.Shadowed, w.state())
		lines, err := w.m.Lines(ctx, "p")
		require.NoError(t, err)
		require.Equal(t, plan.Did, lineOf(lines, plan.StepApprove, plan.Did).Phase)
		require.Empty(t, lineOf(lines, plan.StepStop, plan.Intends).Step, "nobody was asked to stop")
	})
}

func lineOf(lines []plan.Line, step plan.Step, phase plan.Phase) plan.Line {
	for _, l := range lines {
		if l.Step == step && l.Phase == phase {
			return l
		}
	}
	return plan.Line{}
}
