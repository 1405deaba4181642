package filter

import (
	"bytes"
	"math"
	"strconv"
)

// parseNumber gives the float a JSON number stands for, and whether it stands for it
// without loss: the Event Ruler compares a number only when the shortest text of its
// float is the same number, and takes every other as mere text. So 300, 3e2 and 300.0
// are equal, and 9007199254740993 equals only itself as it is written.
func parseNumber(text string) (float64, bool) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, false
	}
	written := decimalOf([]byte(text))
	switch {
	case written.overflow:
		return 0, false
	case len(written.digits) == 0:
		return 0, true // also -0
	case len(written.digits) <= 15 && math.Abs(f) >= 0x1p-1022:
		return f, true // any decimal of 15 digits survives a float
	}
	return f, written.equal(shortest(f))
}

// shortest is the number Java prints for a float: the shortest that reads back as the
// same float, but with two digits where one would do (4.9e-324, not 5e-324).
func shortest(f float64) decimal {
	text := strconv.AppendFloat(nil, f, 'e', -1, 64)
	if two := strconv.AppendFloat(nil, f, 'e', 1, 64); len(two) > len(text) {
		if back, err := strconv.ParseFloat(string(two), 64); err == nil && back == f {
			text = two
		}
	}
	return decimalOf(text)
}

// decimal is a number as 0.DIGITS × 10^exponent, DIGITS without zeros at either end.
type decimal struct {
	negative bool
	digits   []byte
	exponent int
	overflow bool // the exponent leaves what a Java BigDecimal can hold
}

func decimalOf(text []byte) decimal {
	var d decimal
	text, d.negative = bytes.CutPrefix(text, []byte("-"))
	mantissa := text
	exponent := 0
	if i := bytes.IndexAny(text, "eE"); i >= 0 {
		mantissa = text[:i]
		var err error
		exponent, err = strconv.Atoi(string(text[i+1:]))
		d.overflow = err != nil
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	scale := len(fraction) - exponent
	d.overflow = d.overflow || scale > math.MaxInt32 || scale < -math.MaxInt32 || exponent > math.MaxInt32 || exponent < -math.MaxInt32
	d.digits = append(append(make([]byte, 0, len(mantissa)), whole...), fraction...)
	leading := len(d.digits) - len(bytes.TrimLeft(d.digits, "0"))
	d.exponent = len(whole) + exponent - leading
	d.digits = bytes.TrimRight(d.digits[leading:], "0")
	return d
}

func (d decimal) equal(e decimal) bool {
	return d.negative == e.negative && d.exponent == e.exponent && bytes.Equal(d.digits, e.digits)
}
