package lambda

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/http"
	"slices"

	"gantry/function"
	"gantry/mapping"
	"gantry/store"
)

// tagTarget is a thing with tags, as a path names it.
type tagTarget struct {
	arn      string
	resource taggedResource
}

func (in *tagTarget) read(r *http.Request) { in.arn = r.PathValue("Resource") }

func (in *tagTarget) check(_ context.Context, s *Server, f *faults) error {
	in.resource = s.resourceOf(in.arn, f)
	if in.resource == (taggedResource{}) {
		return notFound("The resource you requested does not exist: %s", shorten(in.arn))
	}
	return nil
}

type tagInput struct {
	tagTarget
	Tags map[string]string `json:"Tags"`
}

func (in *tagInput) check(ctx context.Context, s *Server, f *faults) error {
	if in.Tags == nil {
		f.missing("tags")
	}
	tagFaults(in.Tags, f)
	err := in.tagTarget.check(ctx, s, f)
	in.resource.optionFaults(maps.Keys(in.Tags), f)
	return err
}

// optionFaults refuses keys that are kept for options and are none of the resource's. What
// options say is checked where the tags meet those that are there.
func (of taggedResource) optionFaults(keys iter.Seq[string], f *faults) {
	if of.mapping == "" {
		functionTagFaults(keys, f)
		return
	}
	for _, key := range slices.Sorted(keys) {
		if err := mapping.UnknownOption(key); err != nil {
			f.refuse("Tags: %v", err)
		}
	}
}

// tagResource adds tags and replaces those that are there.
func (s *Server) tagResource(ctx context.Context, in *tagInput) (noContent, error) {
	return noContent{}, s.retag(ctx, "TagResource", in.resource, func(tags map[string]string) {
		maps.Copy(tags, in.Tags)
	})
}

// retag changes the tags of a function or a mapping. Their number, and what they say as
// options, is checked after the change, on what would be stored.
func (s *Server) retag(ctx context.Context, operation string, of taggedResource, edit func(map[string]string)) error {
	var before, after map[string]string
	edited := func(old map[string]string, take func(map[string]string, *faults)) error {
		before, after = old, maps.Clone(old)
		if after == nil {
			after = map[string]string{}
		}
		edit(after)
		found := &faults{}
		tooManyTags(after, found)
		take(after, found)
		return found.err()
	}
	c := changed{operation: operation, kind: store.Functions, id: of.function}
	var err error
	if of.mapping != "" {
		c.kind, c.id = store.Mappings, of.mapping
		_, _, err = s.mappings().Change(ctx, c.id, s.write(ctx, operation), func(m *mapping.Mapping) error {
			return edited(m.Tags, func(tags map[string]string, f *faults) { s.retagMapping(m, tags, f) })
		})
	} else {
		_, _, err = s.functions().Change(ctx, c.id, s.write(ctx, operation), func(fn *function.Function) error {
			return edited(fn.Tags, func(tags map[string]string, _ *faults) { fn.Tags = tags })
		})
	}
	if err != nil {
		return s.untagged(err, of)
	}
	c.before, c.after = map[string]any{"Tags": before}, map[string]any{"Tags": after}
	s.audit(ctx, c)
	return nil
}

// retagMapping makes true what the tags of a mapping say as its options: such a change is
// an update.
func (s *Server) retagMapping(m *mapping.Mapping, tags map[string]string, f *faults) {
	if !mapping.SameOptions(m.Tags, tags) {
		m.LastModified = s.cfg.Now()
	}
	for _, err := range m.Retag(tags) {
		f.refuse("Tags: %v", err)
	}
}

// untagged gives the error of a resource that is not there AWS's text.
func (s *Server) untagged(err error, of taggedResource) error {
	switch {
	case !errors.Is(err, store.ErrNotFound):
		return err
	case of.function != "":
		return notFound("Function not found: %s", s.functionARN(of.function, ""))
	}
	return notFound("The resource you requested does not exist.")
}
