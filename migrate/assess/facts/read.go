package facts

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"gantry/workload"
)

// Read reads a facts file and names every fault of it with its line.
func Read(text []byte, name string) (File, error) {
	out := File{Services: map[string]workload.Facts{}}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return File{}, fmt.Errorf("%s: %w: %w", name, errNoYAML, err)
	}
	r := &reader{}
	for _, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		r.object(doc.Body, "", members{
			"platform": func(n ast.Node, path string) { r.object(n, path, r.platform(&out.Platform)) },
			"services": func(n ast.Node, path string) {
				r.each(n, path, func(group string, n ast.Node, path string) {
					var f workload.Facts
					r.object(n, path, r.service(&f))
					out.Services[group] = f
				})
			},
		})
	}
	if len(r.faults) > 0 {
		return File{}, &Faults{Name: name, Texts: r.faults}
	}
	return out, nil
}

// reader walks the tree of a file and collects what is wrong with it.
type reader struct{ faults []string }

type members map[string]func(n ast.Node, path string)

func (r *reader) platform(p *workload.Platform) members {
	return members{
		"eks": r.flag(&p.EKS), "eksServices": r.number(&p.EKSShare, 1, 10_000), "roundTrip": r.duration(&p.RoundTrip, 10*time.Second),
		"vpc": r.flag(&p.VPC), "utilisation": r.float(&p.Utilisation, 0.05, 1),
	}
}

func (r *reader) service(f *workload.Facts) members {
	return members{
		"memory": r.megabytes(&f.MemoryMB), "cpu": r.float(&f.CPU, 0.01, 256),
		"perInvocation": r.duration(&f.PerInvocation, 15*time.Minute), "perRecord": r.duration(&f.PerRecord, 24*time.Hour),
		"longestRecord": r.duration(&f.Longest, 1000*time.Hour), "batch": r.number(&f.Batch, 1, 10_000),
		"window": r.duration(&f.Window, 5*time.Minute), "parallel": r.float(&f.Parallel, 1, 100_000), "minTasks": r.number(&f.MinTasks, 1, 10_000),
		"disk": r.megabytes(&f.DiskMB), "databaseTrips": r.float(&f.Trips, 0, 1e6), "database": r.oneOf(&f.Database, "here", "aws", "none"),
		"state": r.flag(&f.State), "exactlyOnce": r.flag(&f.ExactlyOnce), "sockets": r.flag(&f.Sockets),
		"errorControls": r.flag(&f.ErrorControls), "writes": r.texts(&f.Writes),
	}
}

func (r *reader) fault(n ast.Node, path, format string, args ...any) {
	line := 1
	if n != nil && n.GetToken() != nil {
		line = n.GetToken().Position.Line
	}
	r.faults = append(r.faults, fmt.Sprintf("line %d: %s: %s", line, path, fmt.Sprintf(format, args...)))
}

// each reads an object whose keys are names. Nothing behind the colon is an empty object.
func (r *reader) each(n ast.Node, path string, one func(name string, n ast.Node, path string)) {
	var pairs []*ast.MappingValueNode
	switch v := n.(type) {
	case *ast.MappingNode:
		pairs = v.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{v}
	case *ast.NullNode:
		return
	default:
		r.fault(n, strings.TrimPrefix(path, "."), "want an object (key: value)")
		return
	}
	for _, pair := range pairs {
		name := pair.Key.String()
		if s, ok := pair.Key.(*ast.StringNode); ok {
			name = s.Value
		}
		one(name, pair.Value, strings.TrimPrefix(path+"."+name, "."))
	}
}

func (r *reader) object(n ast.Node, path string, known members) {
	r.each(n, path, func(name string, n ast.Node, path string) {
		read, ok := known[name]
		if !ok {
			r.fault(n, path, "unknown key; known here: %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			return
		}
		if _, empty := n.(*ast.NullNode); empty && len(known) > 2 {
			return // a question of the skeleton that nobody answered
		}
		read(n, path)
	})
}

func scalar(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return v.GetToken().Value, true
	}
	return "", false
}

func give[T any](to *workload.Fact[T], v T) { *to = workload.Fact[T]{Value: v, From: workload.Given} }

func (r *reader) flag(to *workload.Fact[bool]) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		v, ok := n.(*ast.BoolNode)
		if !ok {
			r.fault(n, path, "want true or false")
			return
		}
		give(to, v.Value)
	}
}

func (r *reader) float(to *workload.Fact[float64], least, most float64) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		s, _ := scalar(n)
		v, err := strconv.ParseFloat(s, 64)
		switch {
		case err != nil:
			r.fault(n, path, "want a number")
		case !(v >= least && v <= most):
			r.fault(n, path, "%g is not within %g..%g", v, least, most)
		default:
			give(to, v)
		}
	}
}

func (r *reader) number(to *workload.Fact[int], least, most int) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		s, _ := scalar(n)
		v, err := strconv.Atoi(s)
		switch {
		case err != nil:
			r.fault(n, path, "want a whole number")
		case v < least || v > most:
			r.fault(n, path, "%d is not within %d..%d", v, least, most)
		default:
			give(to, v)
		}
	}
}

func (r *reader) megabytes(to *workload.Fact[int]) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		s, _ := scalar(n)
		digits := strings.TrimRight(s, "GMBi ")
		v, err := strconv.Atoi(digits)
		if strings.HasPrefix(strings.TrimSpace(s[len(digits):]), "G") {
			v *= 1024
		}
		if err != nil || v < 1 || v > 100<<20 {
			r.fault(n, path, "want a size such as 512MB or 2GB")
			return
		}
		give(to, v)
	}
}

func (r *reader) duration(to *workload.Fact[time.Duration], most time.Duration) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		s, _ := scalar(n)
		v, err := time.ParseDuration(s)
		switch {
		case err != nil:
			r.fault(n, path, "want a duration such as 5ms, 2s or 20m")
		case v < 0 || v > most:
			r.fault(n, path, "%s is not within 0s..%s", v, most)
		default:
			give(to, v)
		}
	}
}

func (r *reader) oneOf(to *workload.Fact[string], words ...string) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		s, _ := scalar(n)
		if !slices.Contains(words, s) {
			r.fault(n, path, "want one of %s", strings.Join(words, ", "))
			return
		}
		give(to, s)
	}
}

func (r *reader) texts(to *workload.Fact[[]string]) func(ast.Node, string) {
	return func(n ast.Node, path string) {
		seq, ok := n.(*ast.SequenceNode)
		if !ok {
			r.fault(n, path, "want a list of names, [] for none")
			return
		}
		found := []string{}
		for _, v := range seq.Values {
			s, ok := scalar(v)
			if !ok {
				r.fault(v, path, "want a name")
				continue
			}
			found = append(found, s)
		}
		give(to, found)
	}
}
