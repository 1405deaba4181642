package lambda

import (
	"context"
	"errors"

	"gantry/function"
	"gantry/store"
)

// consumerFaults checks that a function can stand behind a mapping: it is there, and it
// ends within the time a batch may take.
func (s *Server) consumerFaults(ctx context.Context, ref functionRef, f *faults) error {
	if ref.elsewhere {
		f.refuse("Function does not exist")
		return nil
	}
	fn, _, err := s.functions().Get(ctx, ref.name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		f.refuse("Function does not exist")
	case err != nil:
		return err
	case fn.Timeout > function.MaxTimeout:
		f.refuse("FunctionName: the timeout of %s is %s; a function behind a Kafka event source may take at most %s. "+
			"Lower it with UpdateFunctionConfiguration.", ref.name, fn.Timeout, function.MaxTimeout)
	}
	return nil
}
