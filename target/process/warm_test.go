//go:build linux

package process_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gantry/function"
)

func BenchmarkWarmInvoke(b *testing.B) {
	for _, size := range []int{100, 100_000, 6_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			r := newRig(b)
			event := []byte(`"` + strings.Repeat("x", size) + `"`)
			in := function.Invocation{Payload: event}
			r.Invoke(b.Context(), in)
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				o := r.Invoke(b.Context(), in)
				if o.Class != function.Succeeded {
					b.Fatal(o.Message)
				}
				took = append(took, o.Elapsed)
			}
			b.ReportMetric(float64(percentile(took, 50).Microseconds()), "p50-µs")
			b.ReportMetric(float64(percentile(took, 99).Microseconds()), "p99-µs")
		})
	}
}

func percentile(d []time.Duration, p int) time.Duration {
	slices.Sort(d)
	return d[len(d)*p/100]
}
