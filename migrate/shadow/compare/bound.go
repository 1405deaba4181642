package compare

import "math"

const confidence = 0.95

// upper is the share of bad ones that n of which k are bad leave possible: the one-sided
// bound of Clopper and Pearson. It is the share at which k or fewer would come about in one
// of twenty samples; for k = 0 it is nearly 3/n.
func upper(k, n int64) float64 {
	switch {
	case n <= 0 || k >= n:
		return 1
	case k <= 0:
		return -math.Expm1(math.Log(1-confidence) / float64(n))
	}
	low, high := float64(k)/float64(n), 1.0
	for range 60 {
		middle := (low + high) / 2
		if beta(middle, float64(k+1), float64(n-k)) < confidence {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// beta is the regularized incomplete beta function: the chance of more than k among n, for
// a = k+1 and b = n-k. Its continued fraction (DLMF 8.17.22) converges quickly below the
// mean, so above it the other tail is taken.
func beta(x, a, b float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2):
		return 1 - beta(1-x, b, a)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab - la - lb + a*math.Log(x) + b*math.Log1p(-x))
	return front / a * fraction(x, a, b)
}

// fraction is 1/(1+ d1/(1+ d2/(1+ …))), by Lentz's way from the front.
func fraction(x, a, b float64) float64 {
	const tiny, precise = 1e-300, 1e-14
	value, c, d := tiny, tiny, 0.0
	for n := range 100_000 {
		term := 1.0
		m := float64(n / 2)
		switch {
		case n == 0:
		case n%2 == 0:
			term = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		default:
			term = -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		}
		if d = 1 + term*d; d == 0 {
			d = tiny
		}
		if c = 1 + term/c; c == 0 {
			c = tiny
		}
		d = 1 / d
		value *= c * d
		if n > 0 && math.Abs(c*d-1) < precise {
			break
		}
	}
	return value
}

// enough is how many more without another bad one bring the bound down to want.
func enough(k, n int64, want float64) (more int64, possible bool) {
	const most = int64(1) << 50
	if want <= 0 {
		return 0, false
	}
	if upper(k, n) <= want {
		return 0, true
	}
	low, high := n, max(n, 16)
	for upper(k, high) > want {
		if low, high = high, high*2; high > most {
			return 0, false
		}
	}
	for high-low > 1 {
		if middle := (low + high) / 2; upper(k, middle) > want {
			low = middle
		} else {
			high = middle
		}
	}
	return high - n, true
}
