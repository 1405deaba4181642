package admin_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// operations is the API. A route that comes or goes is a change of it, made on purpose.
const operations = `
DELETE /gantry/v1/functions/{name}
DELETE /gantry/v1/mappings/{id}
DELETE /gantry/v1/migrations/{name}
GET /gantry/v1/backup
GET /gantry/v1/doctor/aws
GET /gantry/v1/doctor/clusters/{name}
GET /gantry/v1/export/{kind}
GET /gantry/v1/functions
GET /gantry/v1/functions/{name}
GET /gantry/v1/functions/{name}/logs
GET /gantry/v1/mappings
GET /gantry/v1/mappings/{id}
GET /gantry/v1/mappings/{id}/acls
GET /gantry/v1/mappings/{id}/dead-letter
GET /gantry/v1/mappings/{id}/dead-letters
GET /gantry/v1/mappings/{id}/doctor
GET /gantry/v1/mappings/{id}/iam
GET /gantry/v1/mappings/{id}/losses
GET /gantry/v1/mappings/{id}/offsets
GET /gantry/v1/mappings/{id}/records
GET /gantry/v1/mappings/{id}/tail
GET /gantry/v1/migrations
GET /gantry/v1/migrations/{name}
GET /gantry/v1/migrations/{name}/ledger
GET /gantry/v1/migrations/{name}/run
GET /gantry/v1/migrations/{name}/shadow
GET /gantry/v1/openapi.json
GET /gantry/v1/status
POST /gantry/v1/apply
POST /gantry/v1/mappings/{id}/accept-loss
POST /gantry/v1/mappings/{id}/dead-letters/redrive
POST /gantry/v1/mappings/{id}/handover
POST /gantry/v1/mappings/{id}/offsets/reset
POST /gantry/v1/mappings/{id}/pause
POST /gantry/v1/mappings/{id}/resume
POST /gantry/v1/mappings/{id}/skip
POST /gantry/v1/migrations/recover
POST /gantry/v1/migrations/{name}/approve
POST /gantry/v1/migrations/{name}/predict
POST /gantry/v1/migrations/{name}/run
POST /gantry/v1/topics/{topic}/records
PUT /gantry/v1/migrations/{name}
`

func TestTheDocumentHasEveryRoute(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var described []string
	for path, methods := range b.fine("GET", "/gantry/v1/openapi.json", "")["paths"].(map[string]any) {
		for method := range methods.(map[string]any) {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(described)
	require.Equal(t, strings.TrimSpace(operations), strings.Join(described, "\n"))
	for _, operation := range described {
		method, path, _ := strings.Cut(operation, " ")
		_, answer := b.ask(method, path, "")
		require.NotEqual(t, "UnknownOperationException", answer["type"], "%s is described and not served", operation)
	}
}

// TestTheDocumentIsOpenAPI checks what the specification of OpenAPI 3.1 demands of every
// document: its versions, unique operations, every parameter of a path declared, answers
// with a description, references that lead somewhere, schemas with known types.
func TestTheDocumentIsOpenAPI(t *testing.T) {
	t.Parallel()
	doc := newBench(t).fine("GET", "/gantry/v1/openapi.json", "")
	require.Regexp(t, `^3\.1\.\d+$`, doc["openapi"])
	info := doc["info"].(map[string]any)
	require.NotEmpty(t, info["title"])
	require.Equal(t, "1.2.3", info["version"])
	for _, need := range doc["security"].([]any) {
		for scheme := range need.(map[string]any) {
			require.Contains(t, at(t, doc, "#/components/securitySchemes"), scheme)
		}
	}
	ids := map[any]bool{}
	for path, operations := range doc["paths"].(map[string]any) {
		require.True(t, strings.HasPrefix(path, "/"), path)
		for method, o := range operations.(map[string]any) {
			operation := o.(map[string]any)
			require.Contains(t, []string{"get", "put", "post", "delete", "patch"}, method)
			require.False(t, ids[operation["operationId"]], "%v is there twice", operation["operationId"])
			ids[operation["operationId"]] = true
			require.NotEmpty(t, operation["summary"], path)
			declared := []string{}
			for _, p := range operation["parameters"].([]any) {
				parameter := p.(map[string]any)
				require.NotEmpty(t, parameter["schema"], path)
				if parameter["in"] == "path" {
					require.Equal(t, true, parameter["required"], path)
					declared = append(declared, "{"+parameter["name"].(string)+"}")
				}
			}
			require.ElementsMatch(t, regexp.MustCompile(`\{[^}]*\}`).FindAllString(path, -1), declared, path)
			responses := operation["responses"].(map[string]any)
			require.Contains(t, responses, "200")
			for code, r := range responses {
				require.Regexp(t, `^(default|[1-5]\d\d)$`, code)
				require.NotEmpty(t, r.(map[string]any)["description"], path)
			}
			require.Equal(t, withBody.MatchString(method+" "+path), operation["requestBody"] != nil, path)
		}
	}
	checkSchemas(t, doc, doc)
}

// withBody are the operations that read a body.
var withBody = regexp.MustCompile(`^post .*(apply|loss|records|skip|reset|redrive|run|approve|recover|handover|predict)$|^put `)

var types = map[string]bool{"string": true, "integer": true, "number": true, "boolean": true, "array": true, "object": true, "apiKey": true}

// checkSchemas walks the document: references resolve, types are JSON Schema's.
func checkSchemas(t *testing.T, doc map[string]any, node any) {
	t.Helper()
	switch n := node.(type) {
	case map[string]any:
		if ref, ok := n["$ref"].(string); ok {
			require.NotEmpty(t, at(t, doc, ref))
		}
		if kind, ok := n["type"].(string); ok {
			require.True(t, types[kind], kind)
			if kind == "array" {
				require.Contains(t, n, "items")
			}
		}
		if required, ok := n["required"].([]any); ok && n["properties"] != nil {
			for _, name := range required {
				require.Contains(t, n["properties"], name)
			}
		}
		for _, member := range n {
			checkSchemas(t, doc, member)
		}
	case []any:
		for _, member := range n {
			checkSchemas(t, doc, member)
		}
	}
}

// at follows a reference within a document.
func at(t *testing.T, doc map[string]any, ref string) map[string]any {
	t.Helper()
	for _, step := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		next, ok := doc[step].(map[string]any)
		require.True(t, ok, "%s leads nowhere", ref)
		doc = next
	}
	return doc
}

// TestAnswersAreAsDescribed holds answers against the schemas of the document.
func TestAnswersAreAsDescribed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(plain(one, "m"))
	doc := b.fine("GET", "/gantry/v1/openapi.json", "")
	for path, described := range map[string]string{
		"/gantry/v1/status":             "/gantry/v1/status",
		"/gantry/v1/mappings":           "/gantry/v1/mappings",
		"/gantry/v1/mappings/m":         "/gantry/v1/mappings/{id}",
		"/gantry/v1/mappings/m/offsets": "/gantry/v1/mappings/{id}/offsets",
		"/gantry/v1/mappings/m/losses":  "/gantry/v1/mappings/{id}/losses",
		"/gantry/v1/functions":          "/gantry/v1/functions",
	} {
		operation := doc["paths"].(map[string]any)[described].(map[string]any)["get"].(map[string]any)
		schema := operation["responses"].(map[string]any)["200"].(map[string]any)["content"].(map[string]any)["application/json"].(map[string]any)["schema"]
		requireFits(t, schema.(map[string]any), b.fine("GET", path, ""), path)
	}
}

// requireFits says that a value has what a schema requires and nothing it does not know.
func requireFits(t *testing.T, schema map[string]any, value any, where string) {
	t.Helper()
	switch v := value.(type) {
	case map[string]any:
		properties, closed := schema["properties"].(map[string]any)
		if !closed {
			return
		}
		for name, member := range v {
			require.Contains(t, properties, name, where)
			requireFits(t, properties[name].(map[string]any), member, where+"."+name)
		}
		for _, name := range schema["required"].([]any) {
			require.Contains(t, v, name, where)
		}
	case []any:
		for _, item := range v {
			requireFits(t, schema["items"].(map[string]any), item, where+"[]")
		}
	case string:
		require.Equal(t, "string", schema["type"], where)
	case bool:
		require.Equal(t, "boolean", schema["type"], where)
	case float64:
		require.Contains(t, []any{"integer", "number"}, schema["type"], where)
	default:
		text, _ := json.Marshal(v)
		t.Errorf("%s is %s", where, text)
	}
}
