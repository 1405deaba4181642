package lambda

import (
	"context"

	"gantry/function"
)

// putFunctionEventInvokeConfig replaces the whole configuration: what is not given is
// AWS's default.
func (s *Server) putFunctionEventInvokeConfig(ctx context.Context, in *eventInvokeInput) (*eventInvokeShape, error) {
	next := in.current
	next.Async = in.over(function.Asynchronous{}, s.cfg.Now())
	if _, err := s.replace(ctx, "PutFunctionEventInvokeConfig", &in.oneFunctionInput, next); err != nil {
		return nil, err
	}
	return s.eventInvokeShape(&next), nil
}
