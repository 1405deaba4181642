package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"gantry/mapping"
	"gantry/pipeline/output"
	"gantry/schema"
)

// schemas let a mapping's output write by the schemas of its cluster's registry: one
// encoder for each topic and part, kept while the mapping's settings last.
type schemas struct {
	registry *schema.Registry
	want     mapping.OutputSchema
	encoders sync.Map // topic and part → *schema.Encoder
}

// encoder gives what writes the output of a mapping; nil where nothing has a schema.
func (e *Engine) encoder(m mapping.Mapping) (output.Encoder, error) {
	o := m.Output
	if o.Schema == nil {
		return nil, nil
	}
	if e.cfg.Schemas == nil {
		return nil, errors.New("output.schema: there is no schema registry here")
	}
	src := m.Source
	if o.Cluster != "" {
		src = mapping.Source{Cluster: o.Cluster}
	}
	registry, err := e.cfg.Schemas(src)
	if err != nil {
		return nil, fmt.Errorf("output.schema: %w", err)
	}
	return &schemas{registry: registry, want: *o.Schema}, nil
}

// Encode implements output.Encoder.
func (s *schemas) Encode(ctx context.Context, topic, part string, json []byte) ([]byte, error) {
	want := s.want.Value
	if part == schema.Key {
		want = s.want.Key
	}
	if want == nil {
		return json, nil
	}
	name := topic + " " + part
	one, known := s.encoders.Load(name)
	if !known {
		one, _ = s.encoders.LoadOrStore(name, s.registry.Encoder(topic, part, *want))
	}
	encoded, err := one.(*schema.Encoder).Encode(ctx, json)
	var bad *schema.Misfit
	if errors.As(err, &bad) {
		return nil, fmt.Errorf("%w: %w", output.ErrUnencodable, err)
	}
	return encoded, err
}
