package main

import "slices"

// model is a service-2.json.
type model struct {
	Metadata   map[string]any        `json:"metadata"`
	Operations map[string]*operation `json:"operations"`
	Shapes     map[string]shape      `json:"shapes"`
}

type operation struct {
	HTTP      map[string]any `json:"http,omitempty"`
	Input     map[string]any `json:"input,omitempty"`
	Output    map[string]any `json:"output,omitempty"`
	Endpoint  map[string]any `json:"endpoint,omitempty"`
	Discovery map[string]any `json:"endpointdiscovery,omitempty"`
	AuthType  string         `json:"authtype,omitempty"`
	Auth      []string       `json:"auth,omitempty"`
}

type shape map[string]any

// The members of a model that a call needs.
var (
	keptMetadata = []string{"apiVersion", "endpointPrefix", "jsonVersion", "protocol", "protocols", "serviceId", "signingName", "targetPrefix"}
	keptShape    = []string{"type", "members", "required", "payload", "member", "key", "value", "min", "max", "pattern", "flattened",
		"timestampFormat", "streaming", "document", "union", "eventstream", "event", "locationName", "sensitive"}
	keptMember = []string{"shape", "location", "locationName", "streaming", "idempotencyToken", "flattened", "timestampFormat",
		"jsonvalue", "hostLabel", "queryName", "eventpayload", "eventheader", "box"}
)

// shrink drops what a call does not need.
func (m *model) shrink() {
	keep(m.Metadata, keptMetadata)
	reached := map[string]bool{}
	for _, o := range m.Operations {
		keep(o.Input, []string{"shape"})
		keep(o.Output, []string{"shape", "resultWrapper"})
		keep(o.Discovery, []string{"required"})
		m.reach(o.Input, reached)
		m.reach(o.Output, reached)
	}
	for name, s := range m.Shapes {
		if !reached[name] {
			delete(m.Shapes, name)
			continue
		}
		s.shrink()
	}
}

func (s shape) shrink() {
	keep(s, keptShape)
	members, _ := s["members"].(map[string]any)
	for _, ref := range members {
		keep(ref.(map[string]any), keptMember)
	}
	for _, of := range []string{"member", "key", "value"} {
		if ref, ok := s[of].(map[string]any); ok {
			keep(ref, keptMember)
		}
	}
}

// reach marks the shape of a reference and all it is made of.
func (m *model) reach(ref any, reached map[string]bool) {
	r, _ := ref.(map[string]any)
	name, _ := r["shape"].(string)
	if name == "" || reached[name] {
		return
	}
	reached[name] = true
	s := m.Shapes[name]
	members, _ := s["members"].(map[string]any)
	for _, member := range members {
		m.reach(member, reached)
	}
	for _, of := range []string{"member", "key", "value"} {
		m.reach(s[of], reached)
	}
}

func keep(m map[string]any, names []string) {
	for name := range m {
		if !slices.Contains(names, name) {
			delete(m, name)
		}
	}
}
