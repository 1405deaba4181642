package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/internal/kafkatest"
	"gantry/mapping"
)

// Which rule decides where a mapping begins is said: the group's commits win.
func TestWhereAMappingBeginsIsSaid(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		m := orders()
		m.Start = mapping.Latest
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "a", "b", "c")
		note, err := p.engine.Begins(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, "begins at LATEST: group g has no commits yet", note)
		p.fake.Commit(t, "g", "orders", map[int32]int64{0: 1})
		note, err = p.engine.Begins(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, "goes on at the commits of group g; startingPosition LATEST is ignored", note)
		p.function("f")
		p.mapping(m)
		settle(5 * time.Second)
		require.Equal(t, []int64{1, 2}, p.seen("f"))
	})
}

// A group has begun elsewhere, say by a process whose data directory is lost. What is new to
// it begins at its oldest record, whatever the starting position that is resolved here.
func TestAPartitionThatIsNewToAGroupBeginsAtItsOldestRecord(t *testing.T) {
	for _, start := range []mapping.Start{mapping.Latest, mapping.AtTimestamp} {
		t.Run(string(start), func(t *testing.T) {
			bubble(t, func(t *testing.T, p *place) {
				kafkatest.ProduceValues(t, p.fake, "orders", 0, "a", "b", "c")
				p.fake.Commit(t, "g", "orders", map[int32]int64{0: 2})
				p.fake.AddPartitions(t, "orders", 2)
				kafkatest.ProduceValues(t, p.fake, "orders", 1, "x", "y")
				settle(time.Hour)
				m := orders()
				m.Start, m.StartTime = start, time.Now()
				p.function("f")
				p.mapping(m)
				settle(5 * time.Second)
				require.ElementsMatch(t, []int64{2, 0, 1}, p.seen("f"))
				require.Equal(t, map[int32]int64{0: 3, 1: 2}, p.fake.Committed("g", "orders"))
			})
		})
	}
}

// A group that has not begun begins where it is told, each of its partitions.
func TestAGroupThatHasNotBegun(t *testing.T) {
	bubble(t, func(t *testing.T, p *place) {
		p.fake.AddPartitions(t, "orders", 2)
		kafkatest.ProduceValues(t, p.fake, "orders", 0, "a", "b", "c")
		kafkatest.ProduceValues(t, p.fake, "orders", 1, "x", "y")
		m := orders()
		m.Start = mapping.Latest
		p.function("f")
		p.mapping(m)
		settle(5 * time.Second)
		require.Empty(t, p.seen("f"))
		require.Equal(t, map[int32]int64{0: 3, 1: 2}, p.fake.Committed("g", "orders"))
	})
}
