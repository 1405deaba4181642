package lambda

import (
	"context"
	"net/http"
)

type listVersionsInput struct {
	oneFunctionInput
	page page
}

type listVersionsOutput struct {
	Versions   []*functionShape `json:"Versions"`
	NextMarker *string          `json:"NextMarker,omitempty"`
}

func (o *listVersionsOutput) hide() {
	for _, f := range o.Versions {
		f.hide()
	}
}

func (in *listVersionsInput) read(r *http.Request) {
	in.oneFunctionInput.read(r)
	in.page.read(r)
}

func (in *listVersionsInput) check(ctx context.Context, s *Server, f *faults) error {
	in.page.faults(f)
	return in.oneFunctionInput.check(ctx, s, f)
}

// listVersionsByFunction gives the one version there is.
func (s *Server) listVersionsByFunction(_ context.Context, in *listVersionsInput) (*listVersionsOutput, error) {
	versions, next := cut([]*functionShape{s.versionShape(&in.current)},
		func(f *functionShape) string { return f.Version }, in.page, functionsPerPage)
	return &listVersionsOutput{Versions: versions, NextMarker: next}, nil
}
