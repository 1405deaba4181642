package filter

import "bytes"

// value is one scalar of a record.
type value struct {
	kind valueKind
	text []byte // string: its content; otherwise as written

	read       bool // number has run
	comparable bool
	float      float64
}

type valueKind uint8

const (
	stringValue valueKind = iota
	numberValue
	wordValue // true, false, null
)

// number is the float of a value, if it is a number that can be compared. It is read
// once and only when a test asks.
func (v *value) number() (float64, bool) {
	if v.kind != numberValue {
		return 0, false
	}
	if !v.read {
		v.float, v.comparable = readNumber(v.text)
		v.read = true
	}
	return v.float, v.comparable
}

// readNumber is parseNumber with a short cut for the numbers most records hold.
func readNumber(text []byte) (float64, bool) {
	digits, negative := bytes.CutPrefix(text, []byte("-"))
	if len(digits) > 15 {
		return parseNumber(string(text))
	}
	n := int64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			return parseNumber(string(text))
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		n = -n
	}
	return float64(n), true
}

// test is one entry of a field's list. Values of another kind do not pass, except
// where anything-but says that everything else does.
type test interface{ passes(v *value) bool }

func passesOne(tests []test, v *value) bool {
	for _, t := range tests {
		if t.passes(v) {
			return true
		}
	}
	return false
}

// exactly passes one string.
type exactly string

func (t exactly) passes(v *value) bool { return v.kind == stringValue && string(v.text) == string(t) }

// word passes true, false or null.
type word string

func (t word) passes(v *value) bool { return v.kind == wordValue && string(v.text) == string(t) }

// numberLiteral passes the same number, or the same text where it can't be compared.
type numberLiteral struct {
	text       string
	number     float64
	comparable bool
}

func (t numberLiteral) passes(v *value) bool {
	if v.kind != numberValue {
		return false
	}
	if n, ok := v.number(); ok && t.comparable {
		return n == t.number
	}
	return string(v.text) == t.text
}

// numberEqual passes the same number.
type numberEqual float64

func (t numberEqual) passes(v *value) bool {
	n, ok := v.number()
	return ok && n == float64(t)
}

// presence passes every value: exists:true.
type presence struct{}

func (presence) passes(*value) bool { return true }

// absence is exists:false. No value passes it, the search looks for its field instead.
type absence struct{}

func (absence) passes(*value) bool { return false }

// anythingBut passes what none of its tests passes, of whatever kind it is.
type anythingBut []test

func (t anythingBut) passes(v *value) bool { return !passesOne(t, v) }

func except(excluded []test) []test { return []test{anythingBut(excluded)} }
