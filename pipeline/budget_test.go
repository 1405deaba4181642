package pipeline_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/function"
	"gantry/internal/rig"
)

// A lane that stands with more behind it than the mapping may hold does not starve the
// others: they are polled on.
func TestALaneThatStandsDoesNotUseUpTheBudget(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig.Rig) {
		var s seen
		var well atomic.Bool
		m := starting(map[int32]int64{0: 0, 1: 0})
		m.BatchSize = 1
		pad := strings.Repeat("x", 500_000)
		var backlog []*kgo.Record
		for range 40 {
			backlog = append(backlog, &kgo.Record{Partition: 0, Value: []byte(pad)})
		}
		r.Produce(backlog...)
		fail := func(_ context.Context, c rig.Call) function.Outcome {
			if len(c.Parts[0]) > 0 && !well.Load() {
				return rig.Fails()
			}
			s.note(c)
			return rig.OK()
		}
		p := r.Start(rig.Spec{Mapping: m, Answer: fail, Budget: 8 << 20})
		pass(30 * time.Second)
		r.Produce(records(1, 3)...)
		pass(time.Minute)
		require.Len(t, s.take(), 3)
		require.Less(t, p.Pipe.Snapshot().Held, int64(16<<20))

		// Paused, taken away and given back, it is fetched again.
		require.True(t, p.Pipe.Snapshot().Lanes[0].Paused)
		well.Store(true)
		r.Fake.Expel(t, rig.Group)
		pass(2 * time.Minute)
		require.Equal(t, map[int32]int64{0: 40, 1: 3}, r.Fake.Committed(rig.Group, rig.Topic))
		require.NoError(t, p.Stop())
	})
}
