package compare_test

import (
	"fmt"
	"testing"

	"gantry/migrate/shadow/compare"
	"gantry/plan"
)

// BenchmarkPairs: pairs of records with 300 bytes of JSON that two programs wrote in two ways.
func BenchmarkPairs(b *testing.B) {
	for _, o := range outputs() {
		b.Run(fmt.Sprintf("%s,order=%v", o.Pair, o.Order), func(b *testing.B) { pairs(b, o, true) })
	}
	b.Run("same bytes", func(b *testing.B) { pairs(b, plan.Output{Topic: topic, Pair: plan.PairKey, Order: true}, false) })
}

func pairs(b *testing.B, o plan.Output, written bool) {
	const prepared = 1 << 14
	w := build(1, shape{output: o, inputs: prepared, keys: 1000})
	for _, side := range w.sides {
		for _, outputs := range side {
			for i := range outputs {
				v := outputs[i].Value
				outputs[i].Value = fmt.Appendf(v[:len(v)-1], `,"note":"%0130d"}`, 7)
			}
		}
	}
	c := compare.Begin(w.plan, clock(0))
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		i := n % prepared
		c.Add(compare.Old, w.sides[compare.Old][i][0].Record)
		next := w.sides[compare.New][i][0].Record
		if !written {
			next = w.sides[compare.Old][i][0].Record
		}
		c.Add(compare.New, next)
		if n%10_000 == 0 {
			c.Settle(c.Mark())
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
	if got := c.Report().Outputs[0]; got.Equal != int64(b.N) {
		b.Fatalf("%+v", got)
	}
}
