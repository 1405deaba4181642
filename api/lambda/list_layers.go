package lambda

import "context"

type listLayersOutput struct {
	Layers []struct{} `json:"Layers"`
}

// listLayers answers that there are none.
func (s *Server) listLayers(context.Context, *noInput) (*listLayersOutput, error) {
	return &listLayersOutput{Layers: []struct{}{}}, nil
}
