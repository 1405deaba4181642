package lambda

import "context"

type eventInvokeList struct {
	FunctionEventInvokeConfigs []*eventInvokeShape `json:"FunctionEventInvokeConfigs"`
}

// listFunctionEventInvokeConfigs has at most one: there are no versions and aliases.
func (s *Server) listFunctionEventInvokeConfigs(_ context.Context, in *oneFunctionInput) (*eventInvokeList, error) {
	out := &eventInvokeList{FunctionEventInvokeConfigs: []*eventInvokeShape{}}
	if in.current.Async != nil {
		out.FunctionEventInvokeConfigs = append(out.FunctionEventInvokeConfigs, s.eventInvokeShape(&in.current))
	}
	return out, nil
}
