package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"gantry/kafka"
	"gantry/mapping"
	"gantry/migrate/cutover"
	"gantry/plan"
	"gantry/store"
)

// functions is the mapping that takes a service over, as the protocol sees it.
type functions struct {
	m        *Migrations
	plan     plan.Plan
	by       store.Write
	mappings store.Typed[mapping.Mapping]
}

func (m *Migrations) functionsOf(p plan.Plan, by store.Write) *functions {
	return &functions{m, p, by, store.MappingsOf(m.cfg.Store)}
}

// MappingName is the name of the mapping that a plan makes.
func MappingName(planName string) string { return "migration." + planName }

// id is the mapping's identity: the same from every gantry of the account.
func (f *functions) id() string {
	space := uuid.NewSHA1(uuid.NameSpaceURL, []byte("gantry"))
	return uuid.NewSHA1(space, []byte(f.m.cfg.AccountID+"/"+f.m.cfg.Region+"/"+MappingName(f.plan.Name))).String()
}

// wanted is the mapping as the plan wants it. Every partition of its group is committed
// before it begins, so where it would begin otherwise never counts but for partitions that
// come later, which begin at their oldest record.
func (f *functions) wanted(group string) mapping.Mapping {
	b := f.plan.Batch
	m := mapping.Mapping{
		UUID: f.id(), Name: MappingName(f.plan.Name), GroupID: group, Start: mapping.TrimHorizon,
		Source:    mapping.Source{Cluster: f.plan.Service.Cluster, Topics: f.plan.Service.Topics},
		BatchSize: b.Size, Window: b.Window, RetryAttempts: b.RetryAttempts, RecordAge: b.RecordAge,
		Bisect: b.Bisect, PartialAnswers: b.PartialAnswers, OnFailure: b.OnFailure,
		Tags: map[string]string{}, LastModified: clock(),
	}
	for _, fn := range f.plan.Functions {
		m.Functions = append(m.Functions, mapping.Consumer{Function: fn.Name, Filters: fn.Filters})
	}
	m.Output = outputOf(f.plan)
	return m
}

// outputOf lets answers go to the plan's topics: with one, every answer is a record of it;
// with several, answers name theirs.
func outputOf(p plan.Plan) *mapping.Output {
	if len(p.Outputs) == 0 {
		return nil
	}
	out := &mapping.Output{Transactional: p.Batch.Transactional}
	if len(p.Outputs) == 1 {
		out.Topic = p.Outputs[0].Topic
		return out
	}
	for _, o := range p.Outputs {
		out.Topics = append(out.Topics, o.Topic)
	}
	return out
}

// Check implements cutover.Mappings.
func (f *functions) Check(ctx context.Context, group string) (faults []string) {
	known := store.FunctionsOf(f.m.cfg.Store)
	for _, fn := range f.plan.Functions {
		if _, _, err := known.Get(ctx, fn.Name); err != nil {
			faults = append(faults, fmt.Sprintf("function %s: %v; apply the file that declares it first", fn.Name, err))
		}
	}
	want := f.wanted(group)
	if err := f.m.cfg.Resolve(ctx, &want); err != nil {
		faults = append(faults, fmt.Sprintf("the mapping of the functions: %v", err))
	}
	all, err := f.mappings.List(ctx)
	if err != nil {
		return append(faults, err.Error())
	}
	for _, item := range all {
		if item.ID != want.UUID && item.Value.GroupID == group {
			faults = append(faults, fmt.Sprintf("mapping %s reads by group %s already", item.Value.Name, group))
		}
	}
	return faults
}

// Prepare implements cutover.Mappings.
func (f *functions) Prepare(ctx context.Context, group string) error {
	want := f.wanted(group)
	if err := f.m.cfg.Resolve(ctx, &want); err != nil {
		return err
	}
	have, err := f.mappings.Item(ctx, want.UUID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		_, err := f.mappings.Put(ctx, store.Item[mapping.Mapping]{ID: want.UUID, Value: want}, f.by)
		return err
	case err != nil:
		return err
	case have.Value.Enabled && have.Value.GroupID == group:
		return nil // it runs: a call that came twice
	}
	_, err = f.mappings.Put(ctx, store.Item[mapping.Mapping]{ID: want.UUID, Version: have.Version, Value: want}, f.by)
	return err
}

// Enable implements cutover.Mappings.
func (f *functions) Enable(ctx context.Context, _ string) error { return f.turn(ctx, true) }

// Disable implements cutover.Mappings.
func (f *functions) Disable(ctx context.Context, _ string) error {
	err := f.turn(ctx, false)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

func (f *functions) turn(ctx context.Context, on bool) error {
	_, _, err := f.mappings.Change(ctx, f.id(), f.by, func(m *mapping.Mapping) error {
		m.Enabled, m.LastModified = on, clock()
		return nil
	})
	return err
}

// Progress implements cutover.Mappings.
func (f *functions) Progress(context.Context, string) (cutover.Progress, error) {
	return f.m.cfg.Progress(f.id())
}

// Owns implements cutover.Mappings: a member is known by its instance id, which holds the
// mapping's identity.
func (f *functions) Owns(m kafka.Member) bool { return strings.Contains(m.InstanceID, f.id()) }

// Principal implements cutover.Mappings.
func (f *functions) Principal() string { return "" }
