package declare

import (
	"strings"

	"github.com/goccy/go-yaml/ast"

	"gantry/mapping"
	"gantry/pipeline/filter"
)

// consumer is an entry of a mapping's `functions:` as it stands there.
type consumer struct {
	name    string
	filters []string
}

// consumers reads `functions:`, a list of objects with a name and filters; a name alone is
// a function that gets every record.
func (r *reader) consumers(d *draft) read {
	return func(n ast.Node, path string) {
		d.functions = []*consumer{}
		r.list(func(n ast.Node, path string) {
			c := &consumer{}
			d.functions = append(d.functions, c)
			if _, text := plain(n).(*ast.StringNode); text {
				r.text(&c.name)(n, path)
				return
			}
			faults := len(r.faults)
			r.object(n, path, members{"name": r.text(&c.name), "FunctionName": r.text(&c.name), "filters": r.filters(&c.filters)})
			if c.name == "" && len(r.faults) == faults {
				r.fault(n, path, "name is missing: that of a function")
			}
		})(n, path)
		r.sameTwice(n, path, d)
		if len(d.functions) == 0 || len(d.functions) > mapping.MaxFunctions {
			r.fault(n, path, "%d functions are not within 1..%d", len(d.functions), mapping.MaxFunctions)
		}
	}
}

// sameTwice finds functions that are named more than once: which record goes to which of the
// two nobody could tell.
func (r *reader) sameTwice(n ast.Node, path string, d *draft) {
	seen := map[string]int{}
	for _, c := range d.functions {
		if seen[c.name]++; seen[c.name] == 2 && c.name != "" {
			r.fault(n, path, "%s is there more than once; give it the filters of both", c.name)
		}
	}
}

// filters reads the patterns of one function.
func (r *reader) filters(to *[]string) read {
	return func(n ast.Node, path string) {
		r.list(func(n ast.Node, path string) {
			pattern, ok := r.json(n, path)
			if !ok {
				return
			}
			if _, err := filter.Compile(pattern); err != nil {
				r.fault(n, path, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
			}
			*to = append(*to, pattern)
		})(n, path)
		if len(*to) > mapping.MaxFilters {
			r.fault(n, path, "%d filters are more than the %d a function may have", len(*to), mapping.MaxFilters)
		}
	}
}

// consumer finds the functions of a mapping: one in function, or several in functions.
func (r *reader) consumer(n ast.Node, path string, d *draft) {
	switch {
	case d.functions == nil && d.function == "":
		r.fault(n, path, "want exactly one of function and functions")
	case d.functions != nil && d.function != "":
		r.fault(n, join(path, "functions"), "goes without function: want exactly one of the two")
	case d.functions != nil && len(d.filters) > 0:
		r.fault(n, join(path, "filters"), "goes with function: with functions each has filters of its own")
	}
	for _, c := range d.functions {
		d.Functions = append(d.Functions, mapping.Consumer{Function: c.name, Filters: c.filters})
	}
	if d.functions == nil {
		d.Functions = []mapping.Consumer{{Function: d.function, Filters: d.filters}}
	}
}
