package lambda

import (
	"context"

	"gantry/store"
)

// deleteFunction removes a function and the events that wait for it, also one that mappings invoke, as AWS does: their
// batches then wait and their LastProcessingResult says why. Nothing of the topic is
// lost by it.
func (s *Server) deleteFunction(ctx context.Context, in *oneFunctionInput) (noContent, error) {
	const operation = "DeleteFunction"
	if err := s.functions().Delete(ctx, in.current.Name, in.version, s.write(ctx, operation)); err != nil {
		return noContent{}, err
	}
	s.audit(ctx, changed{operation: operation, kind: store.Functions, id: in.current.Name, before: in.current})
	return noContent{}, s.cfg.Engine.DropEvents(ctx, in.current.Name)
}
