package compare

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/plan"
	"gantry/record"
)

// TestTooMuchWaits: what is dropped, and its counterpart, is not compared, which is said;
// what comes behind it is compared as ever.
func TestTooMuchWaits(t *testing.T) {
	t.Parallel()
	for _, o := range []plan.Output{
		{Pair: plan.PairKey, Order: true}, {Pair: plan.PairKey}, {Pair: plan.PairHeader, Field: "id", Order: true}, {Pair: plan.PairHeader, Field: "id"},
	} {
		o.Topic = "out"
		c := Begin(plan.Plan{Outputs: []plan.Output{o}}, time.Unix(0, 0))
		c.topics["out"].main.limit = 100
		add := func(side Side, i, wrong int) {
			c.Add(side, Record{
				Topic: "out", At: time.Unix(int64(i), 0), Key: []byte{byte(i % 3)}, Headers: []record.Header{{Key: "id", Value: fmt.Append(nil, i)}},
				Value: fmt.Appendf(nil, `{"id":%d,"b":%d,"c":%d,"wrong":%d}`, i, i, i, wrong),
			})
		}
		const all, behind = 500, 150
		for i := range all + behind {
			if i < all {
				add(Old, i, 0)
			}
			if i >= behind {
				add(New, i-behind, (i-behind)/(all-1))
			}
		}
		c.Settle(c.Mark())
		got := c.Report().Outputs[0]
		require.Zero(t, got.Pending)
		require.Zero(t, got.Missing+got.Extra+got.Reordered+got.Seam, "%+v", o)
		require.EqualValues(t, 1, got.Different, "%+v", o)
		require.Equal(t, got.Old+got.New, 2*(got.Equal+got.Different)+got.Unpaired)
		require.Greater(t, got.Equal, int64(50))
		require.Contains(t, c.Report().NotCompared[0].Why, "more than 100 waited")
		require.Less(t, len(c.topics["out"].main.queue), 2000)
		require.Empty(t, c.topics["out"].main.lines, "what is done is forgotten")
		if orders := c.topics["out"].tally.orders; orders != nil {
			require.Empty(t, orders.keys)
		}
	}
}

// TestBounds: sets, keys and lines of samples have an end.
func TestBounds(t *testing.T) {
	t.Parallel()
	c := Begin(plan.Plan{Outputs: []plan.Output{{Topic: "out", Pair: plan.PairKey, Order: true, Second: "second"}}}, time.Unix(0, 0))
	const many = 1500
	for i := range many {
		for side := range Second {
			c.Add(side, Record{Topic: "out", At: time.Unix(9, 0), Key: fmt.Append(nil, i), Value: fmt.Appendf(nil, `{"p%d":%d}`, i, side)})
		}
	}
	c.Settle(c.Mark())
	got := c.Report().Outputs[0]
	require.EqualValues(t, many, got.Different)
	require.Len(t, got.Differences, mostSets+1)
	require.Equal(t, []string{pathOther}, got.Differences[0].Paths, "the most frequent")
	require.EqualValues(t, many-mostSets, got.Differences[0].Count)
	require.Equal(t, many, got.Keys)

	k := keys{most: 10}
	for i := range uint64(100) {
		k.add(i)
	}
	require.Len(t, k.set, 10)
	require.Equal(t, 250_000, keysToCount(plan.Gates{Keys: 250_000}))
	require.Equal(t, MostKeys, keysToCount(plan.Gates{Keys: 5}))
}

// TestMostMasks: a path for each value teaches masks without end; they are bounded, and told.
func TestMostMasks(t *testing.T) {
	t.Parallel()
	c := Begin(plan.Plan{Outputs: []plan.Output{{Topic: "out", Pair: plan.PairHeader, Field: "id", Second: "second"}}}, time.Unix(0, 0))
	for i := range mostMasks + 100 {
		for _, side := range []Side{Old, Second} {
			c.Add(side, Record{Topic: "out", At: time.Unix(9, 0), Headers: []record.Header{{Key: "id", Value: fmt.Append(nil, i)}}, Value: fmt.Appendf(nil, `{"p%d":%d}`, i, side)})
		}
	}
	c.Settle(c.Mark())
	require.Len(t, c.Report().Outputs[0].Masks, mostMasks)
	require.Equal(t, "masks of out", c.Report().NotCompared[0].What)
}
