package admin

import (
	"context"
	"reflect"
	"strings"
)

// openAPI describes the API from the table of its routes and the types behind them.
func (s *Server) openAPI(context.Context, call[none]) (object, error) {
	paths := map[string]object{}
	for _, r := range s.routes() {
		if paths[r.path] == nil {
			paths[r.path] = object{}
		}
		paths[r.path][strings.ToLower(r.method)] = describeRoute(r)
	}
	return object{
		"openapi": "3.1.0", "paths": paths,
		"info":     object{"title": "gantry", "version": s.cfg.Version, "description": "What Lambda's API has no words for."},
		"security": []object{{"sigv4": []string{}}},
		"components": object{
			"schemas": object{"Error": schemaOf(reflect.TypeFor[errorBody]())},
			"securitySchemes": object{"sigv4": object{
				"type": "apiKey", "in": "header", "name": "Authorization", "description": "AWS Signature Version 4, service lambda. A key that names a function does produce alone, to the topics of the function's right (docs/produce.md)",
			}},
		},
	}, nil
}

func describeRoute(r route) object {
	media := "application/json"
	if r.handler.stream {
		media = "application/x-ndjson"
	}
	answer := object{"type": "string", "contentMediaType": r.handler.media}
	if r.handler.media != "" {
		media = r.handler.media
	} else {
		answer = schemaOf(r.handler.out)
	}
	out := object{
		"operationId": r.id, "summary": r.summary, "parameters": append(pathParameters(r.path), r.handler.query...),
		"responses": object{
			"200":     object{"description": "done", "content": content(media, answer)},
			"default": object{"description": "why not", "content": content("application/json", object{"$ref": "#/components/schemas/Error"})},
		},
	}
	if in := r.handler.in; in != nil && in != reflect.TypeFor[none]() {
		out["requestBody"] = object{"required": true, "content": content("application/json", optional(schemaOf(in)))}
	}
	return out
}

func content(media string, schema object) object { return object{media: object{"schema": schema}} }

// optional leaves it to the operation to say what it misses.
func optional(schema object) object {
	delete(schema, "required")
	return schema
}

func pathParameters(path string) []object {
	list := []object{}
	for _, part := range strings.Split(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			list = append(list, object{"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true, "schema": object{"type": "string"}})
		}
	}
	return list
}
