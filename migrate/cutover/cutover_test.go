package cutover_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/migrate/cutover"
	"gantry/plan"
	"gantry/record"
)

// A service is taken over, given back and taken over again, in every way a plan can say.
func TestTakenOverGivenBackTakenOver(t *testing.T) {
	t.Parallel()
	for _, fence := range []plan.Fence{plan.FenceStrong, plan.FenceOperator, plan.FenceWeak} {
		for _, handover := range []plan.Handover{plan.HandoverNew, plan.HandoverSame} {
			for _, way := range []plan.Rollback{plan.Resume, plan.Replay} {
				t.Run(fmt.Sprint(fence, " ", handover, " ", way), func(t *testing.T) {
					t.Parallel()
					inWorld(t, func(w *world) {
						w.plan.Fence, w.plan.Handover, w.plan.Rollback = fence, handover, way
						w.operator()
						w.thereAndBack()
					})
				})
			}
		}
	}
}

// operator does what gantry tells him to.
func (w *world) operator() {
	w.edit = func(c *cutover.Config) {
		tell := c.Tell
		c.Tell = func(text string) {
			tell(text)
			if w.plan.Fence != plan.FenceOperator {
				return
			}
			switch {
			case strings.Contains(text, " --add "):
				require.NoError(w.t, w.admin.DenyGroup(w.t.Context(), w.plan.Service.Principal, oldGroup))
			case strings.Contains(text, " --remove "):
				_, err := w.admin.UndenyGroup(w.t.Context(), w.plan.Service.Principal, oldGroup)
				require.NoError(w.t, err)
			}
		}
	}
}

func (w *world) thereAndBack() {
	t := w.t
	w.running()
	proof, err := w.protocol().Cutover(t.Context())
	require.NoError(t, err)
	require.Len(t, proof.Seams, partitions*len(w.topics))
	for _, s := range proof.Seams {
		require.True(t, s.Holds(), "%+v", s)
	}
	require.Positive(t, proof.Pause)
	require.True(t, w.new.on(w.plan.CutoverGroup()))
	if w.plan.Fence != plan.FenceWeak {
		require.Equal(t, []string{"User:legacy"}, w.denied())
	}
	w.undoWasWritten()
	time.Sleep(3 * time.Second)

	back, err := w.protocol().Rollback(t.Context(), "to see whether it works")
	require.NoError(t, err)
	require.Equal(t, "to see whether it works", back.Reason)
	require.Positive(t, back.Pause)
	require.Positive(t, back.Meanwhile.Records)
	require.NotEmpty(t, back.Meanwhile.Keys)
	require.Empty(t, back.Meanwhile.Note)
	require.Empty(t, w.denied())
	require.False(t, w.new.on(w.plan.CutoverGroup()))
	twice := tail(proof)
	if w.plan.Rollback == plan.Replay {
		for _, s := range back.Seams {
			twice[record.Partition{Topic: s.Topic, Index: s.Partition}] = [2]int64{s.NewStart, s.OldEnd}
		}
	}
	if w.plan.Rollback == plan.Resume {
		time.Sleep(3 * time.Second)
		_, err = w.protocol().Cutover(t.Context())
		require.NoError(t, err)
		w.settled(w.plan.CutoverGroup())
	} else {
		w.settled(oldGroup)
	}
	w.judge(twice)
}

// undoWasWritten: who finds the journal and no gantry finds the line that lets the old
// service back, and it was there before the fence was.
func (w *world) undoWasWritten() {
	for _, l := range w.ledger.lines {
		if l.Step != plan.StepFence || l.Phase != plan.Intends {
			continue
		}
		var i cutover.Intent
		require.NoError(w.t, json.Unmarshal(l.Facts, &i))
		if w.plan.Fence == plan.FenceWeak {
			require.Empty(w.t, i.Undo)
			return
		}
		require.Equal(w.t, []string{"kafka-acls --bootstrap-server kafka-1:9092 --remove --force --deny-principal 'User:legacy' --operation Read --group 'billing' --resource-pattern-type literal"}, i.Undo)
		return
	}
	require.Fail(w.t, "no fence was intended")
}

func TestStateAfter(t *testing.T) {
	t.Parallel()
	state := plan.Shadowed
	for _, l := range []struct {
		step  plan.Step
		phase plan.Phase
		want  plan.State
	}{
		{plan.StepPreflight, plan.Did, plan.Shadowed},
		{plan.StepPredict, plan.Failed, plan.Shadowed},
		{plan.StepStop, plan.Intends, plan.CuttingOver},
		{plan.StepFence, plan.Did, plan.CuttingOver},
		{plan.StepProve, plan.Failed, plan.CuttingOver},
		{plan.StepProve, plan.Did, plan.Watching},
		{plan.StepWatch, plan.Did, plan.Moved},
		{plan.StepHalt, plan.Intends, plan.RollingBack},
		{plan.StepRestart, plan.Did, plan.RollingBack},
		{plan.StepProve, plan.Did, plan.RolledBack},
		{plan.StepStop, plan.Intends, plan.CuttingOver},
		{plan.StepHalt, plan.Intends, plan.RollingBack},
		{plan.StepProve, plan.Did, plan.RolledBack},
		{plan.StepRelease, plan.Did, plan.Released},
		{plan.StepStop, plan.Intends, plan.Released},
	} {
		state = cutover.StateAfter(state, l.step, l.phase)
		require.Equal(t, l.want, state, "%s %s", l.step, l.phase)
	}
}
