package declare

import (
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"gantry/mapping"
)

// lanes reads in how many lanes the records of a partition are worked on.
func (r *reader) lanes(to *mapping.Lanes) read {
	return func(n ast.Node, path string) {
		order, faults := string(to.Order), len(r.faults)
		r.object(n, path, members{
			"perPartition": r.number(&to.PerPartition, 1, mapping.MaxLanes),
			"order":        r.oneOf(&order, string(mapping.OrderKey), string(mapping.OrderPartition), string(mapping.OrderNone)),
		})
		to.Order = mapping.Order(order)
		if len(r.faults) > faults {
			return // what is said of the whole would repeat it
		}
		for _, err := range to.Faults() {
			r.fault(n, path, "%s", strings.TrimPrefix(err.Error(), "lanes."))
		}
	}
}

// tags reads the tags of a mapping. Its options are members of the file: said by a tag as
// well they would be said twice.
func (r *reader) tags(to map[string]string) read {
	return func(n ast.Node, path string) {
		r.textMap(to)(n, path)
		for _, key := range slices.Sorted(maps.Keys(to)) {
			if !mapping.IsOption(key) {
				continue
			}
			if err := mapping.UnknownOption(key); err != nil {
				r.fault(n, path, "%s", err)
				continue
			}
			r.fault(n, path, "%s: a file says it as the member %s", key, strings.TrimPrefix(key, mapping.OptionPrefix))
		}
	}
}
