package lambda

import (
	"context"
	"errors"
	"maps"
	"strings"

	"gantry/function"
	"gantry/store"
)

type createFunctionInput struct {
	functionOptions
	FunctionName *string `json:"FunctionName"`
	Code         *struct {
		ZipFile []byte `json:"ZipFile"`
		elsewhereCode
	} `json:"Code"`
	Architectures *[]string         `json:"Architectures"`
	Tags          map[string]string `json:"Tags"`

	ref functionRef
}

// elsewhereCode are the places code could come from and does not yet; the door refuses
// them by name, so that nothing is said here about code that is missing.
type elsewhereCode struct {
	S3Bucket *string `json:"S3Bucket"`
	ImageURI *string `json:"ImageUri"`
}

func (c elsewhereCode) named() bool { return c.S3Bucket != nil || c.ImageURI != nil }

func (in *createFunctionInput) check(_ context.Context, s *Server, f *faults) error {
	if in.FunctionName == nil {
		f.missing("functionName")
	} else {
		in.ref = s.functionNamed(*in.FunctionName, f)
		in.nameFaults(s, f)
	}
	if in.Role == nil {
		f.missing("role")
	}
	in.functionOptions.faults(in.ref.name, f)
	in.codeFaults(s, f)
	architectureFaults(in.Architectures, f)
	tagFaults(in.Tags, f)
	functionTagFaults(maps.Keys(in.Tags), f)
	return nil
}

func (in *createFunctionInput) nameFaults(s *Server, f *faults) {
	if in.ref.name != "" && len(in.ref.name) <= function.MaxFunctionNameLen && !function.NamePattern.MatchString(in.ref.name) {
		f.breaks("functionName", in.ref.name, "Member must satisfy regular expression pattern: [a-zA-Z0-9-_]{1,64}")
	}
	if in.ref.elsewhere {
		f.refuse("FunctionName: %s is in another account or region than %s", *in.FunctionName, s.functionARN(in.ref.name, ""))
	}
}

func (in *createFunctionInput) codeFaults(s *Server, f *faults) {
	if in.Code == nil {
		f.missing("code")
		return
	}
	if in.Code.elsewhereCode.named() {
		return
	}
	if len(in.Code.ZipFile) == 0 {
		f.refuse("Please provide a source for function code.")
		return
	}
	if in.Runtime == nil || in.Handler == nil || *in.Handler == "" {
		f.refuse("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	s.zipFaults(in.Code.ZipFile, f)
}

// createFunction stores the code first and the function after it: a function whose code
// is missing can't be seen.
func (s *Server) createFunction(ctx context.Context, in *createFunctionInput) (created[*functionShape], error) {
	const operation = "CreateFunction"
	exists := conflict("Function already exist: %s", in.ref.name)
	if _, _, err := s.functions().Get(ctx, in.ref.name); !errors.Is(err, store.ErrNotFound) {
		return created[*functionShape]{}, orError(err, exists)
	}
	code, err := s.cfg.Code.Save(ctx, in.Code.ZipFile)
	if err != nil {
		return created[*functionShape]{}, err
	}
	fn := s.newFunction(in, code)
	item := store.Item[function.Function]{ID: fn.Name, Value: *fn}
	_, err = s.functions().Put(ctx, item, s.write(ctx, operation))
	if errors.Is(err, store.ErrConflict) {
		return created[*functionShape]{}, exists
	}
	if err != nil {
		return created[*functionShape]{}, err
	}
	s.audit(ctx, changed{operation: operation, kind: store.Functions, id: fn.Name, after: *fn})
	return created[*functionShape]{s.functionShape(fn), s.notes(fn)}, nil
}

// notes says how a function runs here. AWS's answer has no member for it, so it goes into
// the log and a header.
func (s *Server) notes(fn *function.Function) string {
	if s.cfg.Notes == nil {
		return ""
	}
	text := strings.Join(s.cfg.Notes(*fn), "; ")
	if text != "" {
		s.cfg.Log.Info("function created", "function", fn.Name, "note", text)
	}
	return text
}

func orError(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func (s *Server) newFunction(in *createFunctionInput, code function.Code) *function.Function {
	fn := &function.Function{
		Name: in.ref.name, Kind: function.Process, Code: code, Timeout: function.DefaultTimeout,
		Memory: function.DefaultMemory, Architectures: []string{defaultArchitecture}, Tags: in.Tags,
		RevisionID: s.cfg.NewID(), LastModified: s.cfg.Now(),
	}
	set(&fn.Architectures, in.Architectures)
	in.putInto(fn)
	return fn
}
