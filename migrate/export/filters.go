package export

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gantry/mapping"
)

// filterQuota is AWS's quota of filters for a mapping; up to MaxFilters on request.
const filterQuota = 5

// filterLacks are what AWS's filters for Kafka do not have (Developer Guide,
// kafka-filtering and invocation-eventfiltering).
func (b *builder) filterLacks(part string, m mapping.Mapping, filters []string) {
	of := "mapping " + nameOf(m)
	if n := len(filters); n > filterQuota {
		b.lack(part, "FilterCriteria", Feature{Name: "filter-count", Of: of, Here: fmt.Sprintf("%d filters", n), There: "5 until AWS has raised the quota of the account, 10 at most"})
	}
	fields, operators := map[string]bool{}, map[string]bool{}
	for _, pattern := range filters {
		var p map[string]any
		if json.Unmarshal([]byte(pattern), &p) != nil {
			continue // gantry takes no filter that is none
		}
		for field, tests := range p {
			if field != "value" {
				fields[field] = true
			}
			unknownOperators(tests, operators)
		}
	}
	if len(fields) > 0 {
		b.lack(part, "FilterCriteria", Feature{Name: "filter-fields", Of: of, Here: "filters on " + listed(fields), There: "AWS filters Kafka records by their value alone: such a filter is refused or lets everything through; test in the function"})
	}
	if len(operators) > 0 {
		b.lack(part, "FilterCriteria", Feature{Name: "filter-operators", Of: of, Here: "filters with " + listed(operators), There: "AWS's guide does not have them; it may refuse the filter"})
	}
}

// unknownOperators collects the operators below a node that AWS's table of filter rules
// does not have.
func unknownOperators(n any, found map[string]bool) {
	switch n := n.(type) {
	case map[string]any:
		for _, below := range n {
			unknownOperators(below, found)
		}
	case []any:
		for _, test := range n {
			object, ok := test.(map[string]any)
			if !ok {
				continue
			}
			unknownTest(object, found)
		}
	}
}

// unknownTest looks at one entry of a list: an operator, or an alternative of $or.
func unknownTest(object map[string]any, found map[string]bool) {
	for name, argument := range object {
		switch name {
		case "wildcard", "cidr":
			found[name] = true
		case "anything-but", "prefix", "suffix":
			if nested, ok := argument.(map[string]any); ok {
				for inner := range nested {
					found[name+" "+inner] = true
				}
			}
		case "equals-ignore-case", "exists", "numeric":
		default:
			unknownOperators(argument, found)
		}
	}
}

func listed(set map[string]bool) string {
	var names []string
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
