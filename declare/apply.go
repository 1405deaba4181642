package declare

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"gantry/function"
	"gantry/mapping"
	"gantry/store"
)

// Source looks at clusters (the engine). Resolve fixes where each partition begins;
// Begins says which rule decides where a mapping begins: its group's commits, or the
// starting position.
type Source interface {
	Resolve(ctx context.Context, m *mapping.Mapping) error
	Begins(ctx context.Context, m mapping.Mapping) (string, error)
}

// ErrDeleting is a mapping of the file that its owner deleted a moment ago.
var ErrDeleting = errors.New("is being deleted")

// Action is what applying does to one function or mapping.
type Action string

// The actions of a change.
const (
	Create    Action = "create"
	Update    Action = "update"
	Unchanged Action = "unchanged"
	Pause     Action = "pause"  // it left the file
	Delete    Action = "delete" // it left the file and prune was asked for
	Keep      Action = "keep"   // it left the file and can't go: something uses it
)

// Change is what happens, or would happen, to one document.
type Change struct {
	Kind   store.Kind `json:"kind"`
	Name   string     `json:"name"`
	UUID   string     `json:"uuid,omitempty"`
	Action Action     `json:"action"`
	Fields []string   `json:"fields,omitempty"` // what an update changes
	Note   string     `json:"note,omitempty"`   // where it begins; why it is kept; what is wrong
	Before any        `json:"-"`                // for the audit line; nil: it was not there
	After  any        `json:"-"`                // nil: it is gone
}

// Options of an Apply.
type Options struct {
	DryRun bool
	Prune  bool
	By     store.Write
}

// Applier makes a store agree with a file.
type Applier struct {
	Store  store.Desired
	Source Source
	Now    func() time.Time
	// Notes says what an owner should know of how a function runs here; nil = nothing.
	Notes func(fn function.Function) []string
}

// Apply creates and updates what the file declares, functions before mappings, and
// pauses or prunes what this file, by its base name, declared before and does not any
// more. What another file declares, and what was made by the API, is left alone. A dry
// run gives the same changes and makes none.
func (a Applier) Apply(ctx context.Context, f *File, opts Options) ([]Change, error) {
	if err := a.check(ctx, f); err != nil {
		return nil, err
	}
	var changes []Change
	for _, fn := range f.Functions {
		c, err := a.function(ctx, fn, opts)
		if err != nil {
			return changes, err
		}
		changes = append(changes, c)
	}
	plans, err := a.plan(ctx, f.Mappings)
	if err != nil {
		return changes, err
	}
	for _, p := range plans {
		if err := a.put(ctx, p, opts); err != nil {
			return changes, err
		}
		changes = append(changes, p.change)
	}
	left, err := a.left(ctx, f, opts)
	return append(changes, left...), err
}

// check finds what only the store can tell: functions that are nowhere, groups that
// another mapping has. All faults at once (*Faults), before anything is changed.
func (a Applier) check(ctx context.Context, f *File) error {
	found := &Faults{File: f.name}
	known, err := store.FunctionsOf(a.Store).List(ctx)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for _, item := range known {
		names[item.ID] = true
	}
	for _, fn := range f.Functions {
		names[fn.Name] = true
	}
	mappings, err := store.MappingsOf(a.Store).List(ctx)
	if err != nil {
		return err
	}
	for _, m := range f.Mappings {
		for _, name := range m.Names() {
			if !names[name] {
				found.List = append(found.List, f.Fault(m, functionMember(m), "%q is no function of this file or of the store", name))
			}
		}
		for _, other := range mappings {
			if other.ID != m.UUID && other.Value.GroupID == m.GroupID && !other.Value.Deleting {
				found.List = append(found.List, f.Fault(m, "consumerGroupId", "group %q is used by mapping %s already", m.GroupID, other.ID))
			}
		}
	}
	if len(found.List) > 0 {
		return found
	}
	return nil
}

// functionMember is the member that names a mapping's functions.
func functionMember(m mapping.Mapping) string {
	if m.Several() {
		return "functions"
	}
	return "function"
}

// Fault says what is wrong with a member of a mapping of the file, and where.
func (f *File) Fault(m mapping.Mapping, member, format string, args ...any) Fault {
	path := "mappings." + m.Name
	return Fault{Line: f.lines[path], Path: join(path, member), Text: fmt.Sprintf(format, args...)}
}

func (a Applier) function(ctx context.Context, want function.Function, opts Options) (Change, error) {
	c := Change{Kind: store.Functions, Name: want.Name, Action: Create}
	docs := store.FunctionsOf(a.Store)
	have, version, err := docs.Get(ctx, want.Name)
	if err == nil {
		want.RevisionID, want.LastModified, want.Policy = have.RevisionID, have.LastModified, have.Policy
		c.Action, c.Fields = compare(have, want)
		c.Before = have
		if !have.Declared {
			c.Note = "it was made by the API; the file owns it from now on"
		}
	} else if !errors.Is(err, store.ErrNotFound) {
		return c, err
	}
	if c.Action != Unchanged && a.Notes != nil {
		c.Note = strings.Join(append(a.Notes(want), c.Note), "; ")
		c.Note = strings.TrimSuffix(c.Note, "; ")
	}
	if c.Action == Unchanged || opts.DryRun {
		return c, nil
	}
	want.LastModified = a.Now().UTC()
	want.RevisionID = fmt.Sprintf("%d", want.LastModified.UnixNano())
	c.After = want
	_, err = docs.Put(ctx, store.Item[function.Function]{ID: want.Name, Version: version, Value: want}, opts.By)
	return c, conflict("function "+want.Name, err)
}

// planned is a mapping of the file beside what the store has of it.
type planned struct {
	want    mapping.Mapping
	version int64
	change  Change
}

// plan compares every mapping with the store. Those that are new ask their cluster where
// they begin, all at once: one that does not answer must not hold the others up.
func (a Applier) plan(ctx context.Context, mappings []mapping.Mapping) ([]*planned, error) {
	var plans []*planned
	var asking sync.WaitGroup
	defer asking.Wait()
	for _, m := range mappings {
		p := &planned{want: m, change: Change{Kind: store.Mappings, Name: m.Name, UUID: m.UUID, Action: Create}}
		plans = append(plans, p)
		fresh, err := a.compare(ctx, p)
		if err != nil {
			return nil, err
		}
		if fresh {
			asking.Go(func() {
				p.change.Note = strings.TrimPrefix(p.change.Note+"; "+a.begin(ctx, &p.want), "; ")
			})
		}
	}
	return plans, nil
}

// compare takes over what the store knows; fresh says that the mapping begins anew.
func (a Applier) compare(ctx context.Context, p *planned) (fresh bool, err error) {
	have, version, err := store.MappingsOf(a.Store).Get(ctx, p.want.UUID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return true, nil
	case err != nil:
		return false, err
	case have.Deleting:
		return false, fmt.Errorf("mapping %s: %w; apply again in a moment", p.want.Name, ErrDeleting)
	}
	p.version, p.want.LastModified = version, have.LastModified
	fresh = !p.keepPositions(have)
	if have.HandedOver != nil && sameReader(have, p.want) && sameTopics(have, p.want) {
		p.want.Enabled, p.want.HandedOver = false, have.HandedOver
		p.change.Note = fmt.Sprintf("stays off: it was %s; gantry resume %s takes it back", have.HandedOver, p.want.Name)
	}
	p.change.Action, p.change.Fields = compare(have, p.want)
	p.change.Before = have
	return fresh, nil
}

func (a Applier) put(ctx context.Context, p *planned, opts Options) error {
	if p.change.Action == Unchanged || opts.DryRun {
		return nil
	}
	p.want.LastModified = a.Now().UTC()
	p.change.After = p.want
	_, err := store.MappingsOf(a.Store).Put(ctx, store.Item[mapping.Mapping]{ID: p.want.UUID, Version: p.version, Value: p.want}, opts.By)
	return conflict("mapping "+p.want.Name, err)
}

// keepPositions takes over where the mapping began in the topics that it reads still. It
// gives whether that is all of them: a topic that was added begins anew, and so does
// everything where the mapping reads by another group, or from somewhere else.
func (p *planned) keepPositions(have mapping.Mapping) (all bool) {
	if !sameReader(have, p.want) || have.Start != p.want.Start || !have.StartTime.Equal(p.want.StartTime) {
		return false
	}
	if sameTopics(have, p.want) {
		p.want.Positions, p.want.TopicIDs = have.Positions, have.TopicIDs
		return true
	}
	p.want.Positions, p.want.TopicIDs = map[string]map[int32]int64{}, map[string]string{}
	all = true
	for _, topic := range p.want.Source.Topics {
		if at, known := have.Positions[topic]; known {
			p.want.Positions[topic], p.want.TopicIDs[topic] = at, have.TopicIDs[topic]
		} else {
			all = false
		}
	}
	return all
}

// sameReader says that a mapping reads from the same cluster, by the same group.
func sameReader(have, want mapping.Mapping) bool {
	return have.GroupID == want.GroupID && have.Source.Cluster == want.Source.Cluster
}

// sameTopics says that a mapping reads the same topics, in whatever order they are named.
func sameTopics(have, want mapping.Mapping) bool {
	return slices.Equal(slices.Sorted(slices.Values(have.Source.Topics)), slices.Sorted(slices.Values(want.Source.Topics)))
}

// beginTimeout bounds how long a cluster may keep an owner waiting.
const beginTimeout = 15 * time.Second

// begin resolves the starting position now. A cluster that can't be reached is no
// reason to refuse a file: the engine resolves it before the first fetch, and says so.
func (a Applier) begin(ctx context.Context, m *mapping.Mapping) string {
	ctx, cancel := context.WithTimeout(ctx, beginTimeout)
	defer cancel()
	if err := a.Source.Resolve(ctx, m); err != nil {
		return "the starting position is resolved when the cluster can be reached: " + err.Error()
	}
	note, err := a.Source.Begins(ctx, *m)
	if err != nil {
		return "where it begins can't be told now: " + err.Error()
	}
	return note
}

// left deals with what was declared before and is not in the file.
func (a Applier) left(ctx context.Context, f *File, opts Options) ([]Change, error) {
	var changes []Change
	mappings, err := store.MappingsOf(a.Store).List(ctx)
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, item := range mappings {
		m := item.Value
		inFile := slices.ContainsFunc(f.Mappings, func(w mapping.Mapping) bool { return w.UUID == m.UUID })
		if inFile || !m.Declared || m.File != f.Name || m.Deleting {
			if !m.Deleting {
				use(used, m)
			}
			continue
		}
		c := Change{Kind: store.Mappings, Name: m.Name, UUID: m.UUID, Action: Pause, Note: "it is not in the file any more; --prune deletes it"}
		if opts.Prune {
			c.Action, c.Note, m.Deleting = Delete, "", true
		} else {
			use(used, m)
			if !m.Enabled {
				continue
			}
		}
		m.Enabled = false
		c.Before, c.After = item.Value, m
		changes = append(changes, c)
		if opts.DryRun {
			continue
		}
		_, err := store.MappingsOf(a.Store).Put(ctx, store.Item[mapping.Mapping]{ID: m.UUID, Version: item.Version, Value: m}, opts.By)
		if err := conflict("mapping "+m.Name, err); err != nil {
			return changes, err
		}
	}
	functions, err := a.leftFunctions(ctx, f, used, opts)
	return append(changes, functions...), err
}

func use(used map[string]bool, m mapping.Mapping) {
	for _, name := range m.Names() {
		used[name] = true
	}
}

func (a Applier) leftFunctions(ctx context.Context, f *File, used map[string]bool, opts Options) ([]Change, error) {
	var changes []Change
	items, err := store.FunctionsOf(a.Store).List(ctx)
	if err != nil || !opts.Prune {
		return nil, err
	}
	for _, item := range items {
		inFile := slices.ContainsFunc(f.Functions, func(w function.Function) bool { return w.Name == item.ID })
		if inFile || !item.Value.Declared || item.Value.File != f.Name {
			continue
		}
		c := Change{Kind: store.Functions, Name: item.ID, Action: Delete, Before: item.Value}
		if used[item.ID] {
			c.Action, c.Note = Keep, "a mapping uses it"
		} else if !opts.DryRun {
			if err := store.FunctionsOf(a.Store).Delete(ctx, item.ID, item.Version, opts.By); err != nil {
				return changes, conflict("function "+item.ID, err)
			}
		}
		changes = append(changes, c)
	}
	return changes, nil
}

func conflict(what string, err error) error {
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("apply %s: %w; apply again", what, err)
	}
	return err
}

// compare names the fields in which two values differ.
func compare[T any](have, want T) (Action, []string) {
	var fields []string
	h, w := reflect.ValueOf(have), reflect.ValueOf(want)
	for i := range h.NumField() {
		if !same(h.Field(i), w.Field(i)) {
			name := h.Type().Field(i).Name
			fields = append(fields, strings.ToLower(name[:1])+name[1:])
		}
	}
	if len(fields) == 0 {
		return Unchanged, nil
	}
	return Update, fields
}

// same compares as the store sees it: an empty map or list is none.
func same(a, b reflect.Value) bool {
	if k := a.Kind(); (k == reflect.Map || k == reflect.Slice) && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	if t, ok := a.Interface().(time.Time); ok {
		return t.Equal(b.Interface().(time.Time))
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}
