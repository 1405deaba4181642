package lambda

import (
	"context"

	"gantry/mapping"
	"gantry/store"
)

// deleteEventSourceMapping marks a mapping as deleted. The engine stops what runs of it
// and then removes it from the store: until then it is shown as Deleting.
func (s *Server) deleteEventSourceMapping(ctx context.Context, in *oneMapping) (accepted[*mappingShape], error) {
	const operation = "DeleteEventSourceMapping"
	status := s.statusOf(&in.current, in.version)
	if status.State == mapping.Updating {
		return accepted[*mappingShape]{}, inUse("Event source mapping %s is %s and can not be deleted now. "+
			"Wait until the update has ended, then repeat the operation.", in.uuid, status.State)
	}
	if err := mayMove(in.uuid, status.State, mapping.Deleting); err != nil {
		return accepted[*mappingShape]{}, err
	}
	gone := in.current
	gone.Deleting = true
	gone.LastModified = s.cfg.Now()
	item := store.Item[mapping.Mapping]{ID: in.uuid, Version: in.version, Value: gone}
	if _, err := s.mappings().Put(ctx, item, s.write(ctx, operation)); err != nil {
		return accepted[*mappingShape]{}, err
	}
	s.audit(ctx, changed{operation: operation, kind: store.Mappings, id: in.uuid, before: in.current})
	status.State = mapping.Deleting
	return accepted[*mappingShape]{s.shapeOf(&gone, status)}, nil
}
