package lambda

import "context"

type runtimeManagementOutput struct {
	FunctionArn     string `json:"FunctionArn"`
	UpdateRuntimeOn string `json:"UpdateRuntimeOn"`
}

// getRuntimeManagementConfig answers AWS's default: a runtime here is the host's
// interpreter, which changes when its owner updates it.
func (s *Server) getRuntimeManagementConfig(_ context.Context, in *oneFunctionInput) (*runtimeManagementOutput, error) {
	return &runtimeManagementOutput{FunctionArn: s.functionARN(in.current.Name, latest), UpdateRuntimeOn: "Auto"}, nil
}
