package lambda

import "context"

func (s *Server) deleteFunctionConcurrency(ctx context.Context, in *oneFunctionInput) (noContent, error) {
	next := in.current
	next.Concurrency = nil
	_, err := s.replace(ctx, "DeleteFunctionConcurrency", in, next)
	return noContent{}, err
}
