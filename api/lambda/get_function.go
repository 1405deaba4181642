package lambda

import (
	"context"
	"errors"
	"net/http"

	"gantry/function"
	"gantry/store"
)

// oneFunctionInput is the input of every operation on a function that exists. Its check
// finds the function, so that the operation can begin with it.
type oneFunctionInput struct {
	text      string
	qualifier string
	ref       functionRef
	current   function.Function
	version   int64
}

func (in *oneFunctionInput) read(r *http.Request) {
	in.text, in.qualifier = r.PathValue("FunctionName"), r.URL.Query().Get("Qualifier")
}

func (in *oneFunctionInput) check(ctx context.Context, s *Server, f *faults) error {
	in.ref = s.functionNamed(in.text, f)
	refuseQualifier("Qualifier", in.qualifier, f)
	if in.qualifier != "" && in.ref.qualifier != "" && in.qualifier != in.ref.qualifier {
		f.refuse("The derived qualifier from the function name does not match the specified qualifier.")
	}
	if f.err() != nil {
		return nil //nolint:nilerr // the caller tells the faults
	}
	arn := s.functionARN(in.ref.name, orElse(in.ref.qualifier, in.qualifier))
	if in.ref.elsewhere {
		return notFound("Function not found: %s (this is account %s in %s)", in.text, s.cfg.AccountID, s.cfg.Region)
	}
	var err error
	in.current, in.version, err = s.functions().Get(ctx, in.ref.name)
	if errors.Is(err, store.ErrNotFound) {
		return notFound("Function not found: %s", arn)
	}
	return err
}

// shown is the function with the ARN that the request asked for.
func (in *oneFunctionInput) shown(s *Server) *functionShape {
	if in.qualifier != "" || in.ref.qualifier != "" {
		return s.versionShape(&in.current)
	}
	return s.functionShape(&in.current)
}

type getFunctionOutput struct {
	Configuration *functionShape    `json:"Configuration"`
	Code          codeLocation      `json:"Code"`
	Tags          map[string]string `json:"Tags,omitempty"`
	Concurrency   *concurrency      `json:"Concurrency,omitempty"`
}

// hide leaves out the code as well: secrets are found in code.
func (o *getFunctionOutput) hide() {
	o.Configuration.hide()
	o.Code.Location = ""
}

func (s *Server) getFunction(ctx context.Context, in *oneFunctionInput) (*getFunctionOutput, error) {
	out := &getFunctionOutput{
		Configuration: in.shown(s), Code: s.codeLocation(callOf(ctx), &in.current), Tags: in.current.Tags,
	}
	if in.current.Concurrency != nil {
		out.Concurrency = &concurrency{in.current.Concurrency}
	}
	return out, nil
}

// revise stores a function over the one the request found, under a new revision.
func (s *Server) revise(ctx context.Context, operation string, in *oneFunctionInput, next function.Function) (*functionShape, error) {
	next.RevisionID, next.LastModified = s.cfg.NewID(), s.cfg.Now()
	return s.replace(ctx, operation, in, next)
}

// replace stores a function over the one the request found. The revision stays: what a
// running process was made of has not changed.
func (s *Server) replace(ctx context.Context, operation string, in *oneFunctionInput, next function.Function) (*functionShape, error) {
	item := store.Item[function.Function]{ID: next.Name, Version: in.version, Value: next}
	if _, err := s.functions().Put(ctx, item, s.write(ctx, operation)); err != nil {
		return nil, err
	}
	s.audit(ctx, changed{operation: operation, kind: store.Functions, id: next.Name,
		before: in.current, after: next})
	return s.functionShape(&next), nil
}
