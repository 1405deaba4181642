package lambda

import (
	"context"
	"math"
	"net/http"
)

type concurrency struct {
	ReservedConcurrentExecutions *int `json:"ReservedConcurrentExecutions,omitempty"`
}

type putConcurrencyInput struct {
	oneFunctionInput
	concurrency
}

func (in *putConcurrencyInput) read(r *http.Request) { in.oneFunctionInput.read(r) }

func (in *putConcurrencyInput) check(ctx context.Context, s *Server, f *faults) error {
	if in.ReservedConcurrentExecutions == nil {
		f.missing("reservedConcurrentExecutions")
	}
	f.number("reservedConcurrentExecutions", in.ReservedConcurrentExecutions, 0, math.MaxInt32)
	return in.oneFunctionInput.check(ctx, s, f)
}

func (s *Server) putFunctionConcurrency(ctx context.Context, in *putConcurrencyInput) (*concurrency, error) {
	next := in.current
	next.Concurrency = in.ReservedConcurrentExecutions
	if _, err := s.replace(ctx, "PutFunctionConcurrency", &in.oneFunctionInput, next); err != nil {
		return nil, err
	}
	return &in.concurrency, nil
}
