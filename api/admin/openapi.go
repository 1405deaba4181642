package admin

import (
	"context"
	"strings"
)

// openAPI describes the API from the table of its routes.
func (s *Server) openAPI(context.Context, call[none]) (map[string]any, error) {
	paths := map[string]map[string]any{}
	for _, r := range s.routes() {
		if paths[r.path] == nil {
			paths[r.path] = map[string]any{}
		}
		paths[r.path][strings.ToLower(r.method)] = map[string]any{
			"summary": r.summary, "parameters": parameters(r.path),
			"responses": map[string]any{
				"200":     map[string]any{"description": "done"},
				"default": map[string]any{"description": "an error: {type, message}"},
			},
		}
	}
	return map[string]any{
		"openapi": "3.1.0", "paths": paths,
		"info": map[string]any{"title": "gantry", "version": s.cfg.Version},
	}, nil
}

func parameters(path string) []map[string]any {
	list := []map[string]any{}
	for _, part := range strings.Split(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			list = append(list, map[string]any{
				"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true, "schema": map[string]string{"type": "string"},
			})
		}
	}
	return list
}
