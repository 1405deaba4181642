package lambda

import (
	"context"
	"net/http"
	"slices"
	"time"

	"gantry/function"
)

type updateConfigurationInput struct {
	oneFunctionInput
	functionOptions
	RevisionID *string `json:"RevisionId"`
}

func (in *updateConfigurationInput) read(r *http.Request) { in.oneFunctionInput.read(r) }

func (in *updateConfigurationInput) check(ctx context.Context, s *Server, f *faults) error {
	ref := s.functionNamed(in.text, &faults{}) // its faults come from the check below
	in.functionOptions.faults(ref.name, f)
	if err := in.oneFunctionInput.check(ctx, s, f); err != nil || f.err() != nil {
		return err
	}
	if in.current.Kind == function.Process && in.Handler != nil && *in.Handler == "" {
		f.refuse("Handler: a function with a deployment package needs one")
	}
	if in.current.Kind != function.Process && (in.Runtime != nil || in.Handler != nil || in.Environment != nil) {
		f.refuse("%s runs %s: Runtime, Handler and Environment do not apply to it", in.current.Name, whereItRuns(in.current.Kind))
	}
	if err := in.timeoutFaults(ctx, s, f); err != nil {
		return err
	}
	return in.revisionFault(in.RevisionID)
}

// timeoutFaults keeps a function that stands behind a mapping within the time a batch
// may take.
func (in *updateConfigurationInput) timeoutFaults(ctx context.Context, s *Server, f *faults) error {
	if in.Timeout == nil || time.Duration(*in.Timeout)*time.Second <= function.MaxTimeout {
		return nil
	}
	mappings, err := s.mappings().List(ctx)
	if err != nil {
		return err
	}
	for i := range mappings {
		if m := &mappings[i].Value; slices.Contains(functionsOf(m), in.current.Name) {
			f.refuse("Timeout: %d is more than the %d s of a function behind a Kafka event source (event source mapping %s)",
				*in.Timeout, int(function.MaxTimeout/time.Second), m.UUID)
		}
	}
	return nil
}

func (s *Server) updateFunctionConfiguration(ctx context.Context, in *updateConfigurationInput) (*functionShape, error) {
	next := in.current
	in.putInto(&next)
	return s.revise(ctx, "UpdateFunctionConfiguration", &in.oneFunctionInput, next)
}
