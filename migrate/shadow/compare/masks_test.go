package compare_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/migrate/shadow/compare"
	"gantry/plan"
)

// Until a second run has taught its first masks nothing is paired: outputs that differ in
// any case by what is masked later would be paired with nothing, around the begin of the run.
func TestMasksAreLearnedBeforeAnythingIsPaired(t *testing.T) {
	t.Parallel()
	s := begin(plan.Output{Pair: plan.PairKey, Order: true, Second: "second"})
	bill := func(n int, by string) string {
		return fmt.Sprintf(`k={"order":%d,"total":7,"made":"%s%d","by":"%s"}`, n, by, n, by)
	}
	for n := range 5 { // four of them committed when the run began
		s.add(compare.Old, 90+n, bill(n, "old"))
	}
	s.add(compare.New, 101, bill(4, "new"))
	s.add(compare.Old, 102, bill(5, "old"))
	b := s.Mark()
	s.add(compare.New, 103, bill(5, "new"))
	s.Settle(b)
	require.Equal(t, " pending 8", s.told(), "the second run has not come that far")
	for n := range 6 {
		s.add(compare.Second, 104, bill(n, "again"))
	}
	s.settle()
	require.Equal(t, " masked 2 seam 4", s.told(), "%+v", s.Report())

	for n := 6; n < 60; n++ { // from now on they are compared as they come
		s.add(compare.Old, 105, bill(n, "old"))
		s.add(compare.Second, 105, bill(n, "again"))
		s.add(compare.New, 105, bill(n, "new"))
	}
	require.Contains(t, s.told(), " masked 56")
}

// A second run that never says anything holds nothing up for ever.
func TestASilentSecondRun(t *testing.T) {
	t.Parallel()
	s := begin(plan.Output{Pair: plan.PairKey, Order: true, Second: "second"})
	for n := range 30 {
		b := s.Mark()
		s.add(compare.Old, 101+n, fmt.Sprintf(`k={"n":%d}`, n))
		s.add(compare.New, 101+n, fmt.Sprintf(`k={"n":%d}`, n))
		s.Settle(b)
	}
	require.Contains(t, s.told(), " equal 30")
	require.Contains(t, s.Report().NotCompared[0].Why, "none of its outputs was paired")
}
