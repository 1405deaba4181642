package lambda

import (
	"context"
	"net/http"
	"slices"

	"gantry/mapping"
	"gantry/store"
)

// mappingsPerPage is the most AWS gives in one answer, whatever is asked for.
const mappingsPerPage = 100

type listMappingsInput struct {
	page
	eventSourceARN string
	functionName   string

	function functionRef
}

type listMappingsOutput struct {
	EventSourceMappings []*mappingShape `json:"EventSourceMappings"`
	NextMarker          *string         `json:"NextMarker,omitempty"`
}

func (in *listMappingsInput) read(r *http.Request) {
	in.page.read(r)
	in.eventSourceARN = r.URL.Query().Get("EventSourceArn")
	in.functionName = r.URL.Query().Get("FunctionName")
}

func (in *listMappingsInput) check(_ context.Context, s *Server, f *faults) error {
	in.page.faults(f)
	if in.eventSourceARN != "" {
		f.text("eventSourceArn", &in.eventSourceARN, length(0, 10_000), pattern(sourceARNPattern))
	}
	if in.functionName != "" {
		in.function = s.functionNamed(in.functionName, f)
	}
	return nil
}

func (in *listMappingsInput) wants(m *mapping.Mapping) bool {
	if in.eventSourceARN != "" && m.Source.ARN != in.eventSourceARN {
		return false
	}
	return in.functionName == "" || !in.function.elsewhere && slices.Contains(functionsOf(m), in.function.name)
}

func (s *Server) listEventSourceMappings(ctx context.Context, in *listMappingsInput) (*listMappingsOutput, error) {
	all, err := s.mappings().List(ctx)
	if err != nil {
		return nil, err
	}
	wanted := slices.DeleteFunc(all, func(i store.Item[mapping.Mapping]) bool { return !in.wants(&i.Value) })
	items, next := cut(wanted, func(i store.Item[mapping.Mapping]) string { return i.ID }, in.page, mappingsPerPage)
	out := &listMappingsOutput{EventSourceMappings: []*mappingShape{}, NextMarker: next}
	for i := range items {
		m := &items[i].Value
		out.EventSourceMappings = append(out.EventSourceMappings, s.shapeOf(m, s.statusOf(m, items[i].Version)))
	}
	return out, nil
}
