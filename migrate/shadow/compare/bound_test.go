package compare

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUpper holds the bound against published values: the rule of three, and the upper
// limits of two-sided 90 % intervals of Clopper and Pearson, which are the same.
func TestUpper(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		k, n int64
		want float64
	}{
		{0, 0, 1}, {5, 5, 1}, {0, 1, 0.95}, {0, 10, 0.2589}, {0, 100, 0.0295}, {0, 1204, 1 - math.Pow(0.05, 1.0/1204)},
		{1, 10, 0.3942}, {2, 10, 0.5069}, {5, 10, 0.7776}, {9, 10, 0.9949}, {1, 20, 0.2161}, {10, 20, 0.6980}, {3, 1000, 0.00773},
	} {
		require.InDelta(t, c.want, upper(c.k, c.n), 0.00006, "%d of %d", c.k, c.n)
	}
	require.InDelta(t, 3.0/1e6, upper(0, 1e6), 5e-9)
	require.InDelta(t, 0.5+1.645*math.Sqrt(0.25/1e6), upper(5e5, 1e6), 1e-5, "the normal approximation of a large sample")
}

// TestUpperIsTheTail: at the bound, k or fewer come about in one of twenty samples.
func TestUpperIsTheTail(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]int64{{0, 7}, {1, 7}, {6, 7}, {4, 300}, {150, 300}, {299, 300}} {
		k, n, p := c[0], c[1], upper(c[0], c[1])
		tail := 0.0
		for i := int64(0); i <= k; i++ {
			a, _ := math.Lgamma(float64(n + 1))
			b, _ := math.Lgamma(float64(i + 1))
			d, _ := math.Lgamma(float64(n - i + 1))
			tail += math.Exp(a - b - d + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
		}
		require.InDelta(t, 0.05, tail, 1e-9, "%d of %d", k, n)
	}
}

func TestEnough(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		k, n int64
		want float64
	}{{0, 0, 0.003}, {0, 100, 0.01}, {1, 100, 0.01}, {20, 1000, 0.01}, {0, 5, 0.9}} {
		more, possible := enough(c.k, c.n, c.want)
		require.True(t, possible)
		if more > 0 {
			require.LessOrEqual(t, upper(c.k, c.n+more), c.want)
			require.Greater(t, upper(c.k, c.n+more-1), c.want, "no fewer would do")
		}
	}
	_, possible := enough(0, 10, 0)
	require.False(t, possible)
}
