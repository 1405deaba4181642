package lambda

import "context"

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

func (s *Server) tagsOf(ctx context.Context, of taggedResource) (map[string]string, error) {
	if of.mapping != "" {
		m, _, err := s.mappings().Get(ctx, of.mapping)
		return m.Tags, err
	}
	f, _, err := s.functions().Get(ctx, of.function)
	return f.Tags, err
}
