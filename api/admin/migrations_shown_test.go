package admin

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/plan"
)

// What a plan gives functions in shadow is shown to nobody: not with the plan, and not in the
// line of the ledger that holds it.
func TestAPlanIsShownWithoutValuesOfVariables(t *testing.T) {
	t.Parallel()
	p := plan.Plan{Effects: []plan.Effect{{Name: "rows", Environment: map[string]string{"DB_HOST": "other-db"}}}}
	require.Equal(t, map[string]string{"DB_HOST": hidden}, withoutValues(p).Effects[0].Environment)
	require.Equal(t, "other-db", p.Effects[0].Environment["DB_HOST"], "the plan itself stays")
	line := plan.Line{Sequence: 1, Step: plan.StepPlan, Facts: []byte(`{"DB_HOST":"other-db"}`), Written: []byte("other-db")}
	shown := withoutPlan(&line)
	require.Equal(t, int64(1), shown.Sequence)
	require.Empty(t, shown.Facts)
	require.Empty(t, shown.Written)
	require.NotEmpty(t, line.Facts)
	require.NotEmpty(t, withoutPlan(&plan.Line{Step: plan.StepStop, Facts: []byte("{}")}).Facts)
}
