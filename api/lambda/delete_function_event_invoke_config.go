package lambda

import "context"

// deleteFunctionEventInvokeConfig leaves what waits to AWS's defaults.
func (s *Server) deleteFunctionEventInvokeConfig(ctx context.Context, in *oneFunctionInput) (noContent, error) {
	next := in.current
	if next.Async == nil {
		return noContent{}, s.noEventInvokeConfig(&next)
	}
	next.Async = nil
	_, err := s.replace(ctx, "DeleteFunctionEventInvokeConfig", in, next)
	return noContent{}, err
}
