package lambda

import (
	"context"
	"net/http"

	"gantry/function"
	"gantry/store"
)

// functionsPerPage is the most AWS gives in one answer, whatever is asked for.
const functionsPerPage = 50

type listFunctionsInput struct {
	page
	version string
}

type listFunctionsOutput struct {
	Functions  []*functionShape `json:"Functions"`
	NextMarker *string          `json:"NextMarker,omitempty"`
}

func (o *listFunctionsOutput) hide() {
	for _, f := range o.Functions {
		f.hide()
	}
}

func (in *listFunctionsInput) read(r *http.Request) {
	in.page.read(r)
	in.version = r.URL.Query().Get("FunctionVersion")
}

func (in *listFunctionsInput) check(_ context.Context, _ *Server, f *faults) error {
	in.page.faults(f)
	if in.version != "" {
		f.text("functionVersion", &in.version, oneOf("ALL"))
	}
	return nil
}

func (s *Server) listFunctions(ctx context.Context, in *listFunctionsInput) (*listFunctionsOutput, error) {
	all, err := s.functions().List(ctx)
	if err != nil {
		return nil, err
	}
	show := s.functionShape
	if in.version != "" {
		show = s.versionShape
	}
	items, next := cut(all, func(i store.Item[function.Function]) string { return i.ID }, in.page, functionsPerPage)
	out := &listFunctionsOutput{Functions: []*functionShape{}, NextMarker: next}
	for i := range items {
		out.Functions = append(out.Functions, show(&items[i].Value))
	}
	return out, nil
}
