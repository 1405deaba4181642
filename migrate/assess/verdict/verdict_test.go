package verdict_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/migrate/assess/verdict"
	"gantry/workload"
)

// drawn makes up a service: anything may be known, or not.
func drawn(dice *rand.Rand) verdict.Case {
	yes := func() workload.Fact[bool] {
		return workload.Fact[bool]{Value: dice.IntN(4) == 0, From: []workload.Origin{workload.Given, workload.NotKnown}[dice.IntN(2)]}
	}
	c := verdict.Case{Platform: workload.Platform{EKS: workload.Fact[bool]{Value: dice.IntN(2) == 0}}}
	c.Group, c.Class = "g", workload.Plain
	c.Facts = workload.Facts{State: yes(), ExactlyOnce: yes(), Sockets: yes(), ErrorControls: yes()}
	c.Facts.MemoryMB = workload.Fact[int]{Value: 1 << dice.IntN(15), From: workload.Given}
	c.Facts.Longest = workload.Fact[time.Duration]{Value: time.Duration(dice.IntN(1200)) * time.Second, From: workload.Given}
	c.Facts.Trips = workload.Fact[float64]{Value: float64(dice.IntN(3)), From: workload.Given}
	c.Facts.Database = workload.Fact[string]{Value: []string{"here", "aws", "none"}[dice.IntN(3)], From: workload.Given}
	c.Traffic = workload.Traffic{Mean: dice.Float64() * 10, Trusted: true, Days: 28}
	quote := func() workload.Quote {
		mid := dice.Float64() * 200
		q := workload.Quote{Money: workload.Money{Low: mid / 2, Mid: mid, High: mid * 2}}
		if dice.IntN(8) == 0 {
			q.Impossible = "too slow"
		}
		return q
	}
	c.Costs = workload.Costs{Lambda: quote(), Fargate: quote(), EKS: quote()}
	return c
}

// TestWhateverIsKnown: a veto that fires is never overruled by money, what nobody answered
// is an open question wherever a function is proposed, and each rule answers.
func TestWhateverIsKnown(t *testing.T) {
	t.Parallel()
	targets := map[workload.Target]int{}
	for seed := range uint64(500) {
		c := drawn(rand.New(rand.NewPCG(seed, 3)))
		v := verdict.Of(c)
		targets[v.Target]++
		vetoed := slices.ContainsFunc(v.Rules, func(r workload.Rule) bool { return r.Kind == workload.Veto && r.Answer == workload.Fired })
		unasked := slices.ContainsFunc(v.Rules, func(r workload.Rule) bool { return r.Kind == workload.Veto && r.Answer == workload.Unasked })
		if vetoed {
			require.NotEqual(t, workload.ToFunction, v.Target, "seed %d", seed)
		}
		if v.Target == workload.ToFunction {
			require.Equal(t, unasked, len(v.Open) > 0, "seed %d", seed)
		}
		if v.Target == workload.ToContainer {
			box := c.Costs.Fargate
			if c.Platform.EKS.Value {
				box = c.Costs.EKS
			}
			require.Equal(t, box.Money, v.Cost, "seed %d", seed)
		}
		require.Equal(t, v.Target != workload.ToStay && c.Facts.Database.Value == "here" && c.Facts.Trips.Value >= 1, v.Later, "seed %d", seed)
		require.NotEmpty(t, v.Reason)
		for _, r := range v.Rules {
			require.NotEmpty(t, r.Saw, r.Name)
			require.Contains(t, []workload.Answer{workload.Fired, workload.Silent, workload.Unasked}, r.Answer, r.Name)
		}
	}
	require.Len(t, targets, 3, "%v: all of them come up", targets)
}

func TestOtherClassesAreAskedNothingElse(t *testing.T) {
	t.Parallel()
	c := drawn(rand.New(rand.NewPCG(1, 3)))
	c.Class = workload.Streams
	v := verdict.Of(c)
	require.Len(t, v.Rules, 1)
	require.Empty(t, v.Open)
	require.Equal(t, "high", v.Confidence.Grade)
}
