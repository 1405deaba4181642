package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"gantry/function"
	"gantry/kafka"
	"gantry/mapping"
	"gantry/plan"
	"gantry/store"
)

// shadowed is the mapping of the functions in shadow.
type shadowed struct{ *functions }

// ShadowMappingName is the name of the mapping that a plan's shadow run makes.
func ShadowMappingName(planName string) string { return MappingName(planName) + ".shadow" }

func (f *shadowed) id() string {
	return uuid.NewSHA1(uuid.MustParse(f.functions.id()), []byte("shadow")).String()
}

// wanted is the mapping of the plan, with everything it writes captured.
func (f *shadowed) wanted() mapping.Mapping {
	p := f.plan
	m := f.functions.wanted(p.ShadowGroup())
	m.UUID, m.Name = f.id(), ShadowMappingName(p.Name)
	m.OnFailure = "kafka://" + p.ShadowFailed()
	if m.RetryAttempts == mapping.Endless {
		m.RetryAttempts = shadowAttempts
	}
	in := &mapping.Surroundings{Name: "shadow of plan " + p.Name, Environment: map[string]string{}, Capture: map[string]string{}}
	for _, o := range p.Outputs {
		in.Capture[o.Topic] = p.ShadowTopic(o.Topic)
	}
	for _, e := range p.Effects {
		for name, value := range e.Environment {
			in.Environment[name] = value
		}
	}
	if cutOff(p) {
		in.Egress = &mapping.Egress{Targets: waysOut(p)}
	}
	m.Surroundings = in
	if out := m.Output; out != nil {
		if out.Topic != "" {
			out.Topic = p.ShadowTopic(out.Topic)
		}
		for i := range out.Topics {
			out.Topics[i] = p.ShadowTopic(out.Topics[i])
		}
		out.Transactional = len(p.Functions) == 1 // so that nothing is captured twice when a process dies
	}
	return m
}

// shadowAttempts are the retries of a record that the plan would try for ever: in shadow
// nobody looks after one that stands.
const shadowAttempts = 2

// cutOff says whether the functions' processes are kept from everything but the ways out.
func cutOff(p plan.Plan) bool {
	return slices.ContainsFunc(p.Effects, func(e plan.Effect) bool { return e.Enforcement == plan.Enforced })
}

func waysOut(p plan.Plan) (targets []string) {
	for _, e := range p.Effects {
		targets = append(targets, e.Allow...)
	}
	slices.Sort(targets)
	return slices.Compact(targets)
}

// check names what would keep the functions from running in shadow.
func (f *shadowed) check(ctx context.Context) (faults []string) {
	known := store.FunctionsOf(f.m.cfg.Store)
	for _, named := range f.plan.Functions {
		fn, _, err := known.Get(ctx, named.Name)
		if err != nil {
			faults = append(faults, fmt.Sprintf("function %s: %v; apply the file that declares it first", named.Name, err))
			continue
		}
		faults = append(faults, f.kept(fn)...)
	}
	if cutOff(f.plan) && f.m.cfg.Egress != nil {
		if err := f.m.cfg.Egress(); err != nil {
			faults = append(faults, fmt.Sprintf("effects: enforced effects need a network namespace, and there is none to be had here: %v; or say enforcement: declared, then it is your word that counts", err))
		}
	}
	if len(f.plan.Outputs) == 0 && len(f.plan.Effects) == 0 {
		faults = append(faults, "the plan names neither outputs nor effects: there is nothing a shadow run could show")
	}
	want := f.wanted()
	if err := f.m.cfg.Resolve(ctx, &want); err != nil && !errors.Is(err, kafka.ErrUnknownTopic) { // captured topics are made later
		faults = append(faults, fmt.Sprintf("the mapping of the functions: %v", err))
	}
	return faults
}

// kept names the effects of one function that nothing here can keep from happening.
func (f *shadowed) kept(fn function.Function) (faults []string) {
	switch fn.Kind {
	case function.Process:
		return nil
	case function.InProcess:
		return []string{fmt.Sprintf("function %s is the integration %s: what it writes is its effect, and it would write in shadow as well; leave it out of the plan, or give the plan a function that answers with records", fn.Name, fn.Integration)}
	}
	for _, e := range f.plan.Effects {
		switch {
		case e.Shadow == plan.EffectOverride:
			faults = append(faults, fmt.Sprintf("effect %s: function %s is of kind %s: other variables can't be given to it from here; plan another function for the shadow, or deny the effect there and say shadow: denied, enforcement: declared", e.Name, fn.Name, fn.Kind))
		case e.Enforcement == plan.Enforced:
			faults = append(faults, fmt.Sprintf("effect %s: function %s is of kind %s: it can't be cut off from here; say enforcement: declared, then it is your word that counts", e.Name, fn.Name, fn.Kind))
		}
	}
	declared := func(e plan.Effect) bool { return e.Kind == plan.EffectKafka && e.Enforcement == plan.Declared }
	if fn.Produce != nil && !slices.ContainsFunc(f.plan.Effects, declared) {
		faults = append(faults, fmt.Sprintf("function %s is of kind %s and may write to topics in the middle of its work: that can't be captured; take the right away, or name it as an effect of kind kafka with enforcement: declared", fn.Name, fn.Kind))
	}
	return faults
}

// Prepare implements shadow.Functions.
func (f *shadowed) Prepare(ctx context.Context) error {
	want := f.wanted()
	if err := f.m.cfg.Resolve(ctx, &want); err != nil {
		return err
	}
	have, err := f.mappings.Item(ctx, want.UUID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	_, err = f.mappings.Put(ctx, store.Item[mapping.Mapping]{ID: want.UUID, Version: have.Version, Value: want}, f.by)
	return err
}

// Enable implements shadow.Functions.
func (f *shadowed) Enable(ctx context.Context) error { return f.turn(ctx, true) }

// Disable implements shadow.Functions.
func (f *shadowed) Disable(ctx context.Context) error {
	err := f.turn(ctx, false)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// remove takes the mapping of the last run away; the topics it wrote stay for as long as they
// keep records.
func (f *shadowed) remove(ctx context.Context) error {
	_, _, err := f.mappings.Change(ctx, f.id(), f.by, func(m *mapping.Mapping) error {
		m.Enabled, m.Deleting, m.LastModified = false, true, clock()
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

func (f *shadowed) turn(ctx context.Context, on bool) error {
	_, _, err := f.mappings.Change(ctx, f.id(), f.by, func(m *mapping.Mapping) error {
		m.Enabled, m.LastModified = on, clock()
		return nil
	})
	return err
}
