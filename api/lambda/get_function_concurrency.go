package lambda

import "context"

// getFunctionConcurrency answers {} for a function without a reservation, as AWS does.
func (s *Server) getFunctionConcurrency(_ context.Context, in *oneFunctionInput) (*concurrency, error) {
	return &concurrency{in.current.Concurrency}, nil
}
