package lambda

import (
	"context"
	"net/http"

	"gantry/function"
)

type updateCodeInput struct {
	oneFunctionInput
	elsewhereCode
	ZipFile       []byte    `json:"ZipFile"`
	Architectures *[]string `json:"Architectures"`
	DryRun        bool      `json:"DryRun"`
	RevisionID    *string   `json:"RevisionId"`
}

func (in *updateCodeInput) read(r *http.Request) { in.oneFunctionInput.read(r) }

func (in *updateCodeInput) check(ctx context.Context, s *Server, f *faults) error {
	architectureFaults(in.Architectures, f)
	switch {
	case in.elsewhereCode.named():
	case len(in.ZipFile) == 0:
		f.refuse("Please provide a source for function code.")
	default:
		s.zipFaults(in.ZipFile, f)
	}
	if err := in.oneFunctionInput.check(ctx, s, f); err != nil {
		return err
	}
	if f.err() == nil && in.current.Kind != function.Process {
		f.refuse("%s runs %s: it has no code here", in.current.Name, whereItRuns(in.current.Kind))
	}
	return in.revisionFault(in.RevisionID)
}

// revisionFault refuses a change of another revision than the caller has seen.
func (in *oneFunctionInput) revisionFault(revision *string) error {
	if revision == nil || *revision == in.current.RevisionID {
		return nil
	}
	return &apiError{exception: "PreconditionFailedException", message: "The Revision Id provided does not match the latest Revision Id. " +
		"Call the GetFunction/GetAlias API to retrieve the latest Revision Id"}
}

func whereItRuns(kind function.Kind) string {
	switch kind {
	case function.Lambda:
		return "in AWS"
	case function.HTTP:
		return "behind HTTP"
	case function.InProcess:
		return "inside gantry"
	}
	return "as a process"
}

func (s *Server) updateFunctionCode(ctx context.Context, in *updateCodeInput) (*functionShape, error) {
	next := in.current
	set(&next.Architectures, in.Architectures)
	if in.DryRun {
		return s.functionShape(&next), nil
	}
	code, err := s.cfg.Code.Save(ctx, in.ZipFile)
	if err != nil {
		return nil, err
	}
	next.Code = code
	return s.revise(ctx, "UpdateFunctionCode", &in.oneFunctionInput, next)
}
