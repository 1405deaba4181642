package lambda

import (
	"context"
	"encoding/json"

	"gantry/function"
)

type getPolicyOutput struct {
	Policy     string `json:"Policy"`
	RevisionID string `json:"RevisionId"`
}

// getPolicy shows the statements that AddPermission stored; AWS has no policy where
// there is none.
func (s *Server) getPolicy(_ context.Context, in *oneFunctionInput) (*getPolicyOutput, error) {
	if len(in.current.Policy) == 0 {
		return nil, notFound("The resource you requested does not exist.")
	}
	text, err := s.policyOf(&in.current)
	return &getPolicyOutput{string(text), in.current.RevisionID}, err
}

func (s *Server) policyOf(fn *function.Function) ([]byte, error) {
	statements := make([]statement, len(fn.Policy))
	for i, p := range fn.Policy {
		statements[i] = s.statementOf(fn.Name, p)
	}
	return json.Marshal(struct {
		Version   string      `json:"Version"`
		ID        string      `json:"Id"`
		Statement []statement `json:"Statement"`
	}{"2012-10-17", "default", statements})
}
