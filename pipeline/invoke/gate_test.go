package invoke_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/pipeline/invoke"
)

func TestGateWakesWhomItRefused(t *testing.T) {
	t.Parallel()
	g := invoke.NewGate(1)
	wake := make(chan struct{}, 1)
	require.True(t, g.TryEnter(wake))
	require.False(t, g.TryEnter(wake))
	require.False(t, g.TryEnter(nil), "somebody who does not wait")
	require.Empty(t, wake)
	g.Leave()
	require.Len(t, wake, 1)
	<-wake
	require.True(t, g.TryEnter(wake))
	require.Equal(t, 1, g.Busy())
	require.False(t, g.TryEnter(wake))
	g.SetLimit(2)
	require.Len(t, wake, 1, "a higher limit is room")
	require.True(t, g.TryEnter(wake))
	g.SetLimit(0)
	g.Leave()
	g.Leave()
	require.False(t, g.TryEnter(wake))
	require.True(t, invoke.NewGate(-1).TryEnter(nil))
}

// Several mappings share a gate: never more inside than the limit, and all get through.
func TestGateHoldsItsLimitAmongMany(t *testing.T) {
	t.Parallel()
	g := invoke.NewGate(3)
	var inside, done atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			wake := make(chan struct{}, 1)
			for range 200 {
				for !g.TryEnter(wake) {
					<-wake
				}
				if n := inside.Add(1); n > 3 {
					t.Errorf("%d inside", n)
				}
				inside.Add(-1)
				g.Leave()
			}
			done.Add(1)
		})
	}
	wg.Wait()
	require.EqualValues(t, 20, done.Load())
	require.Zero(t, g.Busy())
}
