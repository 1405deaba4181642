package lambda

import "context"

// updateFunctionEventInvokeConfig changes what is given and leaves the rest.
func (s *Server) updateFunctionEventInvokeConfig(ctx context.Context, in *eventInvokeInput) (*eventInvokeShape, error) {
	next := in.current
	if next.Async == nil {
		return nil, s.noEventInvokeConfig(&next)
	}
	next.Async = in.over(*next.Async, s.cfg.Now())
	if _, err := s.replace(ctx, "UpdateFunctionEventInvokeConfig", &in.oneFunctionInput, next); err != nil {
		return nil, err
	}
	return s.eventInvokeShape(&next), nil
}
