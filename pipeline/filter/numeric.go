package filter

import (
	"math"
	"strings"
)

// compileNumeric reads {"numeric": [operator, number]} or a range
// {"numeric": [">", low, "<", high]}.
func compileNumeric(operand *node, at string, f *faults) []test {
	if operand.kind != listNode {
		f.add(at, `must be a list such as [">", 100] or [">=", 0, "<", 10]`)
		return nil
	}
	terms := operand.items
	if len(terms) != 2 && len(terms) != 4 {
		f.add(at, "has %d members, it must have an operator and a number, or two of each for a range", len(terms))
		return nil
	}
	before := len(*f)
	r := numberRange{low: -math.MaxFloat64, high: math.MaxFloat64}
	first := numericTerm(terms[:2], at, 0, f)
	r.limit(first)
	if len(terms) == 4 {
		second := numericTerm(terms[2:], at, 2, f)
		r.limit(second)
		checkRange(first, second, at, f)
	} else if first.operator != "=" && r.low == r.high {
		f.add(at, "no number fits")
	}
	if len(*f) > before {
		return nil
	}
	return []test{r}
}

type numericLimit struct {
	operator string
	number   float64
}

func numericTerm(pair []*node, at string, i int, f *faults) numericLimit {
	l := numericLimit{operator: pair[0].text}
	if pair[0].kind != stringNode || !strings.Contains(" = < <= > >= ", " "+l.operator+" ") || l.operator == "" {
		f.add(indexed(at, i), "%s is not one of = < <= > >=", pair[0].quoted())
	}
	if pair[1].kind != numberNode {
		f.add(indexed(at, i+1), "is %s, it must be a number", pair[1].kind)
		return l
	}
	l.number = requireNumber(pair[1].text, indexed(at, i+1), f)
	return l
}

func checkRange(low, high numericLimit, at string, f *faults) {
	switch {
	case low.operator != ">" && low.operator != ">=":
		f.add(indexed(at, 0), `a range begins with > or >=, such as [">", 0, "<=", 10]`)
	case high.operator != "<" && high.operator != "<=":
		f.add(indexed(at, 2), `a range ends with < or <=, such as [">", 0, "<=", 10]`)
	case low.number >= high.number:
		f.add(at, "the lower end must be less than the upper end")
	}
}

// requireNumber reads a number that has to be comparable.
func requireNumber(text, at string, f *faults) float64 {
	n, ok := parseNumber(text)
	if !ok {
		f.add(at, "%s can't be compared: a number must fit a 64-bit float without loss", text)
	}
	return n
}

// numberRange passes the numbers between two ends.
type numberRange struct {
	low, high         float64
	lowOpen, highOpen bool // the end itself does not pass
}

func (r *numberRange) limit(l numericLimit) {
	switch l.operator {
	case "=":
		r.low, r.high = l.number, l.number
	case ">", ">=":
		r.low, r.lowOpen = l.number, l.operator == ">"
	case "<", "<=":
		r.high, r.highOpen = l.number, l.operator == "<"
	}
}

func (r numberRange) passes(v *value) bool {
	n, ok := v.number()
	return ok && (n > r.low || n == r.low && !r.lowOpen) && (n < r.high || n == r.high && !r.highOpen)
}
