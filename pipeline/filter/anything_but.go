package filter

// compileAnythingBut reads {"anything-but": …}: a string, a number, a list of one of
// the two, or prefix, suffix, equals-ignore-case or wildcard with a string or a list.
func compileAnythingBut(operand *node, at string, mode orMode, f *faults) []test {
	if operand.kind != objectNode {
		return except(literals(operand, at, f))
	}
	name, inner, ok := single(operand, at, "an operator", f)
	if !ok {
		return nil
	}
	here := at + "." + name
	if !allowedInside(name, inner, mode) {
		f.add(here, "can't stand inside anything-but, there are prefix, suffix, equals-ignore-case and wildcard")
		return nil
	}
	if len(inner.items) == 0 && inner.kind == listNode {
		f.add(here, "the list must not be empty")
	}
	var excluded []test
	for i, item := range each(inner) {
		place := here
		if inner.kind == listNode {
			place = indexed(here, i)
		}
		switch {
		case item.kind != stringNode:
			f.add(place, "is %s, it must be a string", item.kind)
		case item.text == "" && (name == "prefix" || name == "suffix"):
			f.add(place, "an empty %s fits every string", name)
		default:
			excluded = append(excluded, compileText(name, item, place, f)...)
		}
	}
	return except(excluded)
}

// allowedInside follows the Event Ruler, where rules older than $or have fewer choices.
func allowedInside(name string, operand *node, mode orMode) bool {
	switch name {
	case "prefix", "suffix":
		return mode != plainOr || operand.kind == stringNode
	case "wildcard":
		return mode != plainOr
	}
	return name == "equals-ignore-case"
}

// literals are the values of a plain anything-but: strings or numbers, not both.
func literals(operand *node, at string, f *faults) []test {
	items := each(operand)
	var excluded []test
	var strings, numbers int
	for i, item := range items {
		place := at
		if operand.kind == listNode {
			place = indexed(at, i)
		}
		switch item.kind {
		case stringNode:
			strings++
			excluded = append(excluded, exactly(item.text))
		case numberNode:
			numbers++
			excluded = append(excluded, numberEqual(requireNumber(item.text, place, f)))
		default:
			f.add(place, "is %s, anything-but takes strings or numbers", item.kind)
		}
	}
	switch {
	case len(items) == 0:
		f.add(at, "the list must not be empty")
	case strings > 0 && numbers > 0:
		f.add(at, "strings and numbers can't be mixed in one anything-but, use two patterns")
	}
	return excluded
}

// each gives the items of a list, or the node itself.
func each(n *node) []*node {
	if n.kind == listNode {
		return n.items
	}
	return []*node{n}
}
