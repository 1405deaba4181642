package declare

import (
	"cmp"

	"github.com/goccy/go-yaml/ast"

	"gantry/mapping"
)

// output reads `output: TOPIC` or an object. What is wrong with it beside the rest of the
// mapping is found by outputFaults.
func (r *reader) output(d *draft) read {
	return func(n ast.Node, path string) {
		o := &mapping.Output{}
		if _, object := plain(n).(*ast.MappingNode); !object {
			r.text(&o.Topic)(n, path)
			d.Output = o
			return
		}
		megabytes := 0
		r.object(n, path, members{
			"topic": r.text(&o.Topic), "topics": r.texts(&o.Topics), "cluster": r.text(&o.Cluster),
			"schema":        r.outputSchema(&o.Schema),
			"transactional": r.flag(&o.Transactional),
			"interval":      r.duration(&o.Interval, 0, mapping.MaxTransactionInterval),
			"size":          r.megabytes(&megabytes, 1, mapping.MaxTransactionBytes>>20),
			"timeout":       r.duration(&o.Timeout, mapping.MinTransactionTimeout, mapping.MaxTransactionTimeout),
		})
		o.Bytes = int64(megabytes) << 20
		d.Output = o
	}
}

// outputFaults checks the output beside source and destination.
func (r *reader) outputFaults(n ast.Node, path string, d *draft) {
	if d.Output == nil {
		return
	}
	for _, err := range d.OutputFaults() {
		r.fault(n, join(path, "output"), "%s", err)
	}
	if _, known := r.file.Registries[cmp.Or(d.Output.Cluster, d.Source.Cluster)]; d.Output.Schema != nil && !known && !r.id.AnyCluster && len(r.id.Clusters) == 0 {
		r.fault(n, join(path, "output.schema"), "the cluster has no schemaRegistry:")
	}
	if _, known := r.file.Clusters[d.Output.Cluster]; d.Output.Cluster != "" && !known && !r.id.AnyCluster {
		r.fault(n, join(path, "output.cluster"), "%q is no name in clusters:", d.Output.Cluster)
	}
}
