package lambda

import (
	"context"
	"net/http"
	"slices"
)

type untagInput struct {
	tagTarget
	keys []string
}

func (in *untagInput) read(r *http.Request) {
	in.tagTarget.read(r)
	in.keys = r.URL.Query()["tagKeys"]
}

func (in *untagInput) check(ctx context.Context, s *Server, f *faults) error {
	if len(in.keys) == 0 {
		f.missing("tagKeys")
	}
	err := in.tagTarget.check(ctx, s, f)
	in.resource.optionFaults(slices.Values(in.keys), f)
	return err
}

// untagResource removes tags; keys that are not there are no error.
func (s *Server) untagResource(ctx context.Context, in *untagInput) (noContent, error) {
	return noContent{}, s.retag(ctx, "UntagResource", in.resource, func(tags map[string]string) {
		for _, key := range in.keys {
			delete(tags, key)
		}
	})
}
