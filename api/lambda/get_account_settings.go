package lambda

import "context"

type accountSettings struct {
	AccountLimit struct {
		TotalCodeSize                  int64 `json:"TotalCodeSize"`
		CodeSizeUnzipped               int64 `json:"CodeSizeUnzipped"`
		CodeSizeZipped                 int64 `json:"CodeSizeZipped"`
		ConcurrentExecutions           int   `json:"ConcurrentExecutions"`
		UnreservedConcurrentExecutions int   `json:"UnreservedConcurrentExecutions"`
	} `json:"AccountLimit"`
	AccountUsage struct {
		TotalCodeSize int64 `json:"TotalCodeSize"`
		FunctionCount int64 `json:"FunctionCount"`
	} `json:"AccountUsage"`
}

// AWS's defaults of an account. gantry holds nobody to them: what limits it is the
// machine, and each function's own concurrency.
const (
	accountCodeSize    = 80_530_636_800
	accountConcurrency = 1000
)

type noInput struct{}

func (s *Server) getAccountSettings(ctx context.Context, _ *noInput) (*accountSettings, error) {
	functions, err := s.functions().List(ctx)
	if err != nil {
		return nil, err
	}
	out := &accountSettings{}
	out.AccountLimit.TotalCodeSize, out.AccountLimit.CodeSizeUnzipped, out.AccountLimit.CodeSizeZipped = accountCodeSize, maxUnzipped, maxZip
	out.AccountLimit.ConcurrentExecutions = accountConcurrency
	out.AccountLimit.UnreservedConcurrentExecutions = accountConcurrency
	for i := range functions {
		f := &functions[i].Value
		out.AccountUsage.FunctionCount++
		out.AccountUsage.TotalCodeSize += f.Code.Size
		if f.Concurrency != nil {
			out.AccountLimit.UnreservedConcurrentExecutions -= *f.Concurrency
		}
	}
	out.AccountLimit.UnreservedConcurrentExecutions = max(0, out.AccountLimit.UnreservedConcurrentExecutions)
	return out, nil
}
