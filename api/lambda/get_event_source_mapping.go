package lambda

import (
	"context"
	"errors"
	"net/http"

	"gantry/mapping"
	"gantry/store"
)

// oneMapping is the input of every operation on a mapping that exists. Its check finds
// the mapping, so that the operation can begin with it.
type oneMapping struct {
	uuid    string
	current mapping.Mapping
	version int64
}

func (in *oneMapping) read(r *http.Request) { in.uuid = r.PathValue("UUID") }

func (in *oneMapping) check(ctx context.Context, s *Server, f *faults) error {
	f.text("uUID", &in.uuid, length(36, 36))
	if len(in.uuid) != 36 {
		return nil
	}
	var err error
	in.current, in.version, err = s.mappings().Get(ctx, in.uuid)
	if errors.Is(err, store.ErrNotFound) {
		return notFound("The resource you requested does not exist.")
	}
	return err
}

func (s *Server) getEventSourceMapping(_ context.Context, in *oneMapping) (*mappingShape, error) {
	return s.shapeOf(&in.current, s.statusOf(&in.current, in.version)), nil
}
