package declare

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"gantry/mapping"
	"gantry/pipeline/filter"
	"gantry/plan"
)

var (
	secretName  = regexp.MustCompile(`(?i)secret|password|passwd|token|private_?key`)
	secretInURL = regexp.MustCompile(`://[^/@]*:[^/@]+@`)
)

var planName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// Plan reads a plan file whole. Its error is *Faults.
func Plan(text []byte, name string) (plan.Plan, error) {
	r := &planReader{reader: reader{id: Identity{Name: name}, file: &File{}}}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return r.Plan, &Faults{File: name, List: []Fault{syntax(err)}}
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		return r.Plan, &Faults{File: name, List: []Fault{{Line: 1, Text: "want one plan"}}}
	}
	r.plan(tree.Docs[0].Body)
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, func(a, b Fault) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Path, b.Path)) })
		return r.Plan, &Faults{File: name, List: r.faults}
	}
	return r.Plan, nil
}

// planReader reads a plan. What was written counts: a guard that is absent is a fault.
type planReader struct {
	reader
	plan.Plan
	seen map[string]ast.Node
}

func (r *planReader) plan(n ast.Node) {
	p := &r.Plan
	r.seen = map[string]ast.Node{}
	p.Batch = plan.Batch{Size: mapping.DefaultBatchSize, RetryAttempts: mapping.Endless, RecordAge: mapping.Endless}
	p.Service.NoPosition, p.Handover, p.Rollback = plan.ResetNone, plan.HandoverNew, plan.Resume
	p.Stop.Wait = 5 * time.Minute
	r.object(n, "", members{
		"name":      r.named(&p.Name, planName, "a name of lower-case letters, digits and -"),
		"service":   r.service,
		"functions": r.note("functions", r.list(r.planFunction)),
		"batch":     r.batch,
		"outputs":   r.list(r.planOutput),
		"effects":   r.note("effects", r.list(r.effect)),
		"ignore":    r.list(r.ignore),
		"gates":     r.note("gates", r.gates),
		"guards":    r.note("guards", r.guards),
		"fence":     r.note("fence", word(r, &p.Fence, plan.FenceStrong, plan.FenceOperator, plan.FenceWeak)),
		"stop":      r.stop,
		"handover":  word(r, &p.Handover, plan.HandoverNew, plan.HandoverSame),
		"rollback":  word(r, &p.Rollback, plan.Resume, plan.Replay),
		"approveBy": r.text(&p.ApproveBy),
		"canary":    r.later,
		"target":    r.target,
	})
	r.whole(n)
}

// word reads one of a type's words.
func word[T ~string](r *planReader, to *T, words ...T) read {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	return func(n ast.Node, path string) {
		var s string
		r.oneOf(&s, all...)(n, path)
		*to = T(s)
	}
}

// note remembers that a member is there, and where.
func (r *planReader) note(key string, next read) read {
	return func(n ast.Node, path string) {
		r.seen[key] = n
		next(n, path)
	}
}

func (r *planReader) named(to *string, form *regexp.Regexp, want string) read {
	return func(n ast.Node, path string) {
		r.text(to)(n, path)
		if *to != "" && !form.MatchString(*to) {
			r.fault(n, path, "%q is no %s", *to, strings.TrimPrefix(want, "a "))
		}
	}
}

// target is where the service runs afterwards.
func (r *planReader) target(n ast.Node, path string) {
	kind := "function"
	r.oneOf(&kind, "function", "container")(n, path)
	if kind == "container" {
		r.fault(n, path, "containers as the target of a migration are not supported yet")
	}
}

func (r *planReader) service(n ast.Node, path string) {
	s := &r.Service
	r.object(n, path, members{
		"cluster": r.text(&s.Cluster), "group": r.named(&s.Group, groupName, "a consumer group id"),
		"topics":     r.list(r.sourceTopic(s)),
		"principal":  r.text(&s.Principal),
		"noPosition": word(r, &s.NoPosition, plan.ResetEarliest, plan.ResetLatest, plan.ResetNone),
	})
	r.need(n, path, map[string]bool{"cluster": s.Cluster != "", "group": s.Group != "", "topics": len(s.Topics) > 0})
}

func (r *planReader) sourceTopic(s *plan.Service) read {
	return func(n ast.Node, path string) {
		topic := r.topicName(n, path)
		if topic != "" && slices.Contains(s.Topics, topic) {
			r.fault(n, path, "%s is named twice", topic)
		}
		s.Topics = append(s.Topics, topic)
	}
}

func (r *planReader) topicName(n ast.Node, path string) (topic string) {
	r.named(&topic, topicName, "a topic")(n, path)
	return topic
}

// need says what is missing of an object.
func (r *planReader) need(n ast.Node, path string, there map[string]bool) {
	var missing []string
	for key, ok := range there {
		if !ok {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		r.fault(n, path, "is missing: %s", strings.Join(missing, ", "))
	}
}

func (r *planReader) planFunction(n ast.Node, path string) {
	var f plan.Function
	filters := r.list(func(n ast.Node, path string) {
		pattern, ok := r.json(n, path)
		if !ok {
			return
		}
		if _, err := filter.Compile(pattern); err != nil {
			r.fault(n, path, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		f.Filters = append(f.Filters, pattern)
	})
	r.object(n, path, members{"name": r.text(&f.Name), "filters": filters})
	r.need(n, path, map[string]bool{"name": f.Name != ""})
	if slices.ContainsFunc(r.Functions, func(o plan.Function) bool { return f.Name != "" && o.Name == f.Name }) {
		r.fault(n, path, "function %s is there twice", f.Name)
	}
	r.Functions = append(r.Functions, f)
}

func (r *planReader) batch(n ast.Node, path string) {
	b, window := &r.Batch, time.Duration(-1)
	r.object(n, path, members{
		"size": r.number(&b.Size, 1, mapping.MaxBatchSize), "window": r.duration(&window, 0, mapping.MaxWindow),
		"maximumRetryAttempts": r.number(&b.RetryAttempts, mapping.Endless, mapping.MaxRetryAttempts), "maximumRecordAge": r.age(&b.RecordAge),
		"bisectBatchOnFunctionError": r.flag(&b.Bisect), "reportBatchItemFailures": r.flag(&b.PartialAnswers),
		"onFailure": r.onFailure(&b.OnFailure), "transactional": r.flag(&b.Transactional),
	})
	if window >= 0 {
		b.Window = &window
	}
}

func (r *planReader) planOutput(n ast.Node, path string) {
	o := plan.Output{Pair: plan.PairKey, Order: true}
	r.object(n, path, members{
		"topic": func(n ast.Node, path string) { o.Topic = r.topicName(n, path) },
		"pair":  word(r, &o.Pair, plan.PairKey, plan.PairHeader, plan.PairValue, plan.PairSource),
		"field": r.text(&o.Field), "order": r.flag(&o.Order),
		"second": func(n ast.Node, path string) { o.Second = r.topicName(n, path) },
	})
	r.need(n, path, map[string]bool{"topic": o.Topic != ""})
	if by := o.Pair == plan.PairHeader || o.Pair == plan.PairValue; by != (o.Field != "") {
		r.fault(n, path, "field: goes with pair: header (its name) and pair: value (a path such as order.id), and with no other")
	}
	r.Outputs = append(r.Outputs, o)
}

func (r *planReader) effect(n ast.Node, path string) {
	e := plan.Effect{Environment: map[string]string{}}
	r.object(n, path, members{
		"kind": word(r, &e.Kind, plan.EffectDatabase, plan.EffectHTTP, plan.EffectAWS, plan.EffectKafka, plan.EffectOther),
		"name": r.text(&e.Name), "target": r.text(&e.Target), "shadow": word(r, &e.Shadow, plan.EffectOverride, plan.EffectDenied),
		"environment": r.textMap(e.Environment), "allow": r.texts(&e.Allow), "enforcement": word(r, &e.Enforcement, plan.Enforced, plan.Declared),
	})
	r.need(n, path, map[string]bool{"kind": e.Kind != "", "name": e.Name != "", "shadow": e.Shadow != ""})
	if (e.Shadow == plan.EffectOverride) != (len(e.Environment) > 0) {
		r.fault(n, path, "environment: says what the functions get instead; it goes with shadow: override, and with no other")
	}
	for _, name := range slices.Sorted(maps.Keys(e.Environment)) {
		if secretName.MatchString(name) || secretInURL.MatchString(e.Environment[name]) {
			r.fault(n, path, "environment: %s looks like a secret, and a plan stands in the ledger as it is written: keep the secret in the function's secrets: and override where it leads only", name)
		}
	}
	if len(e.Allow) > 0 && e.Shadow != plan.EffectOverride {
		r.fault(n, path, "allow: says where an override leads; it goes with shadow: override, and with no other")
	}
	if e.Shadow == plan.EffectDenied && e.Enforcement == "" {
		r.fault(n, path, "enforcement: want enforced (gantry cuts the functions off; Linux, with the right to make a network namespace) or declared (your word; reports say 'not enforced')")
	}
	r.Effects = append(r.Effects, e)
}

func (r *planReader) ignore(n ast.Node, path string) {
	var i plan.Ignore
	r.object(n, path, members{"topic": r.text(&i.Topic), "path": r.text(&i.Path), "why": r.text(&i.Why)})
	r.need(n, path, map[string]bool{"path": i.Path != "", "why": i.Why != ""})
	r.Ignore = append(r.Ignore, i)
}

func (r *planReader) gates(n ast.Node, path string) {
	g := &r.Gates
	g.Different = 0.01
	r.object(n, path, members{
		"compared": r.number(&g.Compared, 1, 1_000_000_000), "different": r.share(&g.Different), "keys": r.number(&g.Keys, 0, 1_000_000_000),
		"hoursOfWeek": r.number(&g.HoursOfWeek, 0, 168), "for": r.duration(&g.For, 0, 90*24*time.Hour),
		"allowMissing": r.number(&g.AllowMissing, 0, 1_000_000_000),
	})
	r.need(n, path, map[string]bool{"compared": g.Compared > 0})
	if g.Different == 0 {
		r.fault(n, path, "different: no number of comparisons shows that nothing can differ: want a share above 0, such as 0.1%% (3,000 outputs without a difference show that)")
	}
}

func (r *planReader) guards(n ast.Node, path string) {
	g := &r.Guards
	r.object(n, path, members{
		"unresolved": r.duration(&g.Unresolved, time.Second, 24*time.Hour), "errors": r.share(&g.Errors),
		"errorsOver": r.number(&g.ErrorsOver, 1, 1_000_000), "lagFactor": r.factor(&g.LagFactor),
		"watch": r.duration(&g.Watch, time.Second, 30*24*time.Hour),
	})
	r.need(n, path, map[string]bool{
		"unresolved": g.Unresolved > 0, "errors": g.Errors > 0, "errorsOver": g.ErrorsOver > 0, "lagFactor": g.LagFactor > 0, "watch": g.Watch > 0,
	})
}

func (r *planReader) stop(n ast.Node, path string) {
	r.object(n, path, members{
		"hook": r.texts(&r.Stop.Hook), "start": r.texts(&r.Stop.Start), "wait": r.duration(&r.Stop.Wait, time.Second, 24*time.Hour),
	})
}

// share takes 0.5% or 0.005.
func (r *planReader) share(to *float64) read {
	return func(n ast.Node, path string) {
		s, ok := r.scalar(n, path, "a share such as 1%")
		if !ok {
			return
		}
		digits, percent := strings.CutSuffix(s, "%")
		v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if percent {
			v /= 100
		}
		if err != nil || v < 0 || v > 1 {
			r.fault(n, path, "%q is no share; want one from 0%% to 100%%", s)
			return
		}
		*to = v
	}
}

// factor takes a number of at least 1.
func (r *planReader) factor(to *float64) read {
	return func(n ast.Node, path string) {
		s, ok := r.scalar(n, path, "a number such as 2")
		if !ok {
			return
		}
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || v < 1 || v > 1000 {
			r.fault(n, path, "%q is no factor; want a number from 1 to 1000", s)
			return
		}
		*to = v
	}
}
