package lambda

import "context"

func (s *Server) getFunctionEventInvokeConfig(_ context.Context, in *oneFunctionInput) (*eventInvokeShape, error) {
	if in.current.Async == nil {
		return nil, s.noEventInvokeConfig(&in.current)
	}
	return s.eventInvokeShape(&in.current), nil
}
