package filter

import (
	"fmt"
	"strconv"
)

// compileTests reads the list of a field: literal values and operators, one of which
// must pass.
func compileTests(n *node, at string, mode orMode, f *faults) []test {
	if len(n.items) == 0 {
		f.add(at, "the list must not be empty")
	}
	tests := []test{}
	for i, item := range n.items {
		tests = append(tests, compileTest(item, indexed(at, i), mode, f)...)
	}
	return tests
}

func compileTest(n *node, at string, mode orMode, f *faults) []test {
	switch n.kind {
	case stringNode:
		if a, ok := parseAddress(n.text); ok {
			return []test{addressRange{low: a, high: a}}
		}
		return []test{exactly(n.text)}
	case numberNode:
		number, ok := parseNumber(n.text)
		return []test{numberLiteral{text: n.text, number: number, comparable: ok}}
	case wordNode:
		return []test{word(n.text)}
	case objectNode:
		return compileOperator(n, at, mode, f)
	default:
		f.add(at, "is a list, allowed are a string, a number, true, false, null or an operator")
		return nil
	}
}

func compileOperator(n *node, at string, mode orMode, f *faults) []test {
	name, operand, ok := single(n, at, "an operator", f)
	if !ok {
		return nil
	}
	here := at + "." + name
	switch name {
	case "exactly", "prefix", "suffix", "equals-ignore-case", "wildcard", "cidr":
		return compileText(name, operand, here, f)
	case "numeric":
		return compileNumeric(operand, here, f)
	case "exists":
		return compileExists(operand, here, f)
	case "anything-but":
		return compileAnythingBut(operand, here, mode, f)
	}
	f.add(here, "unknown operator, there are anything-but, cidr, equals-ignore-case, exactly, exists, numeric, prefix, suffix and wildcard")
	return nil
}

// single takes the only member of an object.
func single(n *node, at, what string, f *faults) (string, *node, bool) {
	if len(n.members) != 1 {
		f.add(at, "an object here is %s and has exactly one name, this has %d", what, len(n.members))
		return "", nil, false
	}
	return n.members[0].name, n.members[0].value, true
}

func compileText(name string, operand *node, at string, f *faults) []test {
	if operand.kind == objectNode && (name == "prefix" || name == "suffix") {
		return compileFoldedEnd(name, operand, at, f)
	}
	if operand.kind != stringNode {
		f.add(at, "is %s, it must be a string", operand.kind)
		return nil
	}
	switch name {
	case "prefix":
		return prefixed(operand.text)
	case "suffix":
		return suffixed(operand.text)
	case "equals-ignore-case":
		return []test{equalFold(fold(operand.text))}
	case "wildcard":
		return compileWildcard(operand.text, at, f)
	case "cidr":
		r, err := parseRange(operand.text)
		if err != nil {
			f.add(at, "%v", err)
		}
		return []test{r}
	}
	return []test{exactly(operand.text)}
}

// compileFoldedEnd is {"prefix": {"equals-ignore-case": "…"}} and the same for suffix.
func compileFoldedEnd(name string, operand *node, at string, f *faults) []test {
	inner, text, ok := single(operand, at, "equals-ignore-case", f)
	switch {
	case !ok:
	case inner != "equals-ignore-case":
		f.add(at+"."+inner, "unknown, only equals-ignore-case can stand inside %s", name)
	case text.kind != stringNode:
		f.add(at+"."+inner, "is %s, it must be a string", text.kind)
	case name == "prefix":
		return prefixedFold(text.text)
	default:
		return suffixedFold(text.text)
	}
	return nil
}

func compileWildcard(text, at string, f *faults) []test {
	w, err := parseWildcard(text)
	if err != nil {
		f.add(at, "%v", err)
	}
	return []test{w}
}

func compileExists(operand *node, at string, f *faults) []test {
	switch {
	case operand.kind == wordNode && operand.text == "true":
		return []test{presence{}}
	case operand.kind == wordNode && operand.text == "false":
		return []test{absence{}}
	}
	f.add(at, "must be true or false")
	return nil
}

func indexed(at string, i int) string { return at + "[" + strconv.Itoa(i) + "]" }

// quoted shows a scalar as it is written in JSON.
func (n *node) quoted() string {
	if n.kind == stringNode {
		return fmt.Sprintf("%q", n.text)
	}
	return n.text
}
