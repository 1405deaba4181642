package admin

import "gantry/mapping"

// outputSchemaView says which schemas an output is written by.
type outputSchemaView struct {
	Value *oneSchemaView `json:"value,omitempty"`
	Key   *oneSchemaView `json:"key,omitempty"`
}

type oneSchemaView struct {
	Format   string `json:"format"`
	Subject  string `json:"subject,omitempty"` // absent: TOPIC-value or TOPIC-key
	Version  int    `json:"version,omitempty"` // absent: the newest
	File     string `json:"file,omitempty"`
	Register bool   `json:"register,omitempty"`
	Message  string `json:"message,omitempty"`
}

func outputSchemaOf(s *mapping.OutputSchema) *outputSchemaView {
	if s == nil {
		return nil
	}
	return &outputSchemaView{viewedSchema(s.Value), viewedSchema(s.Key)}
}

func viewedSchema(s *mapping.Schema) *oneSchemaView {
	if s == nil {
		return nil
	}
	return &oneSchemaView{s.Format, s.Subject, s.Version, s.File, s.Register, s.Message}
}
