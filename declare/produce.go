package declare

import (
	"github.com/goccy/go-yaml/ast"

	"gantry/function"
)

// produce reads what a function may write to Kafka in the middle of its work: a list of
// topics of the file's only cluster, or an object that names the cluster.
func (r *reader) produce(to **function.Produce) read {
	return func(n ast.Node, path string) {
		p := &function.Produce{}
		if _, list := plain(n).(*ast.SequenceNode); list {
			r.texts(&p.Topics)(n, path)
			for name := range r.file.Clusters {
				p.Cluster = name
			}
			if len(r.file.Clusters) != 1 {
				r.fault(n, path, "a list of topics is for a file with one cluster; want {cluster: NAME, topics: [TOPIC]}")
				return
			}
		} else {
			r.object(n, path, members{"cluster": r.text(&p.Cluster), "topics": r.texts(&p.Topics)})
		}
		for _, fault := range p.Faults() {
			r.fault(n, path, "%s", fault)
		}
		if _, known := r.file.Clusters[p.Cluster]; p.Cluster != "" && !known && !r.id.AnyCluster {
			r.fault(n, join(path, "cluster"), "%q is no name in clusters:", p.Cluster)
		}
		*to = p
	}
}

// keyFunction checks a key that speaks for a function. The function may be one that is made
// through the API later.
func (r *reader) keyFunction(n ast.Node, path string, k Key) {
	switch {
	case k.Function == "":
	case !function.NamePattern.MatchString(k.Function):
		r.fault(n, join(path, "function"), "%q is no function name", k.Function)
	case k.Role != "":
		r.fault(n, join(path, "role"), "a key of a function has its function's right to write to topics and no other; leave role out")
	}
}
