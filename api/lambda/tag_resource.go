package lambda

import (
	"context"
	"errors"
	"maps"
	"net/http"

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
	return in.tagTarget.check(ctx, s, f)
}

// tagResource adds tags and replaces those that are there.
func (s *Server) tagResource(ctx context.Context, in *tagInput) (noContent, error) {
	return noContent{}, s.retag(ctx, "TagResource", in.resource, func(tags map[string]string) {
		maps.Copy(tags, in.Tags)
	})
}

// retag changes the tags of a function or a mapping. The number of tags is checked
// after the change, on what would be stored.
func (s *Server) retag(ctx context.Context, operation string, of taggedResource, edit func(map[string]string)) error {
	edited := func(old map[string]string) (map[string]string, error) {
		tags := maps.Clone(old)
		if tags == nil {
			tags = map[string]string{}
		}
		edit(tags)
		found := &faults{}
		tooManyTags(tags, found)
		return tags, found.err()
	}
	var before, after map[string]string
	change := func(tags *map[string]string) (err error) {
		before = *tags
		after, err = edited(*tags)
		*tags = after
		return err
	}
	c := changed{operation: operation, kind: store.Functions, id: of.function}
	var err error
	if of.mapping != "" {
		c.kind, c.id = store.Mappings, of.mapping
		_, _, err = s.mappings().Change(ctx, c.id, s.write(ctx, operation), func(m *mapping.Mapping) error { return change(&m.Tags) })
	} else {
		_, _, err = s.functions().Change(ctx, c.id, s.write(ctx, operation), func(f *function.Function) error { return change(&f.Tags) })
	}
	if err != nil {
		return s.untagged(err, of)
	}
	c.before, c.after = map[string]any{"Tags": before}, map[string]any{"Tags": after}
	s.audit(ctx, c)
	return nil
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
