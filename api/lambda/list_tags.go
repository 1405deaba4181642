package lambda

import (
	"context"
	"maps"
	"strings"

	"gantry/mapping"
)

type listTagsOutput struct {
	Tags map[string]string `json:"Tags"`
}

func (s *Server) listTags(ctx context.Context, in *tagTarget) (*listTagsOutput, error) {
	tags, err := s.tagsOf(ctx, in.resource)
	if err != nil {
		return nil, s.untagged(err, in.resource)
	}
	if tags == nil {
		tags = map[string]string{}
	}
	return &listTagsOutput{Tags: tags}, nil
}

// seenTags are a mapping's tags, with one that nobody can set where it has several functions:
// it names them.
func seenTags(m *mapping.Mapping) map[string]string {
	if !m.Several() {
		return m.Tags
	}
	tags := maps.Clone(m.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[mapping.FunctionsTag] = strings.Join(m.Names(), " ")
	return tags
}

func (s *Server) tagsOf(ctx context.Context, of taggedResource) (map[string]string, error) {
	if of.mapping != "" {
		m, _, err := s.mappings().Get(ctx, of.mapping)
		return seenTags(&m), err
	}
	f, _, err := s.functions().Get(ctx, of.function)
	return f.Tags, err
}
