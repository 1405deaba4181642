package declare

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"gantry/plan"
)

// whole finds what only the plan as a whole can tell.
func (r *planReader) whole(n ast.Node) {
	for key, why := range map[string]string{
		"name": "", "service": "", "functions": "the functions that replace the service",
		"effects": "every effect the service has beside its output topics; [] says that there is none",
		"gates":   "what a shadow run must have shown; compared: is the least of it",
		"guards":  "what ends a cutover that goes wrong: unresolved, errors, errorsOver, lagFactor, watch",
		"fence":   "strong, operator or weak",
	} {
		there := map[string]bool{"name": r.Name != "", "service": r.Service.Group != "" || r.Service.Cluster != "" || r.Service.Topics != nil}[key]
		if there || r.seen[key] != nil {
			continue
		}
		r.fault(n, key, "%s", strings.TrimSuffix("is missing: "+why, ": "))
	}
	r.together(n)
}

// together finds members that contradict each other.
func (r *planReader) together(n ast.Node) {
	p := &r.Plan
	if r.seen["functions"] != nil && len(p.Functions) == 0 {
		r.fault(r.seen["functions"], "functions", "want at least one")
	}
	if p.Fence == plan.FenceStrong || p.Fence == plan.FenceOperator {
		if !strings.Contains(p.Service.Principal, ":") {
			r.fault(r.seen["fence"], "fence", "%s denies the old service its group by name: service.principal: is missing (User:… as the broker knows it)", p.Fence)
		}
	}
	if p.Batch.Transactional && len(p.Outputs) == 0 {
		r.fault(n, "batch.transactional", "goes with outputs:")
	}
	enforced := slices.ContainsFunc(p.Effects, func(e plan.Effect) bool { return e.Enforcement == plan.Enforced })
	for i, e := range p.Effects {
		if enforced && e.Shadow == plan.EffectOverride && len(e.Allow) == 0 {
			r.fault(n, fmt.Sprintf("effects[%d].allow", i), "is missing: another effect is enforced, so the functions are cut off in shadow; say where this override leads (HOST:PORT)")
		}
		for _, target := range e.Allow {
			if host, port, err := net.SplitHostPort(target); err != nil || host == "" || port == "" {
				r.fault(n, fmt.Sprintf("effects[%d].allow", i), "%q is no HOST:PORT", target)
			}
		}
	}
	for i, o := range p.Outputs {
		if o.Second == o.Topic || slices.Contains(p.Service.Topics, o.Second) {
			r.fault(n, fmt.Sprintf("outputs[%d].second", i), "%s is a topic the service itself reads or writes; want the one that a second run of it writes", o.Second)
		}
		if slices.Contains(p.Service.Topics, o.Topic) {
			r.fault(n, fmt.Sprintf("outputs[%d]", i), "%s is a topic the service reads: a shadow would feed itself", o.Topic)
		}
	}
	for i, ignored := range p.Ignore {
		if ignored.Topic != "" && !slices.ContainsFunc(p.Outputs, func(o plan.Output) bool { return o.Topic == ignored.Topic }) {
			r.fault(n, fmt.Sprintf("ignore[%d]", i), "topic: %s is no topic of outputs:", ignored.Topic)
		}
	}
}
