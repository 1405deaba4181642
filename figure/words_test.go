package figure_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gantry/figure"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]string{0: "0 %", 0.003: "0.3 %", 0.0025: "0.25 %", 0.01: "1 %", 1: "100 %", 0.000003: "0.0003 %", 0.123456: "13 %", 0.0123456: "1.3 %", 0.00300001: "0.31 %"} {
		require.Equal(t, want, figure.AtMost(share))
	}
	require.Equal(t, "0.125 %", figure.Percent(0.00125))
	require.Equal(t, "0.3 %", figure.Percent(0.003))
	for d, want := range map[time.Duration]string{
		0: "0 s", 59 * time.Second: "59 s", 90 * time.Second: "1 min", time.Hour: "1 h", 26 * time.Hour: "1 day 2 h", 7 * 24 * time.Hour: "7 days", 24*time.Hour + time.Minute: "1 day",
	} {
		require.Equal(t, want, figure.Duration(d))
	}
	require.Equal(t, "-1,234,567 outputs", figure.Plural(-1234567, "output", "outputs"))
	require.Equal(t, "1 output", figure.Plural(int64(1), "output", "outputs"))
}
