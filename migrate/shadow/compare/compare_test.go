package compare_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/plan"
)

func outputs() []plan.Output {
	var out []plan.Output
	for _, order := range []bool{true, false} {
		out = append(out,
			plan.Output{Topic: topic, Pair: plan.PairKey, Order: order},
			plan.Output{Topic: topic, Pair: plan.PairHeader, Field: "id", Order: order},
			plan.Output{Topic: topic, Pair: plan.PairValue, Field: "order.id", Order: order},
			plan.Output{Topic: topic, Pair: plan.PairSource, Order: order},
		)
	}
	return out
}

// seeds are fewer than a soak's.
func seeds(n uint64) uint64 {
	if os.Getenv("GANTRY_TEST_SIZE") == "soak" {
		return 50 * n
	}
	return n
}

// counted are the counts of a topic, without what is made of them.
func counted(c plan.Compared) plan.Compared {
	return plan.Compared{
		Topic: c.Topic, Pair: c.Pair, Pending: c.Pending, Equal: c.Equal, Masked: c.Masked, Different: c.Different,
		Missing: c.Missing, Extra: c.Extra, Reordered: c.Reordered, Seam: c.Seam, Unpaired: c.Unpaired,
	}
}

// told are the differences with their samples.
func told(c plan.Compared) string {
	text, err := json.MarshalIndent(c.Differences, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func sums(t *testing.T, c plan.Compared) {
	t.Helper()
	require.Equal(t, c.Old+c.New, 2*(c.Equal+c.Masked+c.Different+c.Reordered)+c.Missing+c.Extra+c.Seam+c.Unpaired+c.Pending, "every record is somewhere: %+v", c)
}

// TestPlanted: what is wrong is counted, and nothing else is.
func TestPlanted(t *testing.T) {
	t.Parallel()
	for _, o := range outputs() {
		t.Run(fmt.Sprintf("%s,order=%v", o.Pair, o.Order), func(t *testing.T) {
			t.Parallel()
			for seed := range seeds(12) {
				w := build(seed, shape{output: o, inputs: 1500, keys: 20 + int(seed), nulls: seed%2 == 1, spacing: 12, seam: seed%3 == 0})
				got := w.run().Outputs[0]
				sums(t, got)
				require.Equal(t, w.want, counted(got), "seed %d: %s", seed, told(got))
			}
		})
	}
}

// TestClean: a run of the same code has no difference, whatever repeats.
func TestClean(t *testing.T) {
	t.Parallel()
	for _, o := range outputs() {
		t.Run(fmt.Sprintf("%s,order=%v", o.Pair, o.Order), func(t *testing.T) {
			t.Parallel()
			for seed := range seeds(16) {
				s := shape{output: o, inputs: 1200, keys: 3 + int(seed), nulls: seed%2 == 1, seam: true, values: 1 + int(seed%5)}
				if o.Pair == plan.PairValue {
					s.values = 0 // its value is what it is paired by
				}
				w := build(seed, s)
				got := w.run().Outputs[0]
				sums(t, got)
				require.Equal(t, w.want, counted(got), "seed %d: %s", seed, told(got))
			}
		})
	}
}

// TestSecondRun: a field that is never the same is masked, and what else differs is found.
func TestSecondRun(t *testing.T) {
	t.Parallel()
	for _, o := range outputs() {
		t.Run(fmt.Sprintf("%s,order=%v", o.Pair, o.Order), func(t *testing.T) {
			t.Parallel()
			for seed := range seeds(6) {
				w := build(seed, shape{output: o, inputs: 1000, keys: 30, spacing: 12, second: true})
				got := w.run().Outputs[0]
				sums(t, got)
				require.Len(t, got.Masks, 1, "seed %d", seed)
				require.Equal(t, "at", got.Masks[0].Path)
				w.want.Masked, w.want.Equal = w.want.Equal, 0
				require.Equal(t, w.want.Masked+w.want.Different+w.want.Reordered, got.Masks[0].Count, "seed %d: %+v", seed, counted(got))
				require.Equal(t, w.want, counted(got), "seed %d: %s", seed, told(got))
			}
		})
	}
}
