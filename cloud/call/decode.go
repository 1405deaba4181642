package call

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// decode reads an answer by the model. Members the model does not know are left out.
func (op *Operation) decode(r reply) (map[string]any, error) {
	if op.Output == nil {
		return map[string]any{}, nil
	}
	switch op.model.Metadata.Protocol {
	case protocolQuery:
		return decodeQuery(op.Output, r.Body)
	case protocolREST:
		return decodeREST(op.Output.of, r)
	default:
		return decodeObject(op.Output, r.Body)
	}
}

func decodeREST(s *shape, r reply) (map[string]any, error) {
	out := map[string]any{}
	if payload := s.Members[s.Payload]; payload != nil {
		switch payload.of.Type {
		case "blob":
			out[s.Payload] = r.Body
		case "string":
			out[s.Payload] = string(r.Body)
		default:
			v, err := unmarshal(r.Body)
			if err != nil {
				return nil, err
			}
			out[s.Payload] = known(payload, v)
		}
	} else if hasBody(s) {
		body, err := decodeObject(&member{of: s}, r.Body)
		if err != nil {
			return nil, err
		}
		out = body
	}
	for name, ref := range s.Members {
		switch ref.Location {
		case "statusCode":
			out[name] = json.Number(strconv.Itoa(r.Status))
		case "header":
			if v := r.Header.Get(ref.name(name)); v != "" {
				out[name] = headerValue(ref, v)
			}
		case "headers":
			out[name] = headersUnder(ref.LocationName, r)
		}
	}
	return out, nil
}

func headersUnder(prefix string, r reply) map[string]any {
	out := map[string]any{}
	for h, v := range r.Header {
		if len(h) >= len(prefix) && strings.EqualFold(h[:len(prefix)], prefix) {
			out[h[len(prefix):]] = strings.Join(v, ",")
		}
	}
	return out
}

func headerValue(ref *member, v string) any {
	if ref.JSONValue {
		if b, err := base64.StdEncoding.DecodeString(v); err == nil {
			if doc, err := unmarshal(b); err == nil {
				return doc
			}
		}
		return v
	}
	switch ref.of.Type {
	case "boolean":
		return v == "true"
	case "integer", "long", "short", "float", "double":
		return json.Number(v)
	default:
		return v
	}
}

// decodeObject reads a body of JSON; an empty one is an empty object.
func decodeObject(ref *member, body []byte) (map[string]any, error) {
	v, err := unmarshal(body)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return map[string]any{}, nil
	}
	out, ok := known(ref, v).(map[string]any)
	if !ok {
		return nil, fmt.Errorf("it is %s, want an object", kind(v))
	}
	return out, nil
}

func unmarshal(body []byte) (any, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	return v, nil
}

// known gives a value of JSON as the model has it: members by their names in the model,
// blobs as bytes. What is of another type than the model says stays as it came.
func known(ref *member, v any) any {
	s := ref.of
	if s.Document {
		return v
	}
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		switch s.Type {
		case "structure":
			for name, m := range s.Members {
				if value, there := x[m.name(name)]; there && value != nil && inBody(m) {
					out[name] = known(m, value)
				}
			}
		case "map":
			for name, value := range x {
				out[name] = known(s.Value, value)
			}
		default:
			return v
		}
		return out
	case []any:
		if s.Type != "list" {
			return v
		}
		out := make([]any, len(x))
		for n, value := range x {
			out[n] = known(s.Member, value)
		}
		return out
	case string:
		if s.Type == "blob" {
			if b, err := base64.StdEncoding.DecodeString(x); err == nil {
				return b
			}
		}
	}
	return v
}

// inBody says that a member is no header and no status.
func inBody(m *member) bool { return m.Location == "" }
