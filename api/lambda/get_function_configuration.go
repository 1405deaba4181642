package lambda

import "context"

func (s *Server) getFunctionConfiguration(_ context.Context, in *oneFunctionInput) (*functionShape, error) {
	return in.shown(s), nil
}
