package figure

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Number writes a count with commas.
func Number[N int | int64](n N) string {
	text := strconv.FormatInt(int64(n), 10)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// Plural writes a count with its noun.
func Plural[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// AtMost writes a share as percent with two digits that say something, and never as less
// than it is.
func AtMost(share float64) string {
	percent := 100 * share
	digits := 0
	for scaled := percent; scaled < 10 && digits < 6 && percent > 0; scaled *= 10 {
		digits++
	}
	scale := math.Pow10(digits)
	return trim(strconv.FormatFloat(math.Ceil(percent*scale*(1-1e-9))/scale, 'f', digits, 64)) + " %"
}

// Percent writes a share as it was given.
func Percent(share float64) string { return trim(strconv.FormatFloat(100*share, 'f', 6, 64)) + " %" }

func trim(text string) string {
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// Duration writes a time in its two largest units.
func Duration(d time.Duration) string {
	day := 24 * time.Hour
	two := func(n time.Duration, large string, rest time.Duration, small string) string {
		if rest == 0 {
			return large
		}
		return fmt.Sprintf("%s %d %s", large, rest/n, small)
	}
	switch {
	case d >= day:
		return two(time.Hour, Plural(int64(d/day), "day", "days"), (d % day).Truncate(time.Hour), "h")
	case d >= time.Hour:
		return two(time.Minute, fmt.Sprintf("%d h", d/time.Hour), (d % time.Hour).Truncate(time.Minute), "min")
	case d >= time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", int64(d.Seconds()))
}
