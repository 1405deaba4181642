package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"gantry/function"
	"gantry/internal/kafkatest"
	"gantry/mapping"
	"gantry/store"
)

// TestLagIsWhatIsNotCommitted: measured when somebody looks, at most every ten seconds,
// and absent for a mapping that does not run.
func TestLagIsWhatIsNotCommitted(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.function("f")
		p.fail["f"] = true
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "a", "b", "c")
		p.mapping(orders())
		settle(5 * time.Second)
		require.EqualValues(t, 3, p.engine.Lags(t.Context())[id].Sum)
		require.EqualValues(t, 3, p.engine.Lags(t.Context())[id].Max)
		p.mu.Lock()
		p.fail["f"] = false
		p.mu.Unlock()
		settle(5 * time.Second)
		lag, ok := p.engine.Lag(t.Context(), id)
		require.True(t, ok)
		require.EqualValues(t, 3, lag.Sum, "five seconds old is fresh enough")
		settle(time.Minute)
		require.Zero(t, p.engine.Lags(t.Context())[id].Sum)
		p.change(id, func(m *mapping.Mapping) { m.Enabled = false })
		settle(5 * time.Second)
		require.Empty(t, p.engine.Lags(t.Context()))
		observed := p.engine.Observed()
		require.Len(t, observed, 1)
		require.Equal(t, mapping.Disabled, observed[0].Status.State)
	})
}

// TestALagThatCantBeMeasured holds nobody up for more than two seconds, and is forgotten.
func TestALagThatCantBeMeasured(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.function("f")
		p.mapping(orders())
		settle(5 * time.Second)
		require.Contains(t, p.engine.Lags(t.Context()), id)
		defer p.fake.Hold(kmsg.ListOffsets)()
		settle(time.Minute)
		began := time.Now()
		require.Contains(t, p.engine.Lags(t.Context()), id, "the last one, for a while")
		require.LessOrEqual(t, time.Since(began), 3*time.Second)
		settle(5 * time.Minute)
		require.Empty(t, p.engine.Lags(t.Context()))
	})
}

// TestFunctionCounts: AWS's four, by whomever the function is invoked.
func TestFunctionCounts(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.function("f")
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "a", "b", "c")
		p.mapping(orders())
		settle(5 * time.Second)
		p.mu.Lock()
		p.fail["f"] = true
		p.mu.Unlock()
		_, err := p.engine.Invoke(t.Context(), "f", function.Invocation{Payload: []byte(`{}`)})
		require.NoError(t, err)
		use, ok := p.engine.Function("f")
		require.True(t, ok)
		require.EqualValues(t, 2, use.Counts.Invocations.Load())
		require.EqualValues(t, 1, use.Counts.Errors.Load())
		require.Equal(t, -1, use.Limit)
		require.Nil(t, use.Pool)
		atMost, _ := use.Counts.Durations()
		require.EqualValues(t, 2, atMost[900])

		_, _, err = store.FunctionsOf(p.store).Change(t.Context(), "f", p.by, func(f *function.Function) error { f.Concurrency = new(int); return nil })
		require.NoError(t, err)
		out, err := p.engine.Invoke(t.Context(), "f", function.Invocation{Payload: []byte(`{}`)})
		require.NoError(t, err)
		require.True(t, out.Throttled)
		require.EqualValues(t, 1, use.Counts.Throttles.Load())
		require.EqualValues(t, 2, use.Counts.Invocations.Load())
		require.Len(t, p.engine.Functions(), 1)
	})
}

// Where no answer came the log says which records may have been seen, and whether gantry
// itself ended the wait.
func TestWhatMayHaveRunIsSaid(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.function("f")
		p.lose["f"] = 2
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "a", "b", "c")
		p.mapping(orders())
		settle(time.Minute)
		require.Equal(t, []int64{0, 1, 2}, p.seen("f"))
		require.Equal(t, 2, p.said.count(`msg="no answer came, the function may have run" mapping=`+id+` records="orders-0 0..2 (3)" cut=false took=0s error="the connection broke"`))

		p.mu.Lock()
		p.lose["f"] = -1
		p.mu.Unlock()
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "d")
		settle(5 * time.Second)
		p.change(id, func(m *mapping.Mapping) { m.Enabled = false })
		settle(time.Minute)
		require.Equal(t, 1, p.said.count(`records="orders-0 3..3 (1)" cut=true`), "the function has its timeout and half a minute")
		require.Equal(t, map[int32]int64{0: 3}, p.fake.Committed("g", "orders"))
	})
}
